package conformance_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lawSeeds is how many clusters the plain implementation's own laws run over
// where it is worth the time: where as many are asked for.
const lawSeeds = 200

func thorough() bool { return *clusters >= lawSeeds }

// forClusters runs a law over random clusters, half with sharing, half with
// states, as many at once as there are processors.
func forClusters(t *testing.T, law func(t *testing.T, seed uint64, d directory)) {
	t.Helper()
	t.Parallel()
	n := uint64(lawSeeds)
	if !thorough() {
		n = 16
	}
	for seed := range n {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			t.Parallel()
			law(t, seed, randomCluster(seed, clusterOptions{sharing: seed%2 == 1, late: seed%3 == 0, states: seed%4 >= 2}))
		})
	}
}

// sumOf adds up a figure of facts by a key.
func sumOf(facts []plainFact, key func(plainFact) string, value func(plainFact) int64) map[string]string {
	sums := make(map[string]*big.Int)
	for _, f := range facts {
		k := key(f)
		if sums[k] == nil {
			sums[k] = new(big.Int)
		}
		sums[k].Add(sums[k], big.NewInt(value(f)))
	}
	out := make(map[string]string)
	for k, v := range sums {
		out[k] = v.String()
	}
	return out
}

func nodeWindow(f plainFact) string { return fmt.Sprint(f.node, " ", f.window) }

// read parses a directory as plainFacts does.
func read(d directory) (map[string]*node, []rate, int64) {
	nodes := inventoryOf(d.inventory)
	readSamples(nodes, d.samples, d.takenIn)
	readPlacements(nodes, d.placements)
	for _, n := range nodes {
		n.present = n.presence()
	}
	length := int64(d.window)
	if length == 0 {
		length = minute
	}
	return nodes, readRates(d.rates), length
}

// presentIn lists the windows of a node and what of them is presence.
func presentIn(n *node, length int64) map[int64][]interval {
	out := make(map[int64][]interval)
	for _, p := range n.present {
		for start := floorTo(p.from, length); start < p.to; start += length {
			out[start] = append(out[start], p.meet(interval{start, start + length}))
		}
	}
	return out
}

// Energy of a node in a window is Σ total(roots); Σ over all pieces equals it.
func TestEnergyAddsUp(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		d.rates = without(d.rates, "full_power") // meters alone
		got := sumOf(plainFacts(d), nodeWindow, func(f plainFact) int64 { return f.energy })
		nodes, _, length := read(d)
		want := make(map[string]string)
		for _, n := range nodes {
			energies := make(map[string]stretches)
			for _, id := range n.order {
				energies[id] = energyOf(n, id)
			}
			for start, present := range presentIn(n, length) {
				sum := int64(0)
				for _, id := range n.order {
					if n.devices[id].root {
						sum += n.total(id, func(id string) int64 {
							e := int64(0)
							for _, p := range present {
								part, _ := energies[id].over(p, anyRung)
								e += part
							}
							return e
						})
					}
				}
				want[fmt.Sprint(n.name, " ", start)] = fmt.Sprint(sum)
			}
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("energy, pieces before meters (-got +want):\n%s", diff)
		}
	})
}

// The times of every accelerator's pieces are its presence.
func TestDeviceTimeIsPresence(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		key := func(f plainFact) string { return fmt.Sprint(f.node, " ", f.window, " ", f.device) }
		got := sumOf(plainFacts(d), key, func(f plainFact) int64 { return f.deviceTime })
		nodes, _, length := read(d)
		want := make(map[string]string)
		for _, n := range nodes {
			for start, present := range presentIn(n, length) {
				sum := int64(0)
				for _, p := range present {
					sum += p.length()
				}
				for _, card := range n.accelerators {
					want[fmt.Sprint(n.name, " ", start, " ", card)] = fmt.Sprint(sum)
				}
				if len(n.accelerators) == 0 {
					want[fmt.Sprint(n.name, " ", start, " ")] = "0"
				}
			}
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("pieces before presence (-got +want):\n%s", diff)
		}
	})
}

// With one price for ever, the cost of a window is R(price × presence).
func TestHoldCostAddsUp(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		for _, r := range d.inventory {
			if r["device"] == "" {
				r["instance_type"] = "one"
			}
		}
		d.rates = []row{{"kind": "instance_price", "key": "one", "value": "31.234567891", "unit": "EUR/h"}}
		got := sumOf(plainFacts(d), nodeWindow, func(f plainFact) int64 { return f.cost["EUR"] })
		nodes, _, length := read(d)
		want := make(map[string]string)
		for _, n := range nodes {
			for start, present := range presentIn(n, length) {
				sum := int64(0)
				for _, p := range present {
					sum += roundRat(new(big.Rat).SetFrac(product(31_234_567_891, p.length()), big.NewInt(hour)))
				}
				want[fmt.Sprint(n.name, " ", start)] = fmt.Sprint(sum)
			}
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("pieces before price × time (-got +want):\n%s", diff)
		}
	})
}

// Parts are never more than what they are part of; without rates nothing is
// priced, and facility energy is the energy.
func TestPartsStayWithin(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		d.rates = nil
		for _, f := range plainFacts(d) {
			switch {
			case f.energy < 0 || f.overhead < 0 || f.overhead > f.energy || f.facility != f.energy:
				t.Fatalf("energies of %+v", f)
			case f.busy < 0 || f.known < 0 || f.covered < 0 || f.covered > f.deviceTime+int64(len(d.placements)):
				t.Fatalf("times of %+v", f)
			case len(f.cost) > 0 || f.knownLocation || f.knownMarket || f.knownEmbodied:
				t.Fatalf("priced without rates: %+v", f)
			}
		}
	})
}

// Every grouping has the same sums, and two halves make the whole.
func TestReportsAgree(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		facts := plainFacts(d)
		want := totals(reportOf(facts, "device", zeroTime, zeroTime), "device")
		for _, by := range groupings {
			if diff := cmp.Diff(totals(reportOf(facts, by, zeroTime, zeroTime), by), want); diff != "" {
				t.Errorf("by %s before by device (-got +want):\n%s", by, diff)
			}
		}
		middle := vectorStart
		if len(facts) > 0 {
			middle = timeOf(facts[len(facts)/2].window)
		}
		halves := append(reportOf(facts, "node", zeroTime, middle), reportOf(facts, "node", middle, zeroTime)...)
		if diff := cmp.Diff(totals(halves, "node"), want); diff != "" {
			t.Errorf("halves before whole (-got +want):\n%s", diff)
		}
	})
}

// totals adds up the columns of a report; cost by currency.
func totals(rows []reportRow, by string) map[string]string {
	sums := make(map[string]*big.Rat)
	header := reportHeader(by)
	currency := len(header) - 6
	for _, r := range rows {
		for i := len(header) - 13; i < len(header); i++ {
			name := header[i]
			if name == "cost" {
				name += r.Columns[currency]
			}
			x, ok := number(r.Columns[i])
			if i == currency || !ok {
				continue
			}
			if sums[name] == nil {
				sums[name] = new(big.Rat)
			}
			sums[name].Add(sums[name], x)
		}
	}
	out := make(map[string]string)
	for k, v := range sums {
		out[k] = v.FloatString(9)
	}
	return out
}

// Row order changes nothing, but among versions of one row.
func TestOrderChangesNothing(t *testing.T) {
	forClusters(t, func(t *testing.T, seed uint64, d directory) {
		rng := rand.New(rand.NewPCG(seed, 7))
		other := d
		other.samples = shuffled(rng, d.samples)
		other.inventory = shuffled(rng, d.inventory, "node", "device")
		other.placements = shuffled(rng, d.placements, "id", "node")
		other.rates = shuffled(rng, d.rates, "kind", "key")
		compareReports(t, other, d)
	})
}

// Delivery in double changes nothing.
func TestDoubleDeliveryChangesNothing(t *testing.T) {
	forClusters(t, func(t *testing.T, _ uint64, d directory) {
		other := d
		for _, rows := range []*[]row{&other.samples, &other.inventory, &other.placements, &other.rates} {
			var twice []row
			for _, r := range *rows {
				twice = append(twice, r, r)
			}
			*rows = twice
		}
		other.samples = append(other.samples, d.samples...)
		compareReports(t, other, d)
	})
}

func compareReports(t *testing.T, got, want directory) {
	t.Helper()
	gotFacts, wantFacts := plainFacts(got), plainFacts(want)
	for _, by := range groupings {
		g, w := reportOf(gotFacts, by, zeroTime, zeroTime), reportOf(wantFacts, by, zeroTime, zeroTime)
		if diff := cmp.Diff(g, w); diff != "" {
			t.Errorf("by %s (-got +want):\n%s", by, diff)
		}
	}
}

// shuffled permutes rows, but keeps those of one identity in their order.
func shuffled(rng *rand.Rand, rows []row, identity ...string) []row {
	key := func(r row) string {
		k := ""
		for _, column := range identity {
			k += r[column] + "\x00"
		}
		return k
	}
	places := rng.Perm(len(rows))
	out := make([]row, len(rows))
	if len(identity) == 0 {
		for i, p := range places {
			out[p] = rows[i]
		}
		return out
	}
	byKey := make(map[string][]row)
	for _, r := range rows {
		byKey[key(r)] = append(byKey[key(r)], r)
	}
	for i, p := range places {
		k := key(rows[p])
		out[i], byKey[k] = byKey[k][0], byKey[k][1:]
	}
	return out
}
