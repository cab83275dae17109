package conformance_test

// thresholds of section 10.2, in 10⁻⁶.
type thresholds struct{ idle, underused, throttled, faultPower, faultUtil int64 }

var defaultThresholds = thresholds{idle: 10_000, underused: 250_000, throttled: 100_000, faultPower: 2_000_000, faultUtil: 100_000}

func (d directory) limits() thresholds {
	if d.thresholds != nil {
		return *d.thresholds
	}
	return defaultThresholds
}

// below compares a ratio with a threshold: x·10⁶ < r·y; with y = 0 it is not.
func below(x, y, r int64) bool { return y != 0 && product(x, million).Cmp(product(r, y)) < 0 }

// The most that a segment of a counter may give for each ns that it is long: of
// times 10⁵ ns, of counts one.
const (
	mostOfTime   = int64(100_000)
	mostOfCounts = int64(1)
)

// countedUp are the segments of a counter that is not energy (10.2): neighbours
// of at most max_silence, giving v₁ − v₀, or v₁ where v₁ < v₀.
func countedUp(readings []reading, most int64) stretches {
	var offered []candidate
	for i := 1; i < len(readings); i++ {
		s := segment{readings[i-1], readings[i]}
		if s.duration() > maxSilence {
			continue
		}
		amount := s.difference()
		if amount < 0 {
			amount = s.second.value
		}
		if product(amount).Cmp(product(most, s.duration())) > 0 {
			continue
		}
		offered = append(offered, candidate{s.span(), func(x int64) int64 {
			return halfUp(product(amount, x-s.first.at), product(s.duration()))
		}})
	}
	return stretches(nil).add(rungCounter, offered)
}

// rises reports whether a segment that gives more than 0 overlaps iv.
func (s stretches) rises(iv interval) bool {
	for _, st := range s {
		if st.meet(iv).length() > 0 && st.upTo(st.to) > 0 {
			return true
		}
	}
	return false
}

// condition is what 10.2 asks of a card in an elementary interval.
type condition struct {
	busy, known  int64 // B and K: the card's, before they are split
	seen, energy int64 // of rungs 1 to 5 of its own meter
	idlePower    *rate // nil: none, or of 0 W
	errors       bool
	throttled    int64
	util, utilOn int64 // integral and time of gpu_util_ratio alone
}

func (v *view) conditionOf(card string, iv interval) condition {
	var c condition
	c.busy, c.known = v.busy(card).over(iv, anyRung)
	c.energy, c.seen = v.energies[card].over(iv, anyRung)
	if r := v.prices.idle[card].at(iv.from).rate; r != nil && r.value > 0 {
		c.idlePower = r
	}
	c.errors = countedUp(v.node.series[seriesKey{card, "xid_errors_total"}], mostOfCounts).rises(iv)
	c.throttled, _ = countedUp(v.node.series[seriesKey{card, "throttle_seconds_total"}], mostOfTime).over(iv, anyRung)
	util := gaugeSegments(v.node.series[seriesKey{card, "gpu_util_ratio"}])
	c.util, c.utilOn = stretches(nil).add(rungPower, gaugeCandidates(util, 1e6)).over(iv, anyRung)
	return c
}

// high: E(M) · 10⁹ · 10⁶ ≥ P · ratio · seen, where P resolves and seen > 0.
func (c condition) high(t thresholds) bool {
	return c.idlePower != nil && c.seen > 0 &&
		product(c.energy, second, million).Cmp(product(c.idlePower.value, t.faultPower, c.seen)) >= 0
}

// contradictory: it says that it idles, and its power or its utilisation say
// that it does not.
func (c condition) contradictory(t thresholds) bool {
	used := c.utilOn > 0 && !below(c.util, c.utilOn, t.faultUtil)
	return c.known > 0 && below(c.busy, c.known, t.idle) && (c.high(t) || used)
}

// idle judges a piece with these busy and known times.
func (c condition) idle(busy, known int64, t thresholds) bool {
	if known > 0 {
		return below(busy, known, t.idle)
	}
	return c.idlePower != nil && c.seen > 0 && !c.high(t)
}

// stateOf is the table of 10.2; the first that fits applies.
func (v *view) stateOf(holder string, c condition, busy, known int64, iv interval) string {
	t := v.thresholds
	idle := c.idle(busy, known, t)
	switch {
	case c.seen == 0 && c.known == 0 && known == 0:
		return "dark"
	case holder == "":
		return "unallocated"
	case c.errors || c.contradictory(t):
		return "fault"
	case idle && v.servesDuring(holder, iv):
		return "held_between_requests"
	case idle:
		return "allocated_idle"
	case known > 0 && !below(c.throttled, iv.length(), t.throttled):
		return "throttled"
	case below(busy, known, t.underused):
		return "underused"
	}
	return "active"
}

// judge gives the state of every piece in an elementary interval.
func (v *view) judge(pieces map[string][]piece, iv interval) map[pieceKey]string {
	out := make(map[pieceKey]string)
	for _, card := range v.node.accelerators {
		c := v.conditionOf(card, iv)
		busy, known := v.divideBusy(card, pieces[card], iv)
		for i, p := range pieces[card] {
			out[pieceKey{card, p.placement}] = v.stateOf(p.placement, c, busy[i], known[i], iv)
		}
	}
	return out
}

// idlePart is min(E, R(idle_power × time)) of an accelerator's own energy
// (sections 8 and 10.1), 0 where no idle_power resolves.
func (v *view) idlePart(card string, energy int64, iv interval) int64 {
	r := v.prices.idle[card].at(iv.from).rate
	if r == nil {
		return 0
	}
	return min(energy, halfUp(product(r.value, iv.length()), product(second)))
}

// addIdle splits the idle part among the pieces by shares (10.1).
func (v *view) addIdle(window int64, card string, pieces []piece, s slice) {
	if v.prices.idle[card].at(s.from).rate == nil {
		return
	}
	for i, part := range parts(v.idlePart(card, s.own[card], s.interval), shares(pieces)) {
		f := v.fact(window, card, pieces[i].placement)
		f.idle += part
		f.idleIntervals++
	}
}
