package attribution

import (
	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// piece is one holder's part of one accelerator (or of a node without any) in
// an elementary interval.
type piece struct {
	slot      int   // of the accelerator; noSlot on a node without any
	placement int   // index, nobody for no one
	energy    int64 // of the meter at hand, µJ
	busy      int64 // ns, likewise known
	known     int64
	state     state
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
	c.divide(n, placements, i)
	for slot := range n.accelerators {
		c.findBusy(n, placements, slot, i)
	}
	c.judge(n, l, placements, i)
	for k := range c.pieces {
		p := &c.pieces[k]
		p.row = c.sums.at(p.slot, p.placement, p.state)
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
			c.giveEnergy(n, l, placements, m, i, own)
			c.attributeEnergy(n, m, i, own, f, t)
		}
	}
	for slot, m := range n.accelerators {
		c.attributeIdle(l, slot, c.energy[m].own[i], iv)
	}
	c.serve(n, placements, i, t)
}

// attributeIdle adds the part of an accelerator's energy that it draws for being
// on, by shares.
func (c *Calculator) attributeIdle(l *lines, slot int, own int64, iv *interval) {
	idle, ok := idlePart(l, slot, own, iv)
	if !ok {
		return
	}
	c.amongShares(idle, slot, fact.Idle)
	pieces := c.of(slot)
	for k := range pieces {
		pieces[k].row.Sums[fact.IdleIntervals]++
	}
}

// idlePart is what of an accelerator's energy in an interval is idle; ok is
// false where no idle power is known.
func idlePart(l *lines, slot int, energy int64, iv *interval) (idle int64, ok bool) {
	r, _ := at(l.accelerator[slot].idle, iv.from)
	if r == nil {
		return 0, false
	}
	return min(energy, exact.MulDivRound(r.Value, iv.to-iv.from, 1_000_000_000)), true
}

// divide lists the pieces of interval i, in the order of device and placement,
// nobody first.
func (c *Calculator) divide(n *Node, placements []Placement, i int) {
	iv := &c.intervals[i]
	c.pieces, c.first = c.pieces[:0], c.first[:0]
	c.divisions = c.divisions[:0]
	for slot := range max(1, len(n.accelerators)) {
		c.first = append(c.first, len(c.pieces))
		c.holders = c.holders[:0]
		whole := true
		for k := range placements {
			if p := &placements[k]; p.runs(iv) && (len(n.accelerators) == 0 || p.holds(slot)) {
				c.holders = append(c.holders, k)
				whole = whole && p.Mode == telemetry.ModeWhole
			}
		}
		if !whole && len(n.accelerators) > 0 {
			c.share(n, placements, slot, c.holders)
			continue
		}
		c.divideEqually(n, slot)
		if len(n.accelerators) > 0 {
			continue
		}
		if weights, ok := c.requestWeights(placements, c.holders, i); ok {
			c.divisions[0].weights = exact.IntegerWeights(weights)
		}
	}
	c.first = append(c.first, len(c.pieces))
}

// divideEqually lists a piece for each of c.holders, or one for nobody.
func (c *Calculator) divideEqually(n *Node, slot int) {
	if len(n.accelerators) == 0 {
		slot = noSlot
	}
	if len(c.holders) == 0 {
		c.holders = append(c.holders, nobody)
	}
	for _, k := range c.holders {
		c.pieces = append(c.pieces, piece{slot: slot, placement: k})
	}
	// Memory of the weights is taken over from the interval before.
	d := division{}
	if k := len(c.divisions); k < cap(c.divisions) {
		d.weights = c.divisions[:k+1][k].weights
	}
	d.weights = exact.EqualWeights(d.weights, len(c.holders))
	d.conflict = len(c.holders) > 1 && slot != noSlot
	c.divisions = append(c.divisions, d)
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

// amongShares splits v among the pieces of one accelerator by their shares
// and adds each part to a column.
func (c *Calculator) amongShares(v int64, slot int, column fact.Column) {
	if v == 0 {
		return
	}
	pieces := c.of(slot)
	if len(pieces) == 1 {
		pieces[0].row.Sums[column] += v
		return
	}
	for k, part := range c.byShares(v, slot) {
		pieces[k].row.Sums[column] += part
	}
}

func (c *Calculator) byShares(v int64, slot int) []int64 {
	c.scratch.parts = sized(c.scratch.parts, len(c.of(slot)))
	c.divisions[slot].weights.Split(v, c.scratch.parts)
	return c.scratch.parts
}

// attributeTimes splits the accelerators' times of interval i.
func (c *Calculator) attributeTimes(n *Node, i int, t *Totals) {
	length := c.intervals[i].to - c.intervals[i].from
	for slot := range n.accelerators {
		t.PresenceTime += length
		c.amongShares(length, slot, fact.DeviceSeconds)
		c.amongShares(c.busy[slot].covered[i], slot, fact.CoveredSeconds)
		d := &c.divisions[slot]
		if d.conflict {
			c.amongShares(length, slot, fact.ConflictSeconds)
		}
		if d.over {
			c.amongShares(length, slot, fact.OversubscribedSeconds)
		}
		for k := c.first[slot]; k < c.first[slot+1]; k++ {
			p := &c.pieces[k]
			p.row.Sums[fact.BusySeconds] += p.busy
			p.row.Sums[fact.KnownSeconds] += p.known
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
			c.charge(part, g, r.Currency)
		}
	} else if len(n.accelerators) == 0 {
		c.amongShares(length, 0, fact.UnpricedSeconds)
	}
	for slot := range l.accelerator {
		a := &l.accelerator[slot]
		if r, _ := at(l.instance, iv.from); r == nil {
			c.attributePrice(a, iv, slot, t)
		}
		c.attributeEmbodied(a, iv, slot)
	}
}

func (c *Calculator) attributePrice(a *acceleratorLines, iv *interval, slot int, t *Totals) {
	r, since := at(a.price, iv.from)
	if r == nil {
		c.amongShares(iv.to-iv.from, slot, fact.UnpricedSeconds)
		return
	}
	v := accrued(r.Value, unit.NanosecondsPerHour, max(iv.since, since), iv.from, iv.to)
	t.OwedMoney += v
	c.charge(v, slot, r.Currency)
}

func (c *Calculator) attributeEmbodied(a *acceleratorLines, iv *interval, slot int) {
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
	c.amongShares(v, slot, fact.Embodied)
	pieces := c.of(slot)
	for k := range pieces {
		pieces[k].row.Sums[fact.EmbodiedIntervals]++
	}
}

// charge splits a hold cost among the pieces of one accelerator.
func (c *Calculator) charge(v int64, slot int, currency string) {
	pieces := c.of(slot)
	for k, part := range c.byShares(v, slot) {
		cost := pieces[k].row.cost(currency)
		cost.hold += part
		cost.holdIntervals++
	}
}
