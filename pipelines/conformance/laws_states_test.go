package conformance_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// without leaves out the rates of a kind.
func without(rates []row, kind string) []row {
	return slices.DeleteFunc(slices.Clone(rates), func(r row) bool { return r["kind"] == kind })
}

// stateless adds up facts over their states and writes them, one line a key.
func stateless(facts []plainFact) map[string]string {
	sums := make(map[string]plainFact)
	for _, f := range facts {
		key := fmt.Sprint(f.window, " ", f.node, " ", f.device, " ", f.placement)
		s, ok := sums[key]
		if !ok {
			s = plainFact{cost: make(map[string]int64)}
		}
		s.deviceTime, s.busy, s.known, s.covered = s.deviceTime+f.deviceTime, s.busy+f.busy, s.known+f.known, s.covered+f.covered
		s.energy, s.overhead, s.facility, s.estimated = s.energy+f.energy, s.overhead+f.overhead, s.facility+f.facility, s.estimated+f.estimated
		s.carbonLocation, s.carbonMarket, s.embodied = s.carbonLocation+f.carbonLocation, s.carbonMarket+f.carbonMarket, s.embodied+f.embodied
		s.idle, s.idleIntervals = s.idle+f.idle, s.idleIntervals+f.idleIntervals
		s.inputTokens, s.outputTokens, s.requests = s.inputTokens+f.inputTokens, s.outputTokens+f.outputTokens, s.requests+f.requests
		for currency, v := range f.cost {
			s.cost[currency] += v
		}
		sums[key] = s
	}
	out := make(map[string]string)
	for key, s := range sums {
		out[key] = figures(s.sums(), s.cost)
	}
	return out
}

// States only say under which row a figure stands: whatever the thresholds are,
// every piece has the same figures over its states, and reports are the same.
func TestThresholdsMoveNothing(t *testing.T) {
	forClusters(t, func(t *testing.T, seed uint64, d directory) {
		facts := plainFacts(d)
		for _, limits := range []thresholds{
			{},
			{idle: million, underused: million, throttled: 1, faultPower: 1, faultUtil: 1},
			{idle: int64(seed) * 1000, underused: 500_000, throttled: 900_000, faultPower: 1_100_000, faultUtil: 2 * million},
		} {
			d.thresholds = &limits
			other := plainFacts(d)
			if diff := cmp.Diff(stateless(other), stateless(facts)); diff != "" {
				t.Errorf("thresholds %v (-got +want):\n%s", limits, diff)
			}
			if diff := cmp.Diff(reportOf(other, "team", zeroTime, zeroTime), reportOf(facts, "team", zeroTime, zeroTime)); diff != "" {
				t.Errorf("thresholds %v, report (-got +want):\n%s", limits, diff)
			}
		}
	})
}

// Without full_power and requests of cores or memory section 10 changes no
// report: what it reads could as well be readings that no figure uses.
func TestSectionTenStandsBeside(t *testing.T) {
	its := []string{"xid_errors_total", "throttle_seconds_total", "tokens_input_total", "tokens_output_total", "requests_total", "cpu_seconds_total"}
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		d.rates = without(d.rates, "full_power")
		d.placements = slices.Clone(d.placements)
		for i, r := range d.placements {
			r = maps.Clone(r)
			delete(r, "cpu_request_cores")
			delete(r, "memory_request_bytes")
			d.placements[i] = r
		}
		other := d
		other.samples = slices.Clone(d.samples)
		for i, r := range d.samples {
			if slices.Contains(its, r["metric"]) {
				r = maps.Clone(r)
				r["metric"] = "memory_total_bytes"
				other.samples[i] = r
			}
		}
		compareReports(t, d, other)
	})
}

// Tokens and requests in the rows and those that no piece got are what the
// segments of the counters give.
func TestServedAddsUp(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		nodes, rates, length := read(d)
		for _, n := range nodes {
			v := newView(n, rates, defaultThresholds)
			v.closeAll(length)
			got := maps.Clone(v.unplaced)
			for _, f := range v.facts {
				got["tokens_input_total"] += f.inputTokens
				got["tokens_output_total"] += f.outputTokens
				got["requests_total"] += f.requests
			}
			for metric, sum := range got {
				want := int64(0)
				for key, readings := range n.series {
					for i := 1; i < len(readings) && key.metric == metric; i++ {
						before, after := readings[i-1], readings[i]
						said := after.value - before.value
						if said < 0 {
							said = after.value
						}
						if length := after.at - before.at; length <= maxSilence && said <= length*mostOfCounts {
							want += said
						}
					}
				}
				if sum != want {
					t.Errorf("%s of %s: rows and unplaced %d, segments %d", metric, n.name, sum, want)
				}
			}
		}
	})
}

// What a state and idle energy can be.
func TestStatesAndIdleStayWithin(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		for _, f := range plainFacts(d) {
			nobodys := f.state == "dark" || f.state == "unallocated"
			switch {
			case (f.state == "") != (f.device == ""):
				t.Fatalf("a state is an accelerator's: %+v", f)
			case f.device != "" && f.placement == "" && !nobodys, f.placement != "" && f.state == "unallocated":
				t.Fatalf("unallocated is what nobody holds: %+v", f)
			case f.idle < 0 || f.idle > f.energy-f.overhead:
				t.Fatalf("idle beyond the accelerator's energy: %+v", f)
			case f.idleIntervals == 0 && f.idle != 0:
				t.Fatalf("idle without a rate: %+v", f)
			case f.state == "dark" && (f.known != 0 || f.busy != 0):
				t.Fatalf("known in the dark: %+v", f)
			}
		}
	})
}
