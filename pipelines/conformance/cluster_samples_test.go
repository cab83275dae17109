package conformance_test

import (
	"fmt"
	"maps"
)

// addReadings makes all series of a node.
func (m *maker) addReadings(n *madeNode) {
	step := pick(m, 5*second, 10*second, 15*second, 30*second, 60*second, 100*second)
	for m.end-m.start > 600*step { // keeps a cluster small
		step *= 2
	}
	offset := m.Int64N(step)
	meters := append([]string{""}, n.others...)
	for _, id := range append(meters, n.cards...) {
		watts := m.watts(n, id)
		if id == "" || id == "net0" || id == "pdu0" || id == "mod0" {
			watts *= 1 + 2*m.Float64()
		}
		if watts > 0 && m.chance(0.6) {
			m.gauge(n, id, "power_watts", step, offset, watts)
		}
		if watts > 0 && m.chance(0.6) {
			m.counter(n, id, step, offset, watts)
		}
		if m.chance(0.15) {
			m.isolated(n, id, "power_limit_watts", pick(m, 700, 300, 0, 1000*m.Float64()))
		}
	}
	for _, id := range n.cards {
		m.activity(n, id, step, offset)
		if m.chance(0.2) {
			m.gauge(n, id, "memory_used_bytes", 4*step, offset, 1e10)
		}
	}
	for _, id := range n.instances {
		if m.chance(0.5) {
			m.activity(n, id, step, offset)
		}
		if m.chance(0.3) { // repeats the card's: dropped
			m.gauge(n, id, "power_watts", step, offset, 300)
		}
	}
	m.placementActivity(n, step, offset)
	if m.options.states {
		m.stateReadings(n, step, offset)
		m.servedReadings(n, step, offset)
		m.nodeUsage(n, step, offset)
	}
	m.faults(n)
	m.lateReadings(n)
}

// activity is one or several busy metrics of a device.
func (m *maker) activity(n *madeNode, id string, step, offset int64) {
	for _, metric := range []string{"sm_active_ratio", "gr_engine_active_ratio", "gpu_util_ratio"} {
		if m.chance(0.4) {
			m.gauge(n, id, metric, step, offset, m.ratioLevel())
		}
	}
}

// placementActivity is the series "D/P". Without sharing it says nothing of
// how busy a holder is: it is of another metric or of a placement that is not.
func (m *maker) placementActivity(n *madeNode, step, offset int64) {
	for _, card := range n.cards {
		switch {
		case m.options.sharing && m.chance(0.6):
			for i := range 3 {
				m.activity(n, fmt.Sprintf("%s/p%d", card, i), step, offset)
			}
		case m.chance(0.1):
			m.gauge(n, card+"/p0", "memory_used_bytes", 3*step, offset, 1e9)
			m.gauge(n, card+"/nobody-i-know", "sm_active_ratio", 3*step, offset, 0.5)
		}
	}
}

// ticks are the reading times of one series: jitter, gaps of its own, the
// node's silences.
func (m *maker) ticks(step, offset int64) []int64 {
	jitter := pick(m, 0, 0, step/3)
	from, to := m.start, m.end
	if m.chance(0.2) { // starts late or ends early
		from += m.Int64N((to - from) / 2)
		to -= m.Int64N((to - from) / 2)
	}
	rounded := pick(m, int64(1), 1e6, 1e6)
	var out []int64
	for t := from + offset; t < to; t += step {
		at := t
		if jitter > 0 {
			at += m.Int64N(jitter)
		}
		at -= at % rounded
		if m.silent(at) {
			continue
		}
		out = append(out, at)
		if m.chance(2.0 / float64(1+(to-from)/step)) {
			t += pick(m, maxGap-step, maxGap, m.Int64N(20*minute), 55*minute, maxSilence-step, m.Int64N(100*minute))
		}
	}
	return out
}

func (m *maker) silent(t int64) bool {
	for _, s := range m.silences {
		if s.from < t && t < s.to {
			return true
		}
	}
	return false
}

func (m *maker) gauge(n *madeNode, id, metric string, step, offset int64, level float64) {
	for _, t := range m.ticks(step, offset) {
		v := level * (0.5 + 0.5*m.Float64())
		if m.chance(0.02) {
			v = 0
		}
		if level == 1 && m.chance(0.1) { // ratios up to 1.05 count as 1
			v = 1.05
		}
		m.emit(n, id, metric, t, m.valueText(v))
	}
}

// counter integrates a power, with resets, hung runs and jumps beyond the limit.
func (m *maker) counter(n *madeNode, id string, step, offset int64, watts float64) {
	joules, last, hung, stuck := m.Float64()*1e6, int64(0), 0, ""
	wild := pick(m, 0, 0.005, 0.03)
	for _, t := range m.ticks(step, offset) {
		if last != 0 {
			joules += watts * (0.5 + 0.5*m.Float64()) * float64(t-last) / 1e9
		}
		last = t
		switch {
		case hung > 0:
			hung--
			m.emit(n, id, "energy_joules_total", t, stuck)
			continue
		case m.chance(wild):
			joules = m.Float64() * 1000 // reset
		case m.chance(wild):
			hung = 1 + m.IntN(40)
		case m.chance(wild / 2):
			joules += 1e9 * m.Float64() // no meter can
		}
		stuck = m.valueText(joules)
		m.emit(n, id, "energy_joules_total", t, stuck)
		if before := t - step/2; m.noise > 0 && m.chance(3*wild) && !m.silent(before) {
			m.lateTwin(n, id, "energy_joules_total", before, stuck)
		}
	}
}

// lateTwin is a reading that comes late and says what the one behind it says, which then
// is no change any more.
func (m *maker) lateTwin(n *madeNode, id, metric string, t int64, value string) {
	m.ticked = append(m.ticked, t)
	r := row{"time": m.timeText(t), "node": n.name, "device": id, "metric": metric, "value": value}
	m.fileOrder = append(m.fileOrder, arrival{t + m.Int64N(10*minute), r})
}

func (m *maker) isolated(n *madeNode, id, metric string, v float64) {
	for range 1 + m.IntN(2) {
		if t := m.moment(); !m.silent(t) {
			m.emit(n, id, metric, t, m.valueText(v))
		}
	}
}

// emit adds one row to the file, now and then out of order or twice.
func (m *maker) emit(n *madeNode, id, metric string, t int64, value string) {
	r := row{"time": m.timeText(t), "node": n.name, "device": id, "metric": metric, "value": value}
	m.ticked = append(m.ticked, t)
	at := t
	if m.chance(m.noise) {
		at += m.Int64N(10 * minute)
	}
	m.fileOrder = append(m.fileOrder, arrival{at, r})
	if m.chance(m.noise) { // delivered twice
		m.fileOrder = append(m.fileOrder, arrival{at + m.Int64N(minute), maps.Clone(r)})
	}
	if m.chance(m.noise) { // another value at one time
		other := maps.Clone(r)
		other["value"] = m.valueText(m.Float64() * pick(m, 1, 1000, 1e6))
		m.fileOrder = append(m.fileOrder, arrival{at + m.Int64N(minute), other})
	}
}

// faults are rows that section 2 rejects, of every kind.
func (m *maker) faults(n *madeNode) {
	if m.noise == 0 {
		return
	}
	device := pick(m, append(n.cards, "")...)
	for _, f := range []struct{ device, metric, value string }{
		{device, "power_watts", "NaN"},
		{device, "power_watts", "Inf"},
		{device, "power_watts", "-Infinity"},
		{device, "power_watts", "-1"},
		{device, "power_watts", "-0.00000001"},
		{device, "power_watts", "n/a"},
		{device, "power_watts", ""},
		{device, "power_watts", "1,5"},
		{device, "power_watts", "0x10"},
		{device, "power_watts", "2147483632"},
		{device, "energy_joules_total", "2147483635.25"},
		{device, "memory_used_bytes", "9223372036854775794"},
		{device, "energy_joules_total", "140737488355328.0"},
		{device, "memory_used_bytes", "140737488355331"},
		{device, "energy_joules_total", "1000000000000.0000001"},
		{device, "sm_active_ratio", "1.0500001"},
		{device, "sm_occupancy_ratio", "91"},
		{device, "power_watts", "200000.0000001"},
		{device, "warp_speed", "9"},
		{"ghost", "power_watts", "100"},
		{"ghost/p0", "power_watts", "100"},
	} {
		if m.chance(0.4) {
			m.emit(n, f.device, f.metric, m.moment(), f.value)
		}
	}
	for _, when := range []string{"1999-12-31T23:59:59.999999999Z", "2120-01-01T00:00:00Z", "yesterday", "", "4102444800000", "0"} {
		if m.chance(0.4) {
			r := row{"time": when, "node": n.name, "device": device, "metric": "power_watts", "value": "50"}
			m.fileOrder = append(m.fileOrder, arrival{m.moment(), r})
		}
	}
	if m.chance(0.4) {
		m.emit(&madeNode{name: m.name("nowhere")}, "", "power_watts", m.moment(), "50")
	}
	for _, card := range n.cards {
		if m.chance(0.2) {
			m.emit(n, card, "power_watts", m.moment(), "5000.0000001")
		}
	}
}

// lateReadings are older than the node's newest reading by more than the
// horizon and the delay, so that nothing may come of them.
func (m *maker) lateReadings(n *madeNode) {
	if !m.options.late || len(m.silences) > 0 || m.end-m.start < 40*minute {
		return
	}
	newest := m.start + 35*minute
	m.emit(n, "", "temperature_celsius", newest, "30")
	for range m.IntN(6) {
		t := newest - 15*minute - 30*second - 11*minute - m.Int64N(5*minute)
		r := row{
			"time": m.timeText(t), "node": n.name, "device": "", "metric": "power_watts",
			"value": m.valueText(1000 * m.Float64()), "late": "yes",
		}
		m.fileOrder = append(m.fileOrder, arrival{newest + 11*minute, r})
	}
}
