package conformance_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ntegral/ntegral/schemas/fact"
)

// factColumns are the sums that both implementations give of a key; cost is
// compared by currency beside them.
var factColumns = []fact.Column{
	fact.DeviceSeconds, fact.BusySeconds, fact.KnownSeconds, fact.CoveredSeconds,
	fact.Energy, fact.Overhead, fact.Facility, fact.Estimated,
	fact.CarbonLocation, fact.CarbonMarket, fact.Embodied,
	fact.Idle, fact.IdleIntervals, fact.InputTokens, fact.OutputTokens, fact.Requests,
}

// sums are a fact's in the columns above.
func (f plainFact) sums() map[fact.Column]int64 {
	return map[fact.Column]int64{
		fact.DeviceSeconds: f.deviceTime, fact.BusySeconds: f.busy, fact.KnownSeconds: f.known, fact.CoveredSeconds: f.covered,
		fact.Energy: f.energy, fact.Overhead: f.overhead, fact.Facility: f.facility, fact.Estimated: f.estimated,
		fact.CarbonLocation: f.carbonLocation, fact.CarbonMarket: f.carbonMarket, fact.Embodied: f.embodied,
		fact.Idle: f.idle, fact.IdleIntervals: f.idleIntervals,
		fact.InputTokens: f.inputTokens, fact.OutputTokens: f.outputTokens, fact.Requests: f.requests,
	}
}

// figuresByKey writes the facts of windows before to, one line a key.
func figuresByKey(facts []plainFact, length int64, to time.Time) map[fact.Key]string {
	out := make(map[fact.Key]string)
	for _, f := range facts {
		if !to.IsZero() && f.window >= to.UnixNano() {
			continue
		}
		key := fact.Key{WindowStart: f.window, WindowLength: length, Node: f.node, Device: f.device, Placement: f.placement, State: f.state}
		out[key] = figures(f.sums(), f.cost)
	}
	return out
}

// figuresByKey writes what the rows of each key add up to; a key of which all
// was taken back is not there.
func (s *stream) figuresByKey() map[fact.Key]string {
	out := make(map[fact.Key]string)
	for key, byDimensions := range s.rows {
		sums, cost, priced, all := make(map[fact.Column]int64), make(map[string]int64), make(map[string]int64), fact.Sums{}
		for dims, row := range byDimensions {
			all.Add(row)
			if dims.Currency != "" {
				cost[dims.Currency] += row[fact.HoldCost] + row[fact.EnergyCost]
				priced[dims.Currency] += row[fact.CostIntervals]
			}
		}
		maps.DeleteFunc(cost, func(currency string, v int64) bool { return v == 0 && priced[currency] == 0 })
		for _, c := range factColumns {
			sums[c] = all[c]
		}
		if !all.Zero() || len(cost) > 0 {
			out[key] = figures(sums, cost)
		}
	}
	return out
}

func figures(sums map[fact.Column]int64, cost map[string]int64) string {
	var b strings.Builder
	for _, c := range factColumns {
		if sums[c] != 0 {
			fmt.Fprintf(&b, "%s=%d ", fact.Columns[c].Name, sums[c])
		}
	}
	for _, currency := range sortedKeys(cost) {
		fmt.Fprintf(&b, "cost=%d %s ", cost[currency], currency)
	}
	return strings.TrimSpace(b.String())
}

// compareKeys holds every fact of a stream against the plain one of its key,
// the state included.
func compareKeys(t *testing.T, seed uint64, d directory, facts []plainFact, s *stream, to time.Time) {
	t.Helper()
	got, want := s.figuresByKey(), figuresByKey(facts, engineWindow(d), to)
	told := 0
	tell := func(key fact.Key, got, want string) {
		if told++; told <= 10 {
			t.Errorf("cluster %d, %s of %s/%s held by %q, state %q\n got %s\nwant %s",
				seed, timeOf(key.WindowStart).Format(time.RFC3339), key.Node, key.Device, key.Placement, key.State, got, want)
		}
	}
	for key, w := range want {
		if g, ok := got[key]; !ok {
			tell(key, "no such fact", w)
		} else if g != w {
			tell(key, g, w)
		}
	}
	for key, g := range got {
		if _, ok := want[key]; !ok {
			tell(key, g, "no such fact")
		}
	}
	if told > 0 {
		t.Errorf("cluster %d: %d of %d facts differ", seed, told, len(want))
	}
}
