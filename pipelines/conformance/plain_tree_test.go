package conformance_test

// slice is an elementary interval of section 5, with what every meter gave in
// it.
type slice struct {
	interval
	presence interval // the one it lies in
	meters   map[string]gave
	own      map[string]int64 // own(M), laid over the window's slices
}

// gave is what a meter's own readings say of a slice.
type gave struct{ energy, estimated int64 }

// slicesOf cuts one window of a node into elementary intervals: neighbouring
// cuts inside presence.
func slicesOf(n *node, window interval, cuts []int64) []slice {
	var out []slice
	for _, present := range n.present {
		inside := window.meet(present)
		if inside.length() == 0 {
			continue
		}
		at := inside.from
		for _, c := range append(within(cuts, inside), inside.to) {
			if c > at {
				out = append(out, slice{interval: interval{at, c}, presence: present})
				at = c
			}
		}
	}
	return out
}

func within(sorted []int64, iv interval) []int64 {
	var out []int64
	for _, c := range sorted {
		if c > iv.from && c < iv.to {
			out = append(out, c)
		}
	}
	return out
}

// total is the recursion of section 4 over what meters gave in one interval.
func (n *node) total(id string, energy func(id string) int64) int64 {
	return max(energy(id), n.explained(id, energy))
}

// explained is Σ total(children).
func (n *node) explained(id string, energy func(id string) int64) int64 {
	sum := int64(0)
	for _, child := range n.devices[id].children {
		sum += n.total(child, energy)
	}
	return sum
}

// layOwn computes own(M) of every meter for the window and lays it over the
// slices by parts, weights max(0, E(M) − Σ total(children)) of the slice.
// E(M) is what the rungs and the model give.
func layOwn(n *node, energies map[string]stretches, modelled func(id string, iv interval) int64, slices []slice) {
	whole := make(map[string]int64)
	for i := range slices {
		s := &slices[i]
		s.meters, s.own = make(map[string]gave), make(map[string]int64)
		for _, id := range n.order {
			var g gave
			g.energy, _ = energies[id].over(s.interval, anyRung)
			g.estimated, _ = energies[id].over(s.interval, estimated)
			model := modelled(id, s.interval)
			g.energy, g.estimated = g.energy+model, g.estimated+model
			s.meters[id] = g
			whole[id] += g.energy
		}
	}
	inWindow := func(id string) int64 { return whole[id] }
	for _, id := range n.order {
		own := n.total(id, inWindow) - n.explained(id, inWindow)
		weights := make([]int64, len(slices))
		for i, s := range slices {
			inSlice := func(id string) int64 { return s.meters[id].energy }
			weights[i] = max(0, inSlice(id)-n.explained(id, inSlice))
		}
		for i, part := range parts(own, integers(weights)) {
			slices[i].own[id] = part
		}
	}
}

// estimatedOwn is the estimated part of what a slice gets of own(M):
// R(it × estimated E(M) / E(M)), 0 where E(M) is 0.
func (s slice) estimatedOwn(id string) int64 {
	g := s.meters[id]
	if g.energy == 0 {
		return 0
	}
	return halfUp(product(s.own[id], g.estimated), product(g.energy))
}

// coveredTime is the time at which rung 1, 2 or 4 covers the accelerator's own
// meter or a meter that contains it (section 6).
func coveredTime(n *node, energies map[string]stretches, id string, iv interval) int64 {
	dark := []interval{iv}
	for _, meter := range append([]string{id}, n.ancestors(id)...) {
		var known stretches
		for _, st := range energies[meter] {
			if measured(st.rung) && st.meet(iv).length() > 0 {
				known = append(known, st)
			}
		}
		var still []interval
		for _, d := range dark {
			still = append(still, known.open(d)...)
		}
		dark = still
	}
	covered := iv.length()
	for _, d := range dark {
		covered -= d.length()
	}
	return covered
}
