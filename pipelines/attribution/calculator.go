package attribution

import (
	"slices"

	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/pipelines/rate"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Interval is a stretch of time, ns.
type Interval struct{ From, To int64 }

// Placement is a placement as it holds a node: of a valid version, with its
// end resolved.
type Placement struct {
	*telemetry.Placement
	End   int64
	slots []int // of the node's accelerators that it holds
}

// Totals are both sides of the conservation laws over the windows of a call,
// and energy that is in no row.
type Totals struct {
	MeterEnergy, RowEnergy int64 // µJ
	OwedMoney, RowMoney    int64 // 10⁻⁹, summed over currencies
	PresenceTime, RowTime  int64 // ns, accelerators
	Rejected, Unplaced     int64 // µJ
	Resets, Hung           int64 // readings of energy counters
	Inconsistent           int64 // µJ
	ServedUnplaced         int64 // tokens and requests
}

// Calculator computes fact rows.
type Calculator struct {
	Window     int64 // ns
	Reader     meter.Reader
	Thresholds Thresholds

	intervals []interval
	energy    []meterEnergy
	busy      []busyTime
	pieces    []piece
	divisions []division // per accelerator; of the node, where it has none

	activities map[*meter.Busy]*busyTime
	utils      map[*meter.Series]*busyTime
	counts     []counting
	holders    []int
	first      []int // per accelerator, its first piece; one more at the end
	sums       sumTable
	scratch    scratch
}

// interval is an elementary interval and the window it belongs to.
type interval struct {
	from, to, window int64
	since            int64 // the later of the window's edge and the presence's start
}

// Rows appends the facts of the windows of [lo, hi), which are window edges,
// in the order of window, device and placement. Presence is the node's, in
// order and disjoint; placements are in the order of their IDs.
func (c *Calculator) Rows(dst []fact.Row, n *Node, table *rate.Table, placements []Placement, presence []Interval, lo, hi int64, t *Totals) []fact.Row {
	l := n.resolve(table)
	for i := range placements {
		placements[i].slots = n.slots(placements[i].Placement, placements[i].slots[:0])
	}
	c.cut(placements, presence, l, lo, hi)
	c.measure(n, l, lo, hi, t) // without an interval, too: a segment may end at an instant
	if c.activities == nil {
		c.activities = map[*meter.Busy]*busyTime{}
	}
	clear(c.activities)
	clear(c.utils)
	c.count(n, lo, hi)
	for from := 0; from < len(c.intervals); {
		to := from + 1
		for to < len(c.intervals) && c.intervals[to].window == c.intervals[from].window {
			to++
		}
		c.settle(n, from, to, t)
		c.sums.reset()
		for i := from; i < to; i++ {
			c.attribute(n, l, placements, i, t)
		}
		dst = c.sums.appendRows(dst, n, placements, c.intervals[from].window, c.Window, t)
		from = to
	}
	return dst
}

// slots appends the accelerators that p holds.
func (n *Node) slots(p *telemetry.Placement, dst []int) []int {
	for _, d := range p.Devices {
		if d == telemetry.AllDevices {
			dst = dst[:0]
			for slot := range n.accelerators {
				dst = append(dst, slot)
			}
			return dst
		}
		if slot := n.slotOf(d); slot >= 0 && !slices.Contains(dst, slot) {
			dst = append(dst, slot)
		}
	}
	return dst
}

// slotOf returns the accelerator that a device is, or is an instance of; -1 if
// neither.
func (n *Node) slotOf(device string) int {
	if slot := n.acceleratorSlot(device); slot >= 0 {
		return slot
	}
	for slot := range n.instances {
		for k := range n.instances[slot] {
			if n.instances[slot][k].id == device {
				return slot
			}
		}
	}
	return -1
}

// cut fills c.intervals with the elementary intervals of [lo, hi).
func (c *Calculator) cut(placements []Placement, presence []Interval, l *lines, lo, hi int64) {
	c.intervals = c.intervals[:0]
	cuts := c.scratch.times[:0]
	for w := lo; w < hi; w += c.Window {
		cuts = append(cuts, w)
	}
	for i := range placements {
		cuts = appendWithin(cuts, placements[i].Start, lo, hi)
		cuts = appendWithin(cuts, placements[i].End, lo, hi)
	}
	for _, line := range l.all {
		for i := line.At(lo) + 1; i < len(line.Moments) && line.Moments[i] < hi; i++ {
			cuts = append(cuts, line.Moments[i])
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	c.scratch.times = cuts
	for _, p := range presence {
		from, to := max(p.From, lo), min(p.To, hi)
		if from >= to {
			continue
		}
		k, found := slices.BinarySearch(cuts, from)
		if found {
			k++
		}
		for from < to {
			next := to
			if k < len(cuts) && cuts[k] < to {
				next = cuts[k]
				k++
			}
			w := floor(from, c.Window)
			c.intervals = append(c.intervals, interval{from: from, to: next, window: w, since: max(w, p.From)})
			from = next
		}
	}
}

func appendWithin(cuts []int64, t, lo, hi int64) []int64 {
	if t > lo && t < hi {
		return append(cuts, t)
	}
	return cuts
}

// floor returns the window edge at or before t.
func floor(t, window int64) int64 {
	r := t % window
	if r < 0 {
		r += window
	}
	return t - r
}

type scratch struct {
	times          []int64
	spans          []Interval
	weights, parts []int64
	groups         []int64
	pieces         []int
	counts         []meter.Span
	energies       []int64
	facility       []int64
}

// sized returns a slice of length n, using buf's memory if it is long enough.
func sized[T any](buf []T, n int) []T {
	if cap(buf) < n {
		return make([]T, n)
	}
	return buf[:n]
}
