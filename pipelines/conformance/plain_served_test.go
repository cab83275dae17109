package conformance_test

import (
	"math/big"
	"strings"
)

// servedSeries is a counter of tokens or requests (10.4). Of a series "D/P",
// activity holds, on is D and holder P.
type servedSeries struct {
	metric     string
	device     string
	activity   bool
	on, holder string
	given      stretches
}

// activityOf takes "D/P" apart, unless the inventory has a device of that name.
func (n *node) activityOf(id string) (on, holder string, ok bool) {
	if n.devices[id] != nil {
		return "", "", false
	}
	return strings.Cut(id, "/")
}

func servedOf(n *node) []servedSeries {
	var out []servedSeries
	for key, readings := range n.series {
		if key.metric != "tokens_input_total" && key.metric != "tokens_output_total" && key.metric != "requests_total" {
			continue
		}
		s := servedSeries{metric: key.metric, device: key.device, given: countedUp(readings, mostOfCounts)}
		s.on, s.holder, s.activity = n.activityOf(key.device)
		out = append(out, s)
	}
	return out
}

// servesDuring reports whether any segment of a requests_total of the placement
// overlaps iv, whatever it gives.
func (v *view) servesDuring(holder string, iv interval) bool {
	for _, s := range v.served {
		if s.metric == "requests_total" && s.activity && s.holder == holder {
			if _, time := s.given.over(iv, anyRung); time > 0 {
				return true
			}
		}
	}
	return false
}

// addServed hands tokens and requests of an elementary interval to its pieces.
func (v *view) addServed(window int64, pieces map[string][]piece, running []placement, s slice) {
	for _, series := range v.served {
		amount, _ := series.given.over(s.interval, anyRung)
		if amount == 0 {
			continue
		}
		portions := v.servedTo(series, amount, pieces, running, s.interval)
		if len(portions) == 0 {
			v.unplaced[series.metric] += amount
		}
		for _, p := range portions {
			f := v.fact(window, p.device, p.placement)
			switch series.metric {
			case "tokens_input_total":
				f.inputTokens += p.amount
			case "tokens_output_total":
				f.outputTokens += p.amount
			default:
				f.requests += p.amount
			}
		}
	}
}

// servedTo is the table of 10.4.
func (v *view) servedTo(s servedSeries, amount int64, pieces map[string][]piece, running []placement, iv interval) []portionOf {
	if !s.activity {
		ofCard := pieces[s.device]
		if len(ofCard) == 0 { // not an accelerator
			return v.asOverhead(amount, pieces, running, iv)
		}
		var out []portionOf
		for i, part := range parts(amount, shares(ofCard)) {
			out = append(out, portionOf{s.device, ofCard[i].placement, part})
		}
		return out
	}
	devices := v.devicesHeld(s.holder, pieces, running)
	for _, d := range devices {
		if d == s.on {
			devices = []string{d}
			break
		}
	}
	if len(devices) == 0 {
		return nil
	}
	var out []portionOf
	for i, part := range parts(amount, ones(len(devices))) {
		out = append(out, portionOf{devices[i], s.holder, part})
	}
	return out
}

// devicesHeld are the devices of which a placement has a piece, sorted; on a
// node without accelerators that is the empty one, while it runs.
func (v *view) devicesHeld(holder string, pieces map[string][]piece, running []placement) []string {
	var out []string
	if holder == "" { // nobody's pieces are no placement's
		return nil
	}
	for _, card := range v.node.accelerators {
		for _, c := range pieces[card] {
			if c.placement == holder {
				out = append(out, card)
			}
		}
	}
	if len(v.node.accelerators) == 0 {
		for _, p := range running {
			if p.id == holder {
				out = append(out, "")
			}
		}
	}
	return out
}

// portionOf is what one piece got of an amount.
type portionOf struct {
	device, placement string
	amount            int64
}

// asOverhead splits an amount equally among the node's accelerators and each
// part among the accelerator's pieces, weights their shares; without
// accelerators among the running placements (10.5), else to nobody.
func (v *view) asOverhead(amount int64, pieces map[string][]piece, running []placement, iv interval) []portionOf {
	var out []portionOf
	if len(v.node.accelerators) == 0 {
		if len(running) == 0 {
			return []portionOf{{amount: amount}}
		}
		for i, part := range parts(amount, v.nodeWeights(running, iv)) {
			out = append(out, portionOf{placement: running[i].id, amount: part})
		}
		return out
	}
	for i, ofCard := range parts(amount, ones(len(v.node.accelerators))) {
		card := v.node.accelerators[i]
		for j, part := range parts(ofCard, shares(pieces[card])) {
			out = append(out, portionOf{card, pieces[card][j].placement, part})
		}
	}
	return out
}

func byAmount(portions []portionOf) []*big.Int {
	weights := make([]int64, len(portions))
	for i, p := range portions {
		weights[i] = p.amount
	}
	return integers(weights)
}
