package estate

// span is [from, to) in seconds on a node, or on one device of it.
type span struct {
	node, device string
	from, to     float64
}

func (s span) holds(node, device string, x float64) bool {
	return s.node == node && s.device == device && x >= s.from && x < s.to
}

// faults are the planted troubles of the recording, one of each kind that every
// real estate shows in a day.
type faults struct {
	hang     span // a counter repeats itself
	restart  span // a counter begins again at zero at from
	silence  span // a node's collector is away
	lateFrom span // a node's readings reach the file minutes late
	throttle span // a node's cards are held back by heat
}

func newFaults(p plan) faults {
	at := func(m int) float64 { return float64(p.minute(m)) }
	return faults{
		hang:     span{"h100-01", deviceName(3), at(33), at(37)},
		restart:  span{"h100-02", deviceName(5), at(85) + 3, float64(p.seconds) + 1},
		silence:  span{"h100-03", "", at(40) + 5, at(42) + 25},
		lateFrom: span{"g6-01", "", at(61), at(61) + every},
		throttle: span{"h100-01", "", at(50), at(60)},
	}
}

func (f faults) hangs(node, device string, x float64) bool { return f.hang.holds(node, device, x) }

// reset gives the second since which the counter counts anew.
func (f faults) reset(node, device string, x float64) (float64, bool) {
	return f.restart.from, f.restart.holds(node, device, x)
}

// throttled is the part of a second that a throttled card is held back. The model's
// power is what it draws then: the course of its work takes no notice.
const throttled = 0.4

// throttledUntil is how many seconds the throttling has gone on by x.
func (f faults) throttledUntil(x float64) float64 {
	return within(x, f.throttle.from, f.throttle.to) - f.throttle.from
}

func (f faults) silent(node string, x float64) bool { return f.silence.holds(node, "", x) }

func (f faults) lateNode(node string, tick int) bool {
	return f.lateFrom.holds(node, "", float64(tick*every))
}
