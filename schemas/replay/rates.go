package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// RateRow is a row of rates.csv.
type RateRow struct {
	telemetry.Rate
	Line int
}

const (
	rateKind = iota
	rateKey
	rateValue
	rateUnit
	rateFrom
	rateTo
	rateSource
)

// ReadRates reads rates.csv.
func ReadRates(src Source) []RateRow {
	t := openTable(src, ratesColumns, nil)
	if t == nil {
		return nil
	}
	var rates []RateRow
	for t.next() {
		if r, ok := t.rate(); ok {
			rates = append(rates, RateRow{Rate: r, Line: t.rows.line})
		}
	}
	t.validities(rates)
	t.currencies(rates)
	return rates
}

func (t *table) rate() (r telemetry.Rate, ok bool) {
	kind, ok1 := t.text(rateKind, record.MaxName)
	key, ok2 := t.text(rateKey, 2*record.MaxName+1)
	source, ok3 := t.text(rateSource, record.MaxText)
	if !ok1 || !ok2 || !ok3 {
		return r, false
	}
	r.Key, r.Source = key, source
	r.Kind = telemetry.ParseRateKind(kind)
	if r.Kind == telemetry.RateUnknown {
		t.cellFault(rateKind, telemetry.Unparsable, fmt.Sprintf("%s: want one of %s", quoteCell(kind), strings.Join(telemetry.RateKindNames(), " ")))
		return r, false
	}
	var err error
	r.Value, r.Currency, err = telemetry.ParseRateValue(r.Kind, string(t.cell(rateValue)), string(t.cell(rateUnit)))
	if err != nil {
		column := rateValue
		if strings.HasPrefix(err.Error(), "unit") {
			column = rateUnit // both are given to one parser, which names the one at fault first
		}
		reason := telemetry.ImplausibleRate
		if _, bad := unit.ParseDecimal(string(t.cell(rateValue))); bad != nil || column == rateUnit {
			reason = telemetry.Unparsable
		}
		f := t.at(column, reason, "")
		f.Message = err.Error()
		t.report(f)
		return r, false
	}
	r.From, ok1 = t.time(rateFrom, telemetry.MinTime)
	r.To, ok2 = t.time(rateTo, telemetry.MaxTime)
	if !ok1 || !ok2 {
		return r, false
	}
	if r.To <= r.From {
		t.cellFault(rateTo, telemetry.EndNotAfterStart, fmt.Sprintf("%s is not after valid_from %s: want a later time, or none while it holds",
			quoteCell(string(t.cell(rateTo))), quoteCell(string(t.cell(rateFrom)))))
		return r, false
	}
	return r, true
}

// validities warns of rates of one kind and key that hold at one time.
func (t *table) validities(rates []RateRow) {
	type key struct {
		kind telemetry.RateKind
		key  string
	}
	groups := make(map[key][]int)
	var order []key
	for i, r := range rates {
		k := key{r.Kind, r.Key}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	for _, k := range order {
		of := groups[k]
		slices.SortStableFunc(of, func(a, b int) int { return cmp.Compare(rates[a].From, rates[b].From) })
		for n := 1; n < len(of); n++ {
			a, b := rates[of[n-1]], rates[of[n]]
			if a.To <= b.From {
				continue
			}
			rule := "the later valid_from wins"
			if a.From == b.From {
				rule = "the later row counts"
			}
			t.report(Fault{
				Line: b.Line, Reason: telemetry.RateOverlap, Warning: true,
				Message: fmt.Sprintf("%s %s holds while that of line %d does: %s; want valid_to where the next one begins", b.Kind, quoteCell(b.Key), a.Line, rule),
			})
		}
	}
}

// currencies warns of two currencies of one kind in one region: a workload's
// cost would stand in two rows.
func (t *table) currencies(rates []RateRow) {
	type key struct {
		kind   telemetry.RateKind
		region string
	}
	first := make(map[key]RateRow)
	for _, r := range rates {
		if r.Currency == "" {
			continue
		}
		k := key{r.Kind, r.Key}
		if r.Kind != telemetry.RateElectricity {
			_, k.region, _ = strings.Cut(r.Key, "@")
		}
		seen, ok := first[k]
		if !ok {
			first[k] = r
			continue
		}
		if seen.Currency != r.Currency {
			t.report(Fault{
				Line: r.Line, Reason: telemetry.CurrencyMixed, Warning: true,
				Message: fmt.Sprintf("%s %s is in %s, %s of line %d in %s: want one currency a kind and region; costs are kept apart by currency, never added",
					r.Kind, quoteCell(r.Key), r.Currency, quoteCell(seen.Key), seen.Line, seen.Currency),
			})
		}
	}
}
