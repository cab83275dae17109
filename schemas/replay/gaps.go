package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Span is the time between the first and the last reading of a node.
type Span struct {
	Node     string
	From, To int64
	Behind   int64 // readings that stand more than lateness behind a newer one
	Line     int   // of the first of them
}

// pricing is what a figure needs: rates of any of the kinds, resolved by key.
type pricing struct {
	kinds    []telemetry.RateKind
	absent   string // what follows where no rate of these kinds ever applies; empty: that is usual
	ofDevice bool
}

var pricings = []pricing{
	{[]telemetry.RateKind{telemetry.RateDevicePrice, telemetry.RateInstancePrice}, "the time is unpriced", true},
	{[]telemetry.RateKind{telemetry.RateElectricity}, "", false},
	{[]telemetry.RateKind{telemetry.RatePUE}, "1 is assumed", false},
	{[]telemetry.RateKind{telemetry.RateGridLocation}, "carbon stays empty", false},
	{[]telemetry.RateKind{telemetry.RateGridMarket}, "", false},
	{[]telemetry.RateKind{telemetry.RateEmbodied}, "", true},
	{[]telemetry.RateKind{telemetry.RateIdlePower}, "", true},
	{[]telemetry.RateKind{telemetry.RateFullPower}, "", true},
}

// WarnOfGaps warns of rates that are missing for a part of the time of which
// there are readings; nodes that miss the same are named together.
func WarnOfGaps(rates []telemetry.Rate, estate *Estate, spans []Span, report func(Fault)) {
	validity := make(map[telemetry.RateKind]map[string][]Span)
	for _, r := range rates {
		if validity[r.Kind] == nil {
			validity[r.Kind] = make(map[string][]Span)
		}
		validity[r.Kind][r.Key] = append(validity[r.Kind][r.Key], Span{From: r.From, To: r.To})
	}
	nodes := make(map[string][]string)
	var order []string
	for _, span := range spans {
		for _, p := range pricings {
			for _, what := range p.missing(validity, estate, span) {
				if nodes[what] == nil {
					order = append(order, what)
				}
				nodes[what] = append(nodes[what], span.Node)
			}
		}
	}
	for _, what := range order {
		report(Fault{File: RatesFile, Reason: telemetry.RateMissing, Warning: true, Message: fmt.Sprintf("%s: node %s", what, someOf(nodes[what]))})
	}
}

func someOf(nodes []string) string {
	const most = 4
	var quoted []string
	for _, n := range nodes[:min(most, len(nodes))] {
		quoted = append(quoted, quoteCell(n))
	}
	text := strings.Join(quoted, ", ")
	if len(nodes) > most {
		text += fmt.Sprintf(" and %d more", len(nodes)-most)
	}
	return text
}

// missing says what is missing for a node, once for each model that misses it.
func (p pricing) missing(validity map[telemetry.RateKind]map[string][]Span, estate *Estate, span Span) []string {
	node, _ := estate.Device(span.Node, "")
	models := []string{""}
	if p.ofDevice {
		models = nil
		for _, id := range estate.Accelerators(span.Node) {
			d, _ := estate.Device(span.Node, id)
			if !slices.Contains(models, d.Model) {
				models = append(models, d.Model)
			}
		}
	}
	var names, messages []string
	for _, k := range p.kinds {
		names = append(names, k.String())
	}
	for _, model := range models {
		var valid []Span
		for _, k := range p.kinds {
			for _, key := range keysOf(k, model, node) {
				valid = append(valid, validity[k][key]...)
			}
		}
		gaps := uncovered(span, valid)
		whole := len(gaps) == 1 && gaps[0].From == span.From && gaps[0].To == span.To
		of := strings.Join(names, " or ")
		if model != "" {
			of += " of " + quoteCell(model)
		}
		switch {
		case whole && p.absent != "":
			messages = append(messages, fmt.Sprintf("no %s applies at the time of the readings, so %s", of, p.absent))
		case whole || len(gaps) == 0:
		default:
			messages = append(messages, fmt.Sprintf("no %s applies %s", of, describe(gaps, span)))
		}
	}
	return messages
}

// keysOf lists the keys by which a rate of kind k can apply, the most specific
// first.
func keysOf(k telemetry.RateKind, model string, node telemetry.Device) []string {
	switch k {
	case telemetry.RateElectricity, telemetry.RatePUE, telemetry.RateGridLocation, telemetry.RateGridMarket:
		var keys []string
		for _, key := range []string{node.Cluster, node.Zone, node.Region} {
			if key != "" && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		return append(keys, "")
	case telemetry.RateInstancePrice:
		model = node.InstanceType
	}
	if model == "" {
		return nil
	}
	if node.Region == "" {
		return []string{model}
	}
	return []string{model + "@" + node.Region, model}
}

// uncovered returns the parts of span that none of valid covers.
func uncovered(span Span, valid []Span) []Span {
	valid = slices.Clone(valid)
	slices.SortFunc(valid, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var gaps []Span
	at := span.From
	for _, v := range valid {
		if v.To <= at || v.From >= span.To {
			continue
		}
		if v.From > at {
			gaps = append(gaps, Span{From: at, To: v.From})
		}
		at = v.To
	}
	if at < span.To {
		gaps = append(gaps, Span{From: at, To: span.To})
	}
	return gaps
}

func describe(gaps []Span, span Span) string {
	const most = 3
	var parts []string
	for i, g := range gaps {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d times more", len(gaps)-most))
			break
		}
		switch {
		case g.From == span.From:
			parts = append(parts, "before "+stamp(g.To))
		case g.To == span.To:
			parts = append(parts, "from "+stamp(g.From)+" on")
		default:
			parts = append(parts, "from "+stamp(g.From)+" to "+stamp(g.To))
		}
	}
	return strings.Join(parts, ", ")
}

func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
