package conformance_test

import "testing"

// statesSeeds is how many clusters with states the cases are counted in.
const statesSeeds = 60

// TestClustersExerciseSectionTen holds the generator to its word for section 10.
func TestClustersExerciseSectionTen(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	for seed := range uint64(statesSeeds) {
		d := randomCluster(seed, clusterOptions{sharing: seed%2 == 1, states: true})
		here := make(map[string]bool)
		nodes, rates, length := read(d)
		for _, n := range nodes {
			v := newView(n, rates, defaultThresholds)
			v.closeAll(length)
			v.factCases(here)
			for _, present := range n.present {
				for _, s := range slicesOf(n, present, v.cuts()) {
					v.stateCases(here, s.interval)
					v.servedCases(here, s.interval)
				}
			}
		}
		for name, is := range here {
			if is {
				seen[name]++
			}
		}
	}
	names := []string{
		"dark", "unallocated", "fault", "held_between_requests", "allocated_idle", "throttled", "underused", "active",
		"fault by errors", "fault by power", "fault by utilisation", "idle by power", "not idle by power", "throttled and idle",
		"dark to nobody alone", "idle known for a part", "idle is all", "model", "model beside a rung", "model while held",
		"full power below idle power", "unplaced", "tokens of a card", "tokens as overhead", "tokens of a holder", "tokens of several cards",
		"node by requests", "node by usage", "node with several and none asked",
	}
	for _, name := range names {
		t.Logf("%4d clusters: %s", seen[name], name)
		if seen[name] < 3 {
			t.Errorf("%d of %d clusters have the case %q, want at least 3", seen[name], statesSeeds, name)
		}
	}
}

func (v *view) factCases(here map[string]bool) {
	nobodyDark, heldLit := make(map[int64]bool), make(map[int64]bool)
	for key, f := range v.facts {
		here[f.state] = true
		here["idle is all"] = here["idle is all"] || f.idle > 0 && f.idle == f.energy-f.overhead
		nobodyDark[key.window] = nobodyDark[key.window] || f.state == "dark" && f.placement == ""
		heldLit[key.window] = heldLit[key.window] || f.state != "dark" && f.placement != ""
	}
	for window := range nobodyDark {
		here["dark to nobody alone"] = here["dark to nobody alone"] || nobodyDark[window] && heldLit[window]
	}
	for _, amount := range v.unplaced {
		here["unplaced"] = here["unplaced"] || amount > 0
	}
	for _, l := range v.prices.idle {
		for _, s := range l {
			here["idle known for a part"] = here["idle known for a part"] || s.rate == nil && len(l) > 1
		}
	}
}

func (v *view) stateCases(here map[string]bool, iv interval) {
	t := v.thresholds
	for _, card := range v.node.accelerators {
		c := v.conditionOf(card, iv)
		model := v.modelled(card, iv) > 0
		full := v.prices.full[card].at(iv.from).rate
		here["model"] = here["model"] || model
		here["model beside a rung"] = here["model beside a rung"] || model && c.seen > 0
		here["full power below idle power"] = here["full power below idle power"] || model && full.value < c.idlePower.value
		pieces := piecesOf(v.node, card, v.node.running(iv))
		busy, known := v.divideBusy(card, pieces, iv)
		for i, p := range pieces {
			if p.placement == "" {
				continue
			}
			still := c.known > 0 && below(c.busy, c.known, t.idle)
			byUtil := c.utilOn > 0 && !below(c.util, c.utilOn, t.faultUtil)
			meter := known[i] == 0 && c.seen > 0 && c.idlePower != nil
			here["model while held"] = here["model while held"] || model
			here["fault by errors"] = here["fault by errors"] || c.errors && !c.contradictory(t)
			here["fault by power"] = here["fault by power"] || still && c.high(t) && !byUtil
			here["fault by utilisation"] = here["fault by utilisation"] || still && !c.high(t) && byUtil
			here["idle by power"] = here["idle by power"] || meter && !c.high(t)
			here["not idle by power"] = here["not idle by power"] || meter && c.high(t)
			here["throttled and idle"] = here["throttled and idle"] || c.idle(busy[i], known[i], t) && !below(c.throttled, iv.length(), t.throttled)
		}
	}
}

func (v *view) servedCases(here map[string]bool, iv interval) {
	running, pieces := v.node.running(iv), make(map[string][]piece)
	for _, card := range v.node.accelerators {
		pieces[card] = piecesOf(v.node, card, running)
	}
	for _, s := range v.served {
		if amount, _ := s.given.over(iv, anyRung); amount == 0 {
			continue
		}
		held := v.devicesHeld(s.holder, pieces, running)
		card := !s.activity && len(pieces[s.device]) > 0
		here["tokens of a card"] = here["tokens of a card"] || card
		here["tokens as overhead"] = here["tokens as overhead"] || !s.activity && !card
		here["tokens of a holder"] = here["tokens of a holder"] || s.activity && len(held) > 0 && held[0] != ""
		here["tokens of several cards"] = here["tokens of several cards"] || s.on == "" && len(held) > 1
	}
	if len(v.node.accelerators) > 0 || len(running) < 2 {
		return
	}
	asked, used := false, false
	for _, p := range running {
		asked = asked || p.cores > 0 || p.memory > 0
		used = used || v.coresUsed(p.id, iv) > p.cores || v.memoryUsed(p.id, iv) > p.memory
	}
	here["node by requests"] = here["node by requests"] || asked && !used
	here["node by usage"] = here["node by usage"] || asked && used
	here["node with several and none asked"] = here["node with several and none asked"] || !asked
}
