package conformance_test

import "sort"

// The rungs of section 3, best first.
const (
	rungCounter = iota + 1
	rungPower
	rungHeld
	rungBridge
	rungReset
)

// stretch is a part of time in which one rung, or one metric, answers.
type stretch struct {
	interval
	rung int
	upTo func(x int64) int64 // what its segment has given up to x: S(x)
}

// stretches of one meter, in order of time, none overlapping.
type stretches []stretch

// over sums S(b) − S(a) over the stretches inside iv, and returns the sum, the
// time that they cover, both for the rungs that want holds for.
func (s stretches) over(iv interval, want func(rung int) bool) (sum, time int64) {
	from := sort.Search(len(s), func(i int) bool { return s[i].to > iv.from })
	for _, st := range s[from:] {
		if st.from >= iv.to {
			break
		}
		if part := st.meet(iv); part.length() > 0 && want(st.rung) {
			sum += st.upTo(part.to) - st.upTo(part.from)
			time += part.length()
		}
	}
	return sum, time
}

// open returns the parts of iv that no stretch covers.
func (s stretches) open(iv interval) []interval {
	var out []interval
	at := iv.from
	from := sort.Search(len(s), func(i int) bool { return s[i].to > iv.from })
	for _, st := range s[from:] {
		if st.from >= iv.to {
			break
		}
		if st.from > at {
			out = append(out, interval{at, st.from})
		}
		at = max(at, st.to)
	}
	if at < iv.to {
		out = append(out, interval{at, iv.to})
	}
	return out
}

// candidate is a segment that one rung offers.
type candidate struct {
	interval
	upTo func(x int64) int64
}

// add lets a rung answer wherever no better one does.
func (s stretches) add(rung int, offered []candidate) stretches {
	out := append(stretches(nil), s...)
	for _, c := range offered {
		for _, part := range s.open(c.interval) {
			out = append(out, stretch{part, rung, c.upTo})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].from < out[j].from })
	return out
}

func anyRung(int) bool     { return true }
func estimated(r int) bool { return r >= rungHeld }
func measured(r int) bool  { return r == rungCounter || r == rungPower || r == rungBridge }

// energyOf builds the rungs of one meter (section 3).
func energyOf(n *node, id string) stretches {
	d := n.devices[id]
	if d.kind == "mig" { // repeats the card's energy (section 4)
		return nil
	}
	counter := acceptedCounter(n, d)
	power := gaugeSegments(n.series[seriesKey{id, "power_watts"}])

	var s stretches
	s = s.add(rungCounter, counterCandidates(counter))
	s = s.add(rungPower, gaugeCandidates(power, second))
	s = s.add(rungHeld, heldCandidates(power))
	s = s.add(rungBridge, s.spread(counter, func(c segment) (int64, bool) {
		if c.difference() <= 0 || c.duration() <= maxGap {
			return 0, false
		}
		given, _ := s.over(c.span(), anyRung)
		return max(0, c.difference()-given), true
	}))
	return s.add(rungReset, s.spread(counter, func(c segment) (int64, bool) {
		return c.second.value, c.difference() < 0
	}))
}

// acceptedCounter leaves out the segments that are rejected energy: more than
// 1.2 × limit × time (section 3, last paragraph but one).
func acceptedCounter(n *node, d *device) []segment {
	limits := n.series[seriesKey{d.id, "power_limit_watts"}]
	var out []segment
	for _, c := range counterSegments(n.series[seriesKey{d.id, "energy_joules_total"}]) {
		limit := int64(0)
		for _, l := range limits {
			if l.at <= c.second.at {
				limit = l.value
			}
		}
		if limit == 0 {
			limit = maxPower(d.kind)
		}
		amount := c.difference()
		if amount < 0 {
			amount = c.second.value
		}
		// amount µJ > 1.2 × limit µW × duration ns / 10⁹
		if product(amount, 10, second).Cmp(product(12, limit, c.duration())) <= 0 {
			out = append(out, c)
		}
	}
	return out
}

// counterCandidates are rung 1.
func counterCandidates(counter []segment) []candidate {
	var out []candidate
	for _, c := range counter {
		if c.difference() <= 0 || c.duration() > maxGap {
			continue
		}
		out = append(out, candidate{c.span(), func(x int64) int64 {
			return halfUp(product(c.difference(), x-c.first.at), product(c.duration()))
		}})
	}
	return out
}

// gaugeCandidates are rung 2, and the rungs of busyOf.
func gaugeCandidates(segments []segment, divisor int64) []candidate {
	var out []candidate
	for _, g := range segments {
		out = append(out, candidate{g.span(), func(x int64) int64 { return g.trapezoid(x, divisor) }})
	}
	return out
}

// heldCandidates are rung 3: before the first and after the last reading of an
// unbroken run of segments.
func heldCandidates(power []segment) []candidate {
	var out []candidate
	hold := func(from, microwatts int64) {
		out = append(out, candidate{interval{from, from + holdTime}, func(x int64) int64 {
			return halfUp(product(microwatts, x-from), product(second))
		}})
	}
	for i, p := range power {
		if i == 0 || power[i-1].second.at != p.first.at {
			hold(p.first.at-holdTime, p.first.value)
		}
		if i == len(power)-1 || power[i+1].first.at != p.second.at {
			hold(p.second.at, p.second.value)
		}
	}
	return out
}

// spread lays an amount evenly over the part of a counter segment that the
// better rungs do not cover (rungs 4 and 5).
func (s stretches) spread(counter []segment, amountOf func(segment) (int64, bool)) []candidate {
	var out []candidate
	for _, c := range counter {
		amount, ok := amountOf(c)
		if !ok {
			continue
		}
		left := s.open(c.span())
		whole := int64(0)
		for _, part := range left {
			whole += part.length()
		}
		if whole == 0 {
			continue // counted as unplaced
		}
		out = append(out, candidate{c.span(), func(x int64) int64 {
			passed := int64(0)
			for _, part := range left {
				passed += part.meet(interval{part.from, x}).length()
			}
			return halfUp(product(amount, passed), product(whole))
		}})
	}
	return out
}

// modelled is the rung below those of section 3 (10.3): what an accelerator is
// taken to draw in an elementary interval while no rung answers and its best
// busy ratio is known.
func (v *view) modelled(card string, iv interval) int64 {
	if v.node.devices[card].kind != "gpu" {
		return 0
	}
	idle, full := v.prices.idle[card].at(iv.from).rate, v.prices.full[card].at(iv.from).rate
	if idle == nil || full == nil {
		return 0
	}
	busy, time := int64(0), int64(0)
	for _, dark := range v.energies[card].open(iv) {
		b, t := v.busy(card).over(dark, anyRung)
		busy, time = busy+b, time+t
	}
	n := product(idle.value, time)
	return halfUp(n.Add(n, product(max(0, full.value-idle.value), busy)), product(second))
}

// busyOf builds the best busy metric of a series' device: integral in ns
// (section 6).
func busyOf(n *node, device string) stretches {
	var s stretches
	for i, metric := range []string{"sm_active_ratio", "gr_engine_active_ratio", "gpu_util_ratio"} {
		s = s.add(i+1, gaugeCandidates(gaugeSegments(n.series[seriesKey{device, metric}]), 1e6))
	}
	return s
}
