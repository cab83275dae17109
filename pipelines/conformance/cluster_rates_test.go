package conformance_test

import (
	"fmt"
	"maps"
	"strings"
)

// addPlacements makes the placements of a node.
func (m *maker) addPlacements(n *madeNode) {
	for i := range pick(m, 0, 1, 2, 3, 5) {
		r := m.placementRow(n, i)
		if m.chance(0.2) { // an older version, that must not count
			old := maps.Clone(r)
			old["workload"], old["devices"] = m.name("superseded"), "*"
			old["start"] = m.timeText(m.moment() - hour)
			if m.options.sharing {
				old["devices"], old["mode"] = "", "whole"
			}
			m.dir.placements = append(m.dir.placements, old)
		}
		m.dir.placements = append(m.dir.placements, r)
	}
	if m.noise > 0 {
		m.rejectedPlacements(n)
	}
}

func (m *maker) placementRow(n *madeNode, i int) row {
	a, b := m.moment(), m.moment()
	from, to := min(a, b), max(a, b)+pick(m, 0, 1, second)
	switch m.IntN(8) {
	case 0:
		from = m.start - m.Int64N(2*hour) // before the first reading
	case 1:
		to = m.end + m.Int64N(2*hour) // after the last
	case 2:
		from, to = to-to%minute, to-to%minute+pick(m, 10*second, minute, 3*minute)
	}
	if from >= to {
		to = from + 1
	}
	r := row{
		"id": fmt.Sprintf("p%d", i), "manager": pick(m, "k8s", "slurm", "vm", "host"), "cluster": n.cluster,
		"workload": m.name(pick(m, "train", "serve", "notebook")), "kind": "training",
		"tenant": pick(m, m.name("acme"), ""), "team": pick(m, m.name("red"), m.name("blue"), ""),
		"node": n.name, "devices": m.listed(n), "mode": "whole", "share": pick(m, "", "1", "1.0", "0.5"),
		"start": m.timeText(from), "end": m.timeText(to), "labels": "",
	}
	if m.chance(0.2) {
		r["end"] = ""
		if m.chance(0.15) {
			r["start"] = m.timeText(m.end + m.Int64N(2*hour))
		}
	}
	if m.options.sharing {
		m.shared(n, r)
	}
	if m.asks {
		m.askFor(r)
	}
	return r
}

// listed is what a whole placement holds.
func (m *maker) listed(n *madeNode) string {
	if len(n.cards) == 0 || m.chance(0.25) {
		return pick(m, "*", "", "*")
	}
	held := n.cards[:1+m.IntN(len(n.cards))]
	if len(n.others) > 0 && m.chance(0.05) && !m.options.sharing {
		for _, id := range n.others {
			if !strings.Contains(id, "mig") {
				return id
			}
		}
	}
	return strings.Join(held, ";")
}

// shared turns a placement into one of the other modes, where it fits.
func (m *maker) shared(n *madeNode, r row) {
	partitioned := make(map[string]bool)
	for _, id := range n.instances {
		partitioned[n.parentOf[id]] = true
	}
	if len(n.instances) > 0 && m.chance(0.5) {
		r["mode"] = "mig"
		first := m.IntN(len(n.instances))
		r["devices"] = strings.Join(n.instances[first:min(len(n.instances), first+1+m.IntN(2))], ";")
		return
	}
	var plain []string
	for _, card := range n.cards {
		if !partitioned[card] && m.chance(0.7) {
			plain = append(plain, card)
		}
	}
	if len(plain) > 0 && m.chance(0.8) {
		r["mode"], r["devices"] = pick(m, "fraction", "fraction", "timeslice", "mps"), strings.Join(plain, ";")
		r["share"] = pick(m, "0.25", "0.333", "0.5", "0.142857142857", "1")
	}
}

// rejectedPlacements are rejected whole (section 5).
func (m *maker) rejectedPlacements(n *madeNode) {
	for i, change := range []row{
		{"node": m.name("nowhere")},
		{"devices": "ghost"},
		{"mode": "borrowed"},
		{"mode": ""},
		{"start": "soon"},
		{"end": "later"},
		{"share": "0"},
		{"share": "1.0001"},
		{"share": "-0.5"},
		{"share": "half"},
		{"mode": "mig", "devices": strings.Join(n.cards, ";"), "only": "cards"},
		{"devices": strings.Join(n.instances, ";"), "only": "instances"},
		{"ends": "before"},
		{"ends": "at once"},
	} {
		if !m.chance(0.3) || change["only"] == "cards" && len(n.cards) == 0 || change["only"] == "instances" && len(n.instances) == 0 {
			continue
		}
		r := m.placementRow(n, i)
		r["id"], r["workload"], r["mode"] = fmt.Sprintf("bad%d", i), m.name("rejected"), "whole"
		r["devices"] = "*"
		if change["ends"] != "" {
			at := m.moment()
			r["start"], r["end"] = m.timeText(at), m.timeText(at)
			if change["ends"] == "before" {
				r["end"] = m.timeText(at - second)
			}
		}
		for k, v := range change {
			if k != "ends" && k != "only" {
				r[k] = v
			}
		}
		m.dir.placements = append(m.dir.placements, r)
	}
}

// addRates publishes rates for each kind with some probability.
func (m *maker) addRates() {
	currencies := pick(m, []string{"EUR"}, []string{"EUR"}, []string{"USD", "EUR"}, []string{"CHF", "EUR", "USD"})
	for _, k := range []struct {
		kind, unit string
		low, high  float64
	}{
		{"device_price", "/h", 0.5, 9},
		{"instance_price", "/h", 5, 98},
		{"electricity", "/kWh", 0.05, 0.6},
		{"pue", "1", 1, 1.6},
		{"grid_location", "g/kWh", 0, 900},
		{"grid_market", "g/kWh", 0, 500},
		{"embodied", "kg", 100, 900},
		{"lifetime", "h", 20000, 60000},
		{"idle_power", "W", 10, 120},
	} {
		if m.chance(0.35) {
			continue
		}
		for range 1 + m.IntN(5) {
			unit := k.unit
			if unit[0] == '/' {
				unit = pick(m, currencies...) + unit
			}
			m.rate(k.kind, unit, k.low+(k.high-k.low)*m.Float64())
		}
	}
	if m.chance(0.2) {
		m.rate("electricity", "EUR/kWh", -0.03) // a grid with too much wind
	}
	if m.options.states {
		m.stateRates()
	}
	if m.noise > 0 {
		m.rejectedRates()
	}
}

func (m *maker) rateKey(kind string) string {
	n := pick(m, m.nodes...)
	var name string
	switch kind {
	case "device_price", "embodied", "lifetime", "idle_power", "full_power":
		name = pick(m, "H100", "A30", "L4")
	case "instance_price":
		name = pick(m, "gpu.8", "gpu.4")
	default:
		if key := pick(m, n.cluster, n.zone, n.region, ""); key != "" || !m.options.unique {
			return key
		}
		return m.name("nobody")
	}
	if m.options.unique {
		return name + "@" + pick(m, m.regions[:2]...)
	}
	return pick(m, name, name, name+"@"+pick(m, m.regions[:2]...))
}

func (m *maker) rate(kind, unit string, v float64) {
	r := row{
		"kind": kind, "key": m.rateKey(kind), "value": m.valueText(v), "unit": unit,
		"valid_from": "", "valid_to": "", "source": "list",
	}
	if kind == "pue" && v < 1.05 { // rounded text must not fall below 1
		r["value"] = "1.05"
	}
	a, b := m.moment(), m.moment()
	switch m.IntN(6) {
	case 0:
		a = m.start - 24*hour
	case 1:
		b = m.end + 24*hour
	}
	from, to := min(a, b), max(a, b)+1
	if m.chance(0.7) {
		r["valid_from"] = m.timeText(from)
	}
	if m.chance(0.5) {
		r["valid_to"] = m.timeText(to)
	}
	m.dir.rates = append(m.dir.rates, r)
	if m.chance(0.1) { // published again: the later version counts
		again := maps.Clone(r)
		again["value"] = m.valueText(v * 1.1)
		m.dir.rates = append(m.dir.rates, again)
	}
}

func (m *maker) rejectedRates() {
	from, to := m.timeText(m.moment()), m.timeText(m.start-hour)
	for _, r := range []row{
		{"kind": "tip", "value": "1", "unit": "EUR/h"},
		{"kind": "device_price", "value": "cheap", "unit": "EUR/h"},
		{"kind": "electricity", "value": "0.3", "unit": "EUR/MWh"},
		{"kind": "grid_location", "value": "400", "unit": "kg/MWh"},
		{"kind": "instance_price", "value": "3", "unit": "/h"},
		{"kind": "electricity", "value": "9", "unit": "EUR/kWh", "valid_from": from, "valid_to": to},
		{"kind": "pue", "value": "1.5", "unit": "1", "valid_from": from, "valid_to": from},
		{"kind": "pue", "value": "1.5", "unit": "1", "valid_from": "dawn"},
	} {
		if m.chance(0.4) {
			r["key"], r["source"] = m.rateKey("pue"), "list"
			if r["kind"] == "device_price" || r["kind"] == "instance_price" {
				r["key"] = m.rateKey(r["kind"])
			}
			m.dir.rates = append(m.dir.rates, r)
		}
	}
}
