package conformance_test

// plainFact is what one placement, or nobody, has of one device of a node in
// one window. Times ns, energies µJ, carbon µg, cost 10⁻⁹ by currency; a
// currency is there if a price or tariff resolved, known* if a factor did.
type plainFact struct {
	window                                    int64
	node, device, placement, state            string
	cluster, region, workload, team, tenant   string
	deviceTime, busy, known, covered          int64
	energy, overhead, facility, estimated     int64
	idle, idleIntervals                       int64
	inputTokens, outputTokens, requests       int64
	carbonLocation, carbonMarket, embodied    int64
	knownLocation, knownMarket, knownEmbodied bool
	cost                                      map[string]int64
}

// view is one node with everything derived from its events.
type view struct {
	node     *node
	prices   priced
	energies map[string]stretches
	measured map[string]stretches // of energies: rungs 1, 2 and 4
	busyBy   map[string]stretches

	thresholds thresholds
	state      map[pieceKey]string // of the pieces of the interval that is at hand
	served     []servedSeries
	unplaced   map[string]int64       // what no piece got of tokens and requests, by metric
	cores      map[string][]stretches // usage of the node, by placement
	memory     map[string][]stretches

	facts map[factKey]*plainFact
	keys  []factKey
}

type factKey struct {
	window int64
	piece  pieceKey
	state  string
}

type pieceKey struct{ device, placement string }

// plainFacts applies the whole page to a directory whose nodes are all sealed.
func plainFacts(d directory) []plainFact {
	nodes := inventoryOf(d.inventory)
	readSamples(nodes, d.samples, d.takenIn)
	readPlacements(nodes, d.placements)
	rates := readRates(d.rates)
	length := int64(d.window)
	if length == 0 {
		length = minute
	}
	var out []plainFact
	for _, name := range sortedKeys(nodes) {
		n := nodes[name]
		n.present = n.presence()
		v := newView(n, rates, d.limits())
		v.closeAll(length)
		for _, k := range v.keys {
			out = append(out, *v.facts[k])
		}
	}
	return out
}

// newView derives from the events of a node what its windows need.
func newView(n *node, rates []rate, limits thresholds) *view {
	v := &view{
		node: n, prices: pricesOf(n, rates), energies: make(map[string]stretches), measured: make(map[string]stretches),
		busyBy: make(map[string]stretches), facts: make(map[factKey]*plainFact), thresholds: limits,
		served: servedOf(n), unplaced: make(map[string]int64),
		cores: make(map[string][]stretches), memory: make(map[string][]stretches),
	}
	v.readUsage()
	for _, id := range n.order {
		v.energies[id] = energyOf(n, id)
		for _, st := range v.energies[id] {
			if measured(st.rung) {
				v.measured[id] = append(v.measured[id], st)
			}
		}
	}
	return v
}

// closeAll goes through the windows of the node.
func (v *view) closeAll(length int64) {
	cuts := v.cuts()
	done := int64(unboundedFrom)
	for _, present := range v.node.present {
		for start := max(done, floorTo(present.from, length)); start < present.to; start += length {
			v.closeWindow(interval{start, start + length}, cuts)
			done = start + length
		}
	}
}

// cuts are the moments inside windows and presence that elementary intervals
// end at.
func (v *view) cuts() []int64 {
	cuts := v.prices.changes()
	for _, p := range v.node.placements {
		cuts = append(cuts, p.held.from, p.held.to)
	}
	return sortedSet(cuts)
}

// floorTo is the edge of the window that holds t.
func floorTo(t, length int64) int64 {
	k := t / length
	if t%length < 0 {
		k--
	}
	return k * length
}

func (v *view) closeWindow(window interval, cuts []int64) {
	slices := slicesOf(v.node, window, cuts)
	if len(slices) == 0 {
		return
	}
	layOwn(v.node, v.energies, v.modelled, slices)
	for _, s := range slices {
		v.closeSlice(window.from, s)
	}
}

// closeSlice hands what a slice holds to its pieces.
func (v *view) closeSlice(window int64, s slice) {
	running := v.node.running(s.interval)
	pieces := make(map[string][]piece)
	for _, card := range v.node.accelerators {
		pieces[card] = piecesOf(v.node, card, running)
	}
	v.state = v.judge(pieces, s.interval)
	for _, card := range v.node.accelerators {
		v.addTimes(window, card, pieces[card], s)
		v.addIdle(window, card, pieces[card], s)
	}
	for _, meter := range v.node.order {
		if v.node.devices[meter].kind != "mig" {
			v.addEnergy(window, meter, pieces, running, s)
		}
	}
	v.addHold(window, pieces, running, s)
	for _, card := range v.node.accelerators {
		v.addEmbodied(window, card, pieces[card], s)
	}
	v.addServed(window, pieces, running, s)
}

// fact finds the row of a window, device and placement in the state that the
// piece is in at hand, or starts it.
func (v *view) fact(window int64, device, holder string) *plainFact {
	piece := pieceKey{device, holder}
	key := factKey{window, piece, v.state[piece]}
	if f := v.facts[key]; f != nil {
		return f
	}
	f := &plainFact{
		window: window, node: v.node.name, device: device, placement: holder, state: key.state,
		cluster: v.node.cluster, region: v.node.region, cost: make(map[string]int64),
	}
	for _, p := range v.node.placements {
		if holder != "" && p.id == holder {
			f.workload, f.team, f.tenant = p.workload, p.team, p.tenant
		}
	}
	v.facts[key] = f
	v.keys = append(v.keys, key)
	return f
}

// busy is the best busy metric of a device, an instance or a "D/P".
func (v *view) busy(device string) stretches {
	s, ok := v.busyBy[device]
	if !ok {
		s = busyOf(v.node, device)
		v.busyBy[device] = s
	}
	return s
}

// addTimes follows section 6: times of an accelerator by parts over its
// pieces, weights their shares.
func (v *view) addTimes(window int64, card string, pieces []piece, s slice) {
	device := parts(s.length(), shares(pieces))
	covered := parts(coveredTime(v.node, v.measured, card, s.interval), shares(pieces))
	busy, known := v.divideBusy(card, pieces, s.interval)
	for i, c := range pieces {
		f := v.fact(window, card, c.placement)
		f.deviceTime += device[i]
		f.covered += covered[i]
		f.busy += busy[i]
		f.known += known[i]
	}
}
