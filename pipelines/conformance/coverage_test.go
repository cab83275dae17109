package conformance_test

import (
	"sort"
	"testing"
)

// TestClustersExerciseEveryRule holds the generator to its word: each of these
// cases turns up in several of the clusters that the laws and the comparison
// with the streaming implementation run over.
func TestClustersExerciseEveryRule(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int) // case: clusters that have it
	for seed := range uint64(lawSeeds) {
		for _, sharing := range []bool{false, true} {
			if sharing && seed%4 != 0 { // dear, and common enough
				continue
			}
			d := randomCluster(seed, clusterOptions{sharing: sharing, late: true})
			here := make(map[string]bool)
			nodes, rates, length := read(d)
			for _, n := range nodes {
				n.meterCases(here, length)
				n.holderCases(here, rates)
			}
			reportCases(d, here)
			for name, is := range here {
				if is && (!sharing || name[0] == '8') {
					seen[name]++
				}
			}
		}
	}
	names := sortedKeys(map[string]bool{
		"1 counter": true, "2 power": true, "3 held": true, "4 bridge": true, "5 reset": true, "4 bridge of nothing": true,
		"4 bridge without room": true, "3 held inside a bridge": true, "rejected energy": true, "silent counter": true,
		"own without weights": true, "children exceed": true, "several presences": true, "held without readings": true,
		"open end": true, "open start after the last reading": true, "conflict": true, "no accelerators, held": true,
		"no accelerators, nobody": true, "instance before device": true, "market without location": true, "market beside location": true,
		"several currencies": true, "no cost": true, "no carbon": true, "no embodied": true, "late": true, "own rate for a part": true,
		"8 oversubscribed": true, "8 unheld instance": true, "8 own activity": true, "8 mixed modes": true,
	})
	for _, name := range names {
		t.Logf("%4d clusters: %s", seen[name], name)
		if seen[name] < 3 {
			t.Errorf("%d of %d clusters have the case %q, want at least 3", seen[name], lawSeeds, name)
		}
	}
}

// meterCases notes which rungs answer, and how.
func (n *node) meterCases(here map[string]bool, length int64) {
	energies := make(map[string]stretches)
	for _, id := range n.order {
		energies[id] = energyOf(n, id)
		for _, st := range energies[id] {
			here[[]string{"", "1 counter", "2 power", "3 held", "4 bridge", "5 reset"}[st.rung]] = true
		}
		if n.devices[id].kind == "mig" {
			continue
		}
		series := n.series[seriesKey{id, "energy_joules_total"}]
		accepted := acceptedCounter(n, n.devices[id])
		here["rejected energy"] = here["rejected energy"] || len(accepted) < len(counterSegments(series))
		for i := 1; i < len(series); i++ {
			here["silent counter"] = here["silent counter"] || series[i].at-series[i-1].at > maxSilence
		}
		for _, c := range accepted {
			if c.difference() <= 0 || c.duration() <= maxGap {
				continue
			}
			bridged, time := energies[id].over(c.span(), func(r int) bool { return r == rungBridge })
			_, held := energies[id].over(c.span(), func(r int) bool { return r == rungHeld })
			here["4 bridge of nothing"] = here["4 bridge of nothing"] || time > 0 && bridged == 0
			here["4 bridge without room"] = here["4 bridge without room"] || time == 0
			here["3 held inside a bridge"] = here["3 held inside a bridge"] || time > 0 && held > 0
		}
	}
	n.treeCases(here, energies, length)
}

func (n *node) treeCases(here map[string]bool, energies map[string]stretches, length int64) {
	cuts := []int64{}
	for _, p := range n.placements {
		cuts = append(cuts, p.held.from, p.held.to)
	}
	sort.Slice(cuts, func(i, j int) bool { return cuts[i] < cuts[j] })
	for start, present := range presentIn(n, length) {
		slices := slicesOf(n, interval{start, start + length}, cuts)
		if len(present) == 0 || len(slices) == 0 {
			continue
		}
		layOwn(n, energies, func(string, interval) int64 { return 0 }, slices)
		for _, id := range n.order {
			own, weight, excess := int64(0), int64(0), int64(0)
			for _, s := range slices {
				inSlice := func(id string) int64 { return s.meters[id].energy }
				left := inSlice(id) - n.explained(id, inSlice)
				own, weight, excess = own+s.own[id], weight+max(0, left), min(excess, left)
			}
			here["own without weights"] = here["own without weights"] || own > 0 && weight == 0
			here["children exceed"] = here["children exceed"] || excess < 0
		}
	}
}

// holderCases notes who holds what.
func (n *node) holderCases(here map[string]bool, rates []rate) {
	here["several presences"] = here["several presences"] || len(n.present) > 1
	v := newView(n, rates, defaultThresholds)
	for _, p := range n.placements {
		here["open end"] = here["open end"] || p.open && p.held.length() > 0
		here["open start after the last reading"] = here["open start after the last reading"] || p.open && n.hasReading && p.held.from > n.lastReading
		here["held without readings"] = here["held without readings"] || n.hasReading && p.held.to > n.lastReading
	}
	for _, present := range n.present {
		for _, s := range slicesOf(n, present, v.cuts()) {
			v.sliceCases(here, s.interval)
		}
	}
}

func (v *view) sliceCases(here map[string]bool, iv interval) {
	running := v.node.running(iv)
	priced := v.prices.instance.at(iv.from).rate != nil
	here["no accelerators, held"] = here["no accelerators, held"] || len(v.node.accelerators) == 0 && len(running) > 0
	here["no accelerators, nobody"] = here["no accelerators, nobody"] || len(v.node.accelerators) == 0 && len(running) == 0
	for _, card := range v.node.accelerators {
		here["own rate for a part"] = here["own rate for a part"] || len(v.prices.device[card]) > 2
		here["instance before device"] = here["instance before device"] || priced && v.prices.device[card].at(iv.from).rate != nil
		pieces := piecesOf(v.node, card, running)
		wholes, others := 0, 0
		for _, c := range pieces {
			switch {
			case c.whole:
				wholes++
			case c.placement != "":
				others++
			}
			_, own := v.busy(card+"/"+c.placement).over(iv, anyRung)
			here["8 own activity"] = here["8 own activity"] || c.placement != "" && own > 0
		}
		here["conflict"] = here["conflict"] || wholes > 1 && others == 0
		here["8 mixed modes"] = here["8 mixed modes"] || wholes > 0 && others > 0
		here["8 oversubscribed"] = here["8 oversubscribed"] || others > 1 && pieces[0].placement != ""
		here["8 unheld instance"] = here["8 unheld instance"] || others > 0 && v.unheldWeight(card, pieces, iv).Sign() > 0
	}
}

// reportCases notes which cells are empty.
func reportCases(d directory, here map[string]bool) {
	for _, r := range d.samples {
		here["late"] = here["late"] || r["late"] != ""
	}
	header := reportHeader("workload")
	for _, r := range plainReport(d, "workload", zeroTime, zeroTime) {
		empty := func(column string) bool { return cell(header, r, column) == "" }
		if empty("energy_j") {
			here["several currencies"] = true
			continue
		}
		here["no cost"] = here["no cost"] || empty("cost")
		here["no embodied"] = here["no embodied"] || empty("embodied_g")
		here["no carbon"] = here["no carbon"] || empty("carbon_location_g") && empty("carbon_market_g")
		here["market without location"] = here["market without location"] || empty("carbon_location_g") && !empty("carbon_market_g")
		here["market beside location"] = here["market beside location"] || !empty("carbon_location_g") &&
			cell(header, r, "carbon_location_g") != cell(header, r, "carbon_market_g")
	}
}
