package attribution

import (
	"slices"

	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/pipelines/meter"
)

// meterEnergy is what one meter says of each elementary interval, µJ and ns.
type meterEnergy struct {
	read      []int64 // E(M)
	estimated []int64 // part of it from rungs that estimate
	total     []int64 // max of E(M) and the children's totals, inside the interval
	children  []int64 // sum of the children's totals, inside the interval
	own       []int64 // of the window's own(M), what the interval gets
	modelled  []int64 // part of E(M) that no reading of energy or power says
	seen      []int64 // time that the rungs cover, ns; of accelerators
	measured  []Interval
	gaps      []Interval // that no rung covers; of accelerators whose energy may be modelled
}

// busyTime is what one accelerator's ratios say of each interval, ns.
type busyTime struct {
	busy, known, covered []int64
}

// measure reads all meters of n over the intervals of [lo, hi).
func (c *Calculator) measure(n *Node, l *lines, lo, hi int64, t *Totals) {
	count := len(c.intervals)
	c.Reader.Cuts = c.Reader.Cuts[:0]
	for i := range c.intervals {
		if k := len(c.Reader.Cuts); k == 0 || c.Reader.Cuts[k-1] != c.intervals[i].from {
			c.Reader.Cuts = append(c.Reader.Cuts, c.intervals[i].from)
		}
		c.Reader.Cuts = append(c.Reader.Cuts, c.intervals[i].to)
	}
	c.energy = sized(c.energy, len(n.meters))
	for m := range n.meters {
		e := &c.energy[m]
		for _, column := range []*[]int64{&e.read, &e.estimated, &e.total, &e.children, &e.own, &e.modelled, &e.seen} {
			*column = sized(*column, count)
			clear(*column)
		}
		spans, outside := c.Reader.Spans(&n.meters[m].Readings, lo, hi)
		t.Rejected += outside.Rejected
		t.Unplaced += outside.Unplaced
		t.Resets += outside.Resets
		t.Hung += outside.Hung
		if slot := n.slot[m]; slot < 0 {
			c.accumulate(spans, e.read, e.estimated, nil)
		} else {
			c.accumulate(spans, e.read, e.estimated, e.seen)
			if e.gaps = e.gaps[:0]; !never(l.accelerator[slot].full) {
				e.gaps = appendGaps(e.gaps, spans, lo, hi)
			}
		}
		e.measured = appendMeasured(e.measured[:0], spans)
	}
	c.busy = sized(c.busy, len(n.accelerators))
	for slot, m := range n.accelerators {
		b := &c.busy[slot]
		for _, column := range []*[]int64{&b.busy, &b.known, &b.covered} {
			*column = sized(*column, count)
			clear(*column)
		}
		c.accumulate(c.Reader.BusySpans(&n.meters[m].Busy, lo, hi), b.busy, nil, b.known)
		if e := &c.energy[m]; len(e.gaps) > 0 { // which cut busy spans, too
			c.model(&l.accelerator[slot], e, c.Reader.BusySegments(&n.meters[m].Busy, lo, hi))
		}
		c.cover(n, m, lo, hi, b.covered)
	}
}

// accumulate adds what spans give to each interval, and of it the estimated
// part and the time covered, where those are wanted.
func (c *Calculator) accumulate(spans []meter.Span, amounts, estimated, covered []int64) {
	k := 0
	for i := range c.intervals {
		from, to := c.intervals[i].from, c.intervals[i].to
		for k < len(spans) && spans[k].To <= from {
			k++
		}
		for j := k; j < len(spans) && spans[j].From < to; j++ {
			s := &spans[j]
			a, b := max(s.From, from), min(s.To, to)
			v := s.Amount(a, b)
			amounts[i] += v
			if estimated != nil && s.Rung.Estimated() {
				estimated[i] += v
			}
			if covered != nil {
				covered[i] += b - a
			}
		}
	}
}

// appendMeasured appends the stretches that a meter itself measured, joined
// where they touch.
func appendMeasured(dst []Interval, spans []meter.Span) []Interval {
	for i := range spans {
		s := &spans[i]
		if !s.Rung.Measured() {
			continue
		}
		if n := len(dst); n > 0 && dst[n-1].To == s.From {
			dst[n-1].To = s.To
			continue
		}
		dst = append(dst, Interval{s.From, s.To})
	}
	return dst
}

// cover fills in the time of each interval at which meter m, or one that
// contains it, measured.
func (c *Calculator) cover(n *Node, m int, lo, hi int64, covered []int64) {
	all := c.scratch.spans[:0]
	for at := m; at >= 0; at = n.parent[at] {
		own := c.energy[at].measured
		all = append(all, own...)
		if len(own) == 1 && own[0].From <= lo && own[0].To >= hi {
			all = append(all[:0], own[0])
			break
		}
	}
	c.scratch.spans = all
	slices.SortFunc(all, func(a, b Interval) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	k := 0
	for i := range c.intervals {
		from, to := c.intervals[i].from, c.intervals[i].to
		for k < len(all) && all[k].To <= from {
			k++
		}
		reach := from
		for j := k; j < len(all) && all[j].From < to; j++ {
			a, b := max(all[j].From, reach), min(all[j].To, to)
			if a < b {
				covered[i] += b - a
				reach = b
			}
		}
	}
}

// settle decides what each meter of n contributes to the window whose
// intervals are [from, to): own(M), laid over them.
func (c *Calculator) settle(n *Node, from, to int, t *Totals) {
	weights := c.scratch.weights
	childTotal := sized(c.scratch.parts, len(n.meters))
	clear(childTotal)
	for m := range n.meters {
		e := &c.energy[m]
		read, inside := int64(0), childTotal[m]
		for i := from; i < to; i++ {
			read += e.read[i]
			e.total[i] = max(e.read[i], e.children[i])
		}
		total := max(read, inside)
		if p := n.parent[m]; p >= 0 {
			childTotal[p] += total
			for i := from; i < to; i++ {
				c.energy[p].children[i] += e.total[i]
			}
		} else {
			t.MeterEnergy += total
		}
		if n.leaf[m] {
			copy(e.own[from:to], e.read[from:to])
			continue
		}
		if inside > read && c.measuredThroughout(e, from, to) {
			t.Inconsistent += inside - read
		}
		weights = weights[:0]
		for i := from; i < to; i++ {
			weights = append(weights, max(0, e.read[i]-e.children[i]))
		}
		exact.Split(total-inside, weights, e.own[from:to])
	}
	c.scratch.weights, c.scratch.parts = weights, childTotal
}

// measuredThroughout reports whether a meter measured all of some intervals.
func (c *Calculator) measuredThroughout(e *meterEnergy, from, to int) bool {
	for i := from; i < to; i++ {
		within := func(s Interval) bool { return s.From <= c.intervals[i].from && s.To >= c.intervals[i].to }
		if !slices.ContainsFunc(e.measured, within) {
			return false
		}
	}
	return true
}
