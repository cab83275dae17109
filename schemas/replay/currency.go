package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// WarnOfCurrencies warns of nodes whose costs come in several currencies while
// there are readings: what is held there stands in a row for each of them, and
// no figure adds them up. Nodes with the same mix are named together.
func WarnOfCurrencies(rates []telemetry.Rate, estate *Estate, spans []Span, report func(Fault)) {
	nodes := make(map[string][]string)
	var order []string
	for _, span := range spans {
		mix := currenciesOf(rates, estate, span)
		if len(mix) < 2 {
			continue
		}
		var what []string
		for _, m := range mix {
			what = append(what, m.currency+" by "+m.kind.String()+" "+quoteCell(m.key))
		}
		text := strings.Join(what, ", ")
		if nodes[text] == nil {
			order = append(order, text)
		}
		nodes[text] = append(nodes[text], span.Node)
	}
	for _, what := range order {
		report(Fault{
			File: RatesFile, Reason: telemetry.CurrencyMixed, Warning: true,
			Message: fmt.Sprintf("costs are in %s: want one currency a node; they are kept apart, never added: node %s", what, someOf(nodes[what])),
		})
	}
}

// applied is the first rate by which a currency reaches a node.
type applied struct {
	currency string
	kind     telemetry.RateKind
	key      string
}

// currenciesOf lists the currencies that apply to a node during span.
func currenciesOf(rates []telemetry.Rate, estate *Estate, span Span) []applied {
	node, _ := estate.Device(span.Node, "")
	var mix []applied
	add := func(kinds []telemetry.RateKind, model string) {
		open := []Span{span}
		for _, k := range kinds {
			for _, key := range keysOf(k, model, node) {
				var valid []Span
				for _, r := range rates {
					if r.Kind != k || r.Key != key || !slices.ContainsFunc(open, func(s Span) bool { return r.From < s.To && s.From < r.To }) {
						continue
					}
					valid = append(valid, Span{From: r.From, To: r.To})
					if !slices.ContainsFunc(mix, func(a applied) bool { return a.currency == r.Currency }) {
						mix = append(mix, applied{r.Currency, k, key})
					}
				}
				open = uncoveredOf(open, valid)
			}
		}
	}
	add([]telemetry.RateKind{telemetry.RateInstancePrice}, "")
	for _, id := range estate.Accelerators(span.Node) {
		d, _ := estate.Device(span.Node, id)
		add([]telemetry.RateKind{telemetry.RateInstancePrice, telemetry.RateDevicePrice}, d.Model)
	}
	add([]telemetry.RateKind{telemetry.RateElectricity}, "")
	return mix
}

// uncoveredOf returns the parts of spans that none of valid covers.
func uncoveredOf(spans, valid []Span) []Span {
	var open []Span
	for _, s := range spans {
		open = append(open, uncovered(s, valid)...)
	}
	return open
}
