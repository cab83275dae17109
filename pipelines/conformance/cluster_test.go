package conformance_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"time"
)

// clusterOptions choose what a random cluster may contain.
type clusterOptions struct {
	sharing bool // MIG, fractions, time slices and MPS (section 8)
	late    bool // readings beyond the horizon, marked "late"
	states  bool // idle power, states, modelled energy, tokens, requests of cores (section 10)
	unique  bool // names that no other seed has, so that many clusters fit one system
}

// maker builds one random cluster. Every feature is on with some probability,
// so that seeds differ.
type maker struct {
	*rand.Rand
	options clusterOptions
	prefix  string
	dir     directory
	start   int64 // of the recording
	end     int64

	timeStyle int
	asks      bool    // placements say what they asked for of a node
	noise     float64 // how much of duplicates, disorder and rejects there is
	regions   []string
	models    []string
	nodes     []*madeNode
	silences  []interval
	fileOrder []arrival
	ticked    []int64 // times of readings
}

// madeNode is what the maker remembers of a node.
type madeNode struct {
	name, cluster, zone, region, instanceType string
	cards, others, instances                  []string
	parentOf                                  map[string]string
}

// arrival is a sample row and the moment at which it stands in the file.
type arrival struct {
	at  int64
	row row
}

// randomCluster makes the cluster of a seed; the same seed and options give
// the same rows.
func randomCluster(seed uint64, o clusterOptions) directory {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 0x6e74656772616c)), options: o}
	if o.unique {
		m.prefix = fmt.Sprintf("s%d-", seed)
	}
	base := time.Date(2026, 2, 27, 0, 0, 0, 0, time.UTC).UnixNano()
	m.start = base + m.Int64N(4*24*60)*minute + pick(m, 0, m.Int64N(minute), m.Int64N(60)*second)
	m.end = m.start + pick(m, 5*minute, 5*minute+m.Int64N(20*minute), 20*minute+m.Int64N(160*minute))
	m.dir.takenIn = time.Unix(0, base+30*24*hour)
	m.dir.window = time.Duration(pick(m, minute, minute, minute, 10*second, 15*second, 5*minute, 15*minute))
	m.timeStyle, m.noise = m.IntN(4), pick(m, 0, 0.01, 0.05)
	if m.chance(0.25) {
		from := m.start + m.Int64N(m.end-m.start)
		silent := interval{from, from + pick(m, hour, hour+1, 61*minute, hour+m.Int64N(90*minute))}
		m.silences = append(m.silences, silent)
		m.end += silent.length()
	}
	m.regions = []string{m.name("north"), m.name("south"), ""}
	m.models = []string{"H100", "A30", "L4", ""}
	m.asks = o.states && m.chance(0.7)
	for i := range 1 + m.IntN(4) {
		m.addNode(i)
	}
	if m.chance(0.15) {
		m.addTurns()
	}
	m.addRates()
	m.write()
	return m.dir
}

func pick[T any](m *maker, choices ...T) T { return choices[m.IntN(len(choices))] }

func (m *maker) chance(p float64) bool { return m.Float64() < p }

func (m *maker) name(s string) string { return m.prefix + s }

// moment is a time in the recording, now and then a round one or a reading's.
func (m *maker) moment() int64 {
	t := m.start + m.Int64N(m.end-m.start)
	if len(m.ticked) > 0 && m.chance(0.2) {
		return m.ticked[m.IntN(len(m.ticked))]
	}
	return pick(m, t, t-t%minute, t-t%second, t-t%(5*minute))
}

// timeText writes a time in one of the accepted forms.
func (m *maker) timeText(t int64) string {
	utc := time.Unix(0, t).UTC()
	style := m.timeStyle
	if style == 3 {
		style = m.IntN(3)
	}
	switch {
	case style == 0 && t%1e6 == 0:
		return strconv.FormatInt(t/1e6, 10)
	case style == 1:
		return utc.In(time.FixedZone("", 2*3600)).Format(time.RFC3339Nano)
	}
	return utc.Format(time.RFC3339Nano)
}

// valueText writes a number with some decimals, often finer than its unit.
func (m *maker) valueText(v float64) string {
	switch m.IntN(12) {
	case 0:
		return strconv.FormatFloat(v, 'e', 5, 64)
	case 1:
		return "+" + strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', m.IntN(10), 64)
}

func (m *maker) addNode(i int) {
	n := &madeNode{
		name: m.name(fmt.Sprintf("n%d", i)), parentOf: make(map[string]string),
		cluster: pick(m, m.name("alpha"), m.name("beta"), ""),
		zone:    pick(m, m.name("z1"), m.name("z2"), ""),
		region:  pick(m, m.regions...), instanceType: pick(m, "gpu.8", "gpu.4", ""),
	}
	m.nodes = append(m.nodes, n)
	first := len(m.dir.inventory)
	m.inventory(n, "", "wall", "", "")
	for c := range pick(m, 0, 1, 2, 2, 3, 4) {
		card := fmt.Sprintf("gpu%d", c)
		n.cards = append(n.cards, card)
	}
	if m.options.states && m.chance(0.15) { // more nodes without accelerators
		n.cards = nil
	}
	m.addDevices(n)
	if m.chance(0.12) {
		m.tangle(m.dir.inventory[first:])
	}
	m.addReadings(n)
	m.addPlacements(n)
	if m.chance(0.3) { // a row of the inventory twice: the later counts
		r := m.dir.inventory[len(m.dir.inventory)-1]
		again := row{}
		for k, v := range r {
			again[k] = v
		}
		m.dir.inventory = append(m.dir.inventory, again)
		r["model"], r["parent"] = "old", "elsewhere"
	}
	if m.chance(0.2) {
		m.inventory(n, "odd", "toaster", "", "")
	}
}

// tangle gives some meters of a node any of its devices as a parent: instances, each
// other, themselves.
func (m *maker) tangle(rows []row) {
	for _, r := range rows {
		if r["kind"] != "mig" && m.chance(0.4) {
			r["parent"] = rows[m.IntN(len(rows))]["device"]
		}
	}
}

// addTurns adds a node whose module and card take turns within each window, so
// that a wall gives more than both in the window and less in every part of it.
func (m *maker) addTurns() {
	n := &madeNode{name: m.name("turns"), cluster: m.name("alpha"), region: m.regions[0], cards: []string{"gpu0"}}
	m.nodes = append(m.nodes, n)
	m.inventory(n, "", "wall", "", "")
	m.inventory(n, "mod0", "module", "", "")
	m.inventory(n, "gpu0", "gpu", "L4", "mod0")
	half := int64(m.dir.window) / 2
	start := m.start - m.start%(2*half)
	joules := map[string]int64{"": 0, "mod0": 0, "gpu0": 0}
	for k := range min(20, 2+(m.end-m.start)/half) {
		t := start + k*half
		for _, id := range []string{"", "mod0", "gpu0"} {
			m.emit(n, id, "energy_joules_total", t, fmt.Sprint(joules[id]))
		}
		joules[""] += 75 * half / second
		joules[[]string{"mod0", "gpu0"}[k%2]] += (100 + k%2) * half / second
		joules[[]string{"mod0", "gpu0"}[1-k%2]]++ // or it would count as hung
		if k%4 == 1 {
			r := m.placementRow(n, int(k))
			r["start"], r["end"] = m.timeText(t), m.timeText(t+half/2)
			m.dir.placements = append(m.dir.placements, r)
		}
	}
}

func (m *maker) inventory(n *madeNode, id, kind, model, parent string) {
	r := row{
		"node": n.name, "device": id, "kind": kind, "model": model, "parent": parent, "provider": "own",
		"region": n.region, "zone": n.zone, "instance_type": n.instanceType, "cluster": n.cluster, "tenant": "",
	}
	if id != "" && m.chance(0.2) { // what a device's row says of the node is not used
		r["region"], r["zone"], r["cluster"], r["instance_type"] = pick(m, m.regions...), "", m.name("gamma"), pick(m, "gpu.4", "")
	}
	m.dir.inventory = append(m.dir.inventory, r)
}

// addDevices lists the meters of a node: nested parents, missing parents,
// instances.
func (m *maker) addDevices(n *madeNode) {
	add := func(id, kind, model, parent string) {
		m.inventory(n, id, kind, model, parent)
		if kind != "gpu" && kind != "mig" {
			n.others = append(n.others, id)
		}
	}
	module, rack := m.chance(0.35), m.chance(0.15)
	if module {
		add("mod0", "module", "", pick(m, "", "", "gone"))
	}
	if rack { // a meter between the wall and the rest, or beside it
		add("pdu0", "wall", "", "")
	}
	for range pick(m, 0, 0, 1, 2) {
		id := fmt.Sprintf("cpu%d", len(n.others))
		parent := pick(m, "", "", "gone")
		if module && m.chance(0.5) {
			parent = "mod0"
		}
		add(id, "cpu", "", parent)
	}
	if m.chance(0.3) {
		add("net0", "network", "", pick(m, "", "", "gone", n.otherOr("")))
	}
	for _, card := range n.cards {
		parent := pick(m, "", "", "", "gone")
		switch {
		case module && m.chance(0.6):
			parent = "mod0"
		case rack && m.chance(0.6):
			parent = "pdu0"
		}
		model := pick(m, m.models...)
		add(card, "gpu", model, parent)
		if m.chance(0.25) {
			for i := range 1 + m.IntN(3) {
				id := fmt.Sprintf("%s-mig%d", card, i)
				n.instances = append(n.instances, id)
				n.parentOf[id] = card
				add(id, "mig", pick(m, "1g.10gb", "2g.20gb", "1g.5gb"), card)
			}
		}
	}
}

func (n *madeNode) otherOr(fallback string) string {
	for _, id := range n.others {
		if strings.HasPrefix(id, "pdu") {
			return id
		}
	}
	return fallback
}

// write puts the samples into file order: by arrival, which is never more than
// ten minutes after the reading's time unless the row is marked late.
func (m *maker) write() {
	sort.SliceStable(m.fileOrder, func(i, j int) bool { return m.fileOrder[i].at < m.fileOrder[j].at })
	for _, a := range m.fileOrder {
		m.dir.samples = append(m.dir.samples, a.row)
	}
}
