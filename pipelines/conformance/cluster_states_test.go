package conformance_test

import (
	"fmt"
	"strings"
)

// watts is what a meter draws about; 0: it has no readings. With states some
// cards draw about their idle power, and some have no meter at all.
func (m *maker) watts(n *madeNode, id string) float64 {
	watts := 100 + 600*m.Float64()
	if !m.options.states || !strings.HasPrefix(id, "gpu") {
		return watts
	}
	return pick(m, watts, 0, 20+200*m.Float64())
}

// ratioLevel is about how busy something is; with states often about the
// thresholds of section 10.
func (m *maker) ratioLevel() float64 {
	if !m.options.states {
		return pick(m, 0.1, 0.6, 1)
	}
	return pick(m, 0, 0.005, 0.013, 0.1, 0.3, 0.6, 1)
}

// stateReadings are counters of errors and throttling, and a utilisation that
// contradicts the profiling metrics.
func (m *maker) stateReadings(n *madeNode, step, offset int64) {
	for _, card := range n.cards {
		if m.chance(0.4) {
			m.rising(n, card, "xid_errors_total", step, offset, pick(m, 0.01, 0.1), 1)
		}
		if m.chance(0.4) {
			m.rising(n, card, "throttle_seconds_total", step, offset, pick(m, 0.1, 0.9), pick(m, 0.1, 0.4)*float64(step)/1e9)
		}
		if m.chance(0.3) {
			m.gauge(n, card, pick(m, "sm_active_ratio", "gr_engine_active_ratio"), step, offset, pick(m, 0, 0.005))
			m.gauge(n, card, "gpu_util_ratio", step, offset, pick(m, 0.05, 0.13, 1))
		}
	}
}

// servedReadings are tokens and requests, of placements on a device or on the
// node, of devices, and of placements that are not there.
func (m *maker) servedReadings(n *madeNode, step, offset int64) {
	devices := []string{"", "/p0", "/p0", "/p1", "/p1", "/p2", "/nobody-i-know"}
	for _, card := range n.cards {
		devices = append(devices, card, card+"/p0", card+"/p1", card+"/p3")
	}
	for _, id := range append(n.instances, n.others...) {
		devices = append(devices, id, id+"/p1")
	}
	for range 1 + m.IntN(9) {
		metric := pick(m, "tokens_input_total", "tokens_output_total", "requests_total", "requests_total")
		m.rising(n, pick(m, devices...), metric, step*pick(m, int64(1), 3), offset, pick(m, 0.05, 0.5, 1), pick(m, 2, 1000, 1e6))
	}
}

// nodeUsage is what placements use of a node's cores and memory.
func (m *maker) nodeUsage(n *madeNode, step, offset int64) {
	if len(n.cards) > 0 && m.chance(0.8) {
		return
	}
	for i := range 4 {
		id := fmt.Sprintf("%s/p%d", pick(m, append(n.others, "", "")...), i)
		if m.chance(0.5) {
			m.rising(n, id, "cpu_seconds_total", step, offset, 0.9, pick(m, 0.5, 8)*float64(step)/1e9)
		}
		if m.chance(0.5) {
			m.gauge(n, id, "memory_used_bytes", 2*step, offset, pick(m, 1e9, 3e11))
		}
	}
}

// rising is a counter that rises now and then, by up to most, and is reset now
// and then.
func (m *maker) rising(n *madeNode, id, metric string, step, offset int64, often, most float64) {
	v := m.Float64() * 100 * most
	for _, t := range m.ticks(step, offset) {
		if m.chance(often) {
			v += most * m.Float64()
		}
		if m.chance(0.01) {
			v = pick(m, 0, most)
		}
		m.emit(n, id, metric, t, m.valueText(v))
	}
}

// askFor lets a placement say what it asked for of the node.
func (m *maker) askFor(r row) {
	if m.chance(0.5) {
		r["cpu_request_cores"] = pick(m, "0", "0.5", "4", "1.5e1", "0.0004", "64")
	}
	if m.chance(0.5) {
		r["memory_request_bytes"] = pick(m, "0", "1023", "1073741824", "2.5e11", "64000000000.5")
	}
	if m.noise > 0 && m.chance(0.03) { // rejected whole
		r["cpu_request_cores"] = pick(m, "-1", "many", "100000.0001")
	}
}

// stateRates are several rates of idle and full power, so that both change.
func (m *maker) stateRates() {
	for range 3 + m.IntN(6) {
		m.rate("idle_power", "W", pick(m, 20.0, 70, 110)+10*m.Float64())
	}
	for range pick(m, 0, 3+m.IntN(6), 3+m.IntN(6)) {
		m.rate("full_power", "W", pick(m, 15.0, 60, 350, 700)+10*m.Float64())
	}
}
