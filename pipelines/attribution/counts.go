package attribution

import (
	"slices"
	"strings"

	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// counting is a device's counters, or a placement's on a device ("D/P"), and
// what they say of each interval at hand.
type counting struct {
	device    string // D
	placement string // P
	own       bool   // the device's own, not a placement's
	of        [meter.NumCounts]counted
}

// counted is what one series says of each interval; empty where it has no
// readings.
type counted struct {
	amount, covered []int64
	rises           []bool // a segment that rises overlaps the interval
}

// count reads all counters of n over the intervals of [lo, hi).
func (c *Calculator) count(n *Node, lo, hi int64) {
	c.counts = c.counts[:0]
	if len(c.intervals) == 0 {
		return
	}
	for key, counters := range n.Counters {
		device, placement, own := n.splitKey(key)
		c.counts = append(c.counts, counting{device: device, placement: placement, own: own})
		one := &c.counts[len(c.counts)-1]
		for k, s := range counters.Series() {
			if s.Len() >= 2 {
				c.scratch.counts = c.Reader.CountSpans(c.scratch.counts[:0], s, meter.Count(k), lo, hi)
				one.of[k] = c.countedOver(c.scratch.counts)
			}
		}
	}
}

func (c *Calculator) countedOver(spans []meter.Span) counted {
	if len(spans) == 0 {
		return counted{}
	}
	n := len(c.intervals)
	k := counted{amount: make([]int64, n), covered: make([]int64, n), rises: make([]bool, n)}
	c.accumulate(spans, k.amount, nil, k.covered)
	j := 0
	for i := range c.intervals {
		for j < len(spans) && spans[j].To <= c.intervals[i].from {
			j++
		}
		for s := j; s < len(spans) && spans[s].From < c.intervals[i].to; s++ {
			k.rises[i] = k.rises[i] || spans[s].V1 > 0
		}
	}
	return k
}

// splitKey tells D and P of a series' device apart. A device that the inventory
// has is itself, whatever it is called.
func (n *Node) splitKey(key string) (device, placement string, own bool) {
	if _, ok := n.index[key]; ok {
		return key, "", true
	}
	device, placement, _ = strings.Cut(key, "/")
	return device, placement, false
}

// servedColumns are the columns of the series that count what was served; 0 of
// the others.
var servedColumns = [meter.NumCounts]fact.Column{meter.InputTokens: fact.InputTokens, meter.OutputTokens: fact.OutputTokens, meter.Requests: fact.Requests}

// serve adds the tokens and requests of interval i to the rows of those that
// served them.
func (c *Calculator) serve(n *Node, placements []Placement, i int, t *Totals) {
	for k := range c.counts {
		one := &c.counts[k]
		for series, column := range servedColumns {
			if s := &one.of[series]; column != 0 && s.amount != nil && s.amount[i] != 0 {
				c.giveServed(n, placements, one, s.amount[i], column, t)
			}
		}
	}
}

func (c *Calculator) giveServed(n *Node, placements []Placement, one *counting, v int64, column fact.Column, t *Totals) {
	if !one.own {
		pieces := c.piecesOf(n, placements, one)
		if len(pieces) == 0 {
			t.ServedUnplaced += v
			return
		}
		c.amongEqually(v, pieces, column)
		return
	}
	if slot := n.acceleratorSlot(one.device); slot >= 0 {
		c.amongShares(v, slot, column)
		return
	}
	c.amongAll(v, column)
}

// piecesOf lists the pieces of the placement that a series is of: those on its
// accelerator, else all that it has on the node.
func (c *Calculator) piecesOf(n *Node, placements []Placement, one *counting) []int {
	own := c.scratch.pieces[:0]
	slot := n.acceleratorSlot(one.device)
	onSlot := false
	for k := range c.pieces {
		p := &c.pieces[k]
		if p.placement == nobody || placements[p.placement].ID != one.placement {
			continue
		}
		own = append(own, k)
		onSlot = onSlot || slot >= 0 && p.slot == slot
	}
	if onSlot {
		own = slices.DeleteFunc(own, func(k int) bool { return c.pieces[k].slot != slot })
	}
	c.scratch.pieces = own
	return own
}

// acceleratorSlot returns the place of an accelerator, -1 for any other device.
func (n *Node) acceleratorSlot(device string) int {
	if i, ok := n.index[device]; ok && i >= 0 {
		return n.slot[i]
	}
	return -1
}

func (c *Calculator) amongEqually(v int64, pieces []int, column fact.Column) {
	c.scratch.parts = sized(c.scratch.parts, len(pieces))
	exact.SplitEqual(v, c.scratch.parts)
	for place, k := range pieces {
		c.pieces[k].row.Sums[column] += c.scratch.parts[place]
	}
}

// amongAll splits v as overhead is.
func (c *Calculator) amongAll(v int64, column fact.Column) {
	c.scratch.groups = sized(c.scratch.groups, len(c.first)-1)
	exact.SplitEqual(v, c.scratch.groups)
	for g, part := range c.scratch.groups {
		c.amongShares(part, g, column)
	}
}

// requestWeights returns how a node without accelerators goes to those of its
// placements that are in holders: by what they asked for or used of cores and
// memory, whichever is more. ok is false where none asked for anything.
func (c *Calculator) requestWeights(placements []Placement, holders []int, i int) (weights []int64, ok bool) {
	for _, k := range holders {
		if k == nobody {
			return nil, false
		}
		p := &placements[k]
		ok = ok || p.CPURequest > 0 || p.MemoryRequest > 0
	}
	if !ok {
		return nil, false
	}
	for _, k := range holders {
		cores, bytes := c.used(placements[k].ID, i)
		cores = max(cores, min(int64(placements[k].CPURequest), telemetry.MaxCPURequest))
		bytes = max(bytes, min(int64(placements[k].MemoryRequest), telemetry.MaxMemoryRequest))
		weights = append(weights, gibibytesPerCore<<20*cores+1000*(bytes>>10))
	}
	return weights, true
}

// gibibytesPerCore is how much memory weighs as much as a core: 9, as in AWS
// split cost allocation data.
const gibibytesPerCore = 9

// used is what a placement used of cores (10⁻³) and memory (bytes), on average
// over the time that is covered.
func (c *Calculator) used(placement string, i int) (cores, bytes int64) {
	for k := range c.counts {
		one := &c.counts[k]
		if one.own || one.placement != placement {
			continue
		}
		if s := &one.of[meter.CPUTime]; s.covered != nil && s.covered[i] > 0 {
			cores = min(telemetry.MaxCPURequest, cores+exact.MulDivFloor(s.amount[i], 1000, s.covered[i], telemetry.MaxCPURequest))
		}
		if s := &one.of[meter.Memory]; s.covered != nil && s.covered[i] > 0 {
			bytes = min(telemetry.MaxMemoryRequest, bytes+exact.MulDivFloor(s.amount[i], 1_000_000_000, s.covered[i], telemetry.MaxMemoryRequest))
		}
	}
	return cores, bytes
}
