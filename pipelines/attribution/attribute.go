package attribution

import (
	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/unit"
)

// piece is one holder's part of one accelerator (or of a node without any) in
// an elementary interval.
type piece struct {
	slot      int   // of the accelerator; noSlot on a node without any
	placement int   // index, nobody for no one
	share     int64 // weight among the accelerator's pieces
	energy    int64 // of the meter at hand, µJ
	row       *sum
}

const (
	noSlot = -1
	nobody = -1
)

// attribute divides interval i among its pieces and adds what each gets to its
// row.
func (c *Calculator) attribute(n *Node, l *lines, placements []Placement, i int, t *Totals) {
	iv := &c.intervals[i]
	c.divide(n, placements, iv)
	for k := range c.pieces {
		p := &c.pieces[k]
		p.row = c.sums.at(p.slot, p.placement)
		p.row.Sums[fact.Intervals]++
	}
	c.attributeTimes(n, i, t)
	c.attributeHold(n, l, iv, t)
	f := factorsAt(l, iv.from)
	for k := range c.pieces {
		f.mark(c.pieces[k].row)
	}
	for m := range n.meters {
		if own := c.energy[m].own[i]; own != 0 {
			c.attributeEnergy(n, m, i, own, f, t)
		}
	}
}

// divide lists the pieces of an interval, in the order of device and
// placement, nobody first.
func (c *Calculator) divide(n *Node, placements []Placement, iv *interval) {
	c.pieces, c.first = c.pieces[:0], c.first[:0]
	if len(n.accelerators) == 0 {
		for k := range placements {
			if placements[k].runs(iv) {
				c.pieces = append(c.pieces, piece{slot: noSlot, placement: k, share: 1})
			}
		}
		if len(c.pieces) == 0 {
			c.pieces = append(c.pieces, piece{slot: noSlot, placement: nobody, share: 1})
		}
		c.first = append(c.first, 0, len(c.pieces))
		return
	}
	for slot := range n.accelerators {
		c.first = append(c.first, len(c.pieces))
		for k := range placements {
			if placements[k].runs(iv) && placements[k].holds(slot) {
				c.pieces = append(c.pieces, piece{slot: slot, placement: k, share: 1})
			}
		}
		if len(c.pieces) == c.first[slot] {
			c.pieces = append(c.pieces, piece{slot: slot, placement: nobody, share: 1})
		}
	}
	c.first = append(c.first, len(c.pieces))
}

func (p *Placement) runs(iv *interval) bool { return p.Start <= iv.from && p.End >= iv.to }

func (p *Placement) holds(slot int) bool {
	for _, s := range p.slots {
		if s == slot {
			return true
		}
	}
	return false
}

// of returns the pieces of one accelerator; on a node without any, 0 stands
// for the node.
func (c *Calculator) of(slot int) []piece {
	return c.pieces[c.first[slot]:c.first[slot+1]]
}

// amongShares splits v among pieces of one accelerator by their shares and
// adds each part to a column.
func (c *Calculator) amongShares(v int64, pieces []piece, columns ...fact.Column) {
	if v == 0 {
		return
	}
	if len(pieces) == 1 {
		for _, column := range columns {
			pieces[0].row.Sums[column] += v
		}
		return
	}
	parts := c.byShares(v, pieces)
	for k := range pieces {
		for _, column := range columns {
			pieces[k].row.Sums[column] += parts[k]
		}
	}
}

func (c *Calculator) byShares(v int64, pieces []piece) []int64 {
	c.scratch.weights = c.scratch.weights[:0]
	for k := range pieces {
		c.scratch.weights = append(c.scratch.weights, pieces[k].share)
	}
	c.scratch.parts = sized(c.scratch.parts, len(pieces))
	exact.Split(v, c.scratch.weights, c.scratch.parts)
	return c.scratch.parts
}

// attributeTimes splits the accelerators' times of interval i.
func (c *Calculator) attributeTimes(n *Node, i int, t *Totals) {
	length := c.intervals[i].to - c.intervals[i].from
	for slot := range n.accelerators {
		pieces, b := c.of(slot), &c.busy[slot]
		t.PresenceTime += length
		c.amongShares(length, pieces, fact.DeviceSeconds)
		c.amongShares(b.busy[i], pieces, fact.BusySeconds)
		c.amongShares(b.known[i], pieces, fact.KnownSeconds)
		c.amongShares(b.covered[i], pieces, fact.CoveredSeconds)
		if len(pieces) > 1 {
			c.amongShares(length, pieces, fact.ConflictSeconds)
		}
	}
}

// attributeHold splits the price of holding the node, or its accelerators, and
// the embodied emissions of the latter.
func (c *Calculator) attributeHold(n *Node, l *lines, iv *interval, t *Totals) {
	length := iv.to - iv.from
	if r, since := at(l.instance, iv.from); r != nil {
		v := accrued(r.Value, unit.NanosecondsPerHour, max(iv.since, since), iv.from, iv.to)
		t.OwedMoney += v
		groups := len(c.first) - 1
		c.scratch.groups = sized(c.scratch.groups, groups)
		exact.SplitEqual(v, c.scratch.groups)
		for g, part := range c.scratch.groups {
			c.charge(part, c.of(g), r.Currency)
		}
	} else if len(n.accelerators) == 0 {
		c.amongShares(length, c.pieces, fact.UnpricedSeconds)
	}
	for slot := range l.accelerator {
		a, pieces := &l.accelerator[slot], c.of(slot)
		if r, _ := at(l.instance, iv.from); r == nil {
			c.attributePrice(a, iv, pieces, t)
		}
		c.attributeEmbodied(a, iv, pieces)
	}
}

func (c *Calculator) attributePrice(a *acceleratorLines, iv *interval, pieces []piece, t *Totals) {
	r, since := at(a.price, iv.from)
	if r == nil {
		c.amongShares(iv.to-iv.from, pieces, fact.UnpricedSeconds)
		return
	}
	v := accrued(r.Value, unit.NanosecondsPerHour, max(iv.since, since), iv.from, iv.to)
	t.OwedMoney += v
	c.charge(v, pieces, r.Currency)
}

func (c *Calculator) attributeEmbodied(a *acceleratorLines, iv *interval, pieces []piece) {
	r, since := at(a.embodied, iv.from)
	if r == nil {
		return
	}
	lifetime := defaultLifetime
	life, lifeSince := at(a.lifetime, iv.from)
	if life != nil {
		lifetime = life.Value
	}
	v := accrued(r.Value, lifetime, max(iv.since, since, lifeSince), iv.from, iv.to)
	c.amongShares(v, pieces, fact.Embodied)
	for k := range pieces {
		pieces[k].row.Sums[fact.EmbodiedIntervals]++
	}
}

// charge splits a hold cost among pieces of one accelerator.
func (c *Calculator) charge(v int64, pieces []piece, currency string) {
	parts := c.byShares(v, pieces)
	for k := range pieces {
		cost := pieces[k].row.cost(currency)
		cost.hold += parts[k]
		cost.holdIntervals++
	}
}
