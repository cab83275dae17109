package attribution

import (
	"math/big"
	"strings"
	"unicode"

	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// instance is a partition of an accelerator.
type instance struct {
	id      string
	slices  int64
	portion *big.Rat // of the card
	busy    *meter.Busy
}

// addInstances lists the instances of each card.
func (n *Node) addInstances(byID map[string]*Device, devices []*Device) {
	n.instances = make([][]instance, len(n.accelerators))
	for _, d := range devices {
		if d.Kind != telemetry.KindMIG {
			continue
		}
		card, ok := parentOf(byID, d)
		if i := n.index[card]; ok && i >= 0 && n.slot[i] >= 0 {
			slices := telemetry.ProfileSlices(d.Model)
			n.instances[n.slot[i]] = append(n.instances[n.slot[i]], instance{
				id: d.ID, slices: slices, portion: big.NewRat(slices, maxSlices(n.meters[i].Model)), busy: &d.Busy,
			})
		}
	}
}

// maxSlices is how many slices a card has: 4 on an A30, 7 otherwise (NVIDIA
// Multi-Instance GPU user guide, supported profiles).
func maxSlices(model string) int64 {
	words := strings.FieldsFunc(model, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if w == "A30" {
			return 4
		}
	}
	return 7
}

// division is how one accelerator is divided in an interval.
type division struct {
	weights   exact.Weights
	shared    bool         // somebody holds less than the whole card
	over      bool         // shares exceed one
	conflict  bool         // several hold the whole card
	shares    []*big.Rat   // per piece, where shared
	instances [][]*big.Rat // per piece, its share of each instance; nil: not through instances
}

// share divides an accelerator that is not only held whole. Pieces are those
// of the placements in holders, and nobody's first if a rest is left.
func (c *Calculator) share(n *Node, placements []Placement, slot int, holders []int) {
	d := division{shared: true}
	sum := new(big.Rat)
	rest, slicers := fractionsRest(placements, holders)
	wholes := 0
	for _, k := range holders {
		share, of := new(big.Rat), []*big.Rat(nil)
		switch p := &placements[k]; p.Mode {
		case telemetry.ModeWhole:
			share.SetInt64(1)
			wholes++
		case telemetry.ModeMIG:
			share, of = n.instanceShares(placements, holders, slot, p)
		case telemetry.ModeFraction:
			share = p.fraction()
		default:
			share.Quo(rest, big.NewRat(slicers, 1))
		}
		sum.Add(sum, share)
		d.shares, d.instances = append(d.shares, share), append(d.instances, of)
		c.pieces = append(c.pieces, piece{slot: slot, placement: k})
	}
	d.conflict = wholes > 1
	one := big.NewRat(1, 1)
	switch sum.Cmp(one) {
	case 1:
		d.over = true
		for i := range d.shares {
			d.shares[i] = new(big.Rat).Quo(d.shares[i], sum)
			for j := range d.instances[i] {
				d.instances[i][j] = new(big.Rat).Quo(d.instances[i][j], sum)
			}
		}
	case -1:
		first := c.first[slot]
		c.pieces = append(c.pieces, piece{})
		copy(c.pieces[first+1:], c.pieces[first:])
		c.pieces[first] = piece{slot: slot, placement: nobody}
		d.shares = append([]*big.Rat{new(big.Rat).Sub(one, sum)}, d.shares...)
		d.instances = append([][]*big.Rat{nil}, d.instances...)
	}
	d.weights = exact.RationalWeights(d.shares)
	c.divisions = append(c.divisions, d)
}

// fractionsRest is what fractions leave of a card for those that slice its
// time, and how many these are.
func fractionsRest(placements []Placement, holders []int) (rest *big.Rat, slicers int64) {
	rest = big.NewRat(1, 1)
	for _, k := range holders {
		switch placements[k].Mode {
		case telemetry.ModeFraction:
			rest.Sub(rest, placements[k].fraction())
		case telemetry.ModeTimeSlice, telemetry.ModeMPS:
			slicers++
		}
	}
	if rest.Sign() < 0 {
		rest.SetInt64(0)
	}
	return rest, slicers
}

// fraction is the placement's share as written, 1 where it is empty.
func (p *Placement) fraction() *big.Rat {
	if p.Share != "" {
		if r, ok := new(big.Rat).SetString(p.Share); ok {
			return r
		}
	}
	return big.NewRat(1, 1)
}

// instanceShares is what a MIG holder has of a card: the portion of each
// instance it lists, divided equally among that instance's holders.
func (n *Node) instanceShares(placements []Placement, holders []int, slot int, p *Placement) (sum *big.Rat, of []*big.Rat) {
	sum, of = new(big.Rat), make([]*big.Rat, len(n.instances[slot]))
	for i := range n.instances[slot] {
		inst := &n.instances[slot][i]
		of[i] = new(big.Rat)
		if !p.lists(inst.id) {
			continue
		}
		count := int64(0)
		for _, k := range holders {
			if placements[k].Mode == telemetry.ModeMIG && placements[k].lists(inst.id) {
				count++
			}
		}
		of[i].Quo(inst.portion, big.NewRat(count, 1))
		sum.Add(sum, of[i])
	}
	return sum, of
}

func (p *Placement) lists(device string) bool {
	for _, d := range p.Devices {
		if d == device {
			return true
		}
	}
	return false
}

// shareEnergy splits the energy of a shared accelerator: its idle part by
// shares, the rest by share × activity.
func (c *Calculator) shareEnergy(n *Node, l *lines, placements []Placement, slot, i int, energy int64) {
	d, pieces, iv := &c.divisions[slot], c.of(slot), &c.intervals[i]
	idle, _ := idlePart(l, slot, energy, iv)
	weights := make([]*big.Rat, len(pieces))
	sum := 0
	for k := range pieces {
		weights[k] = c.activeWeight(n, placements, d, slot, k, i)
		sum |= weights[k].Sign()
	}
	active := d.weights
	if sum != 0 {
		active = exact.RationalWeights(weights)
	}
	parts := sized(c.scratch.parts, len(pieces))
	c.scratch.parts = parts
	d.weights.Split(idle, parts)
	for k := range pieces {
		pieces[k].energy = parts[k]
	}
	active.Split(energy-idle, parts)
	for k := range pieces {
		pieces[k].energy += parts[k]
	}
}

// activeWeight is share × mean activity of a piece.
func (c *Calculator) activeWeight(n *Node, placements []Placement, d *division, slot, k, i int) *big.Rat {
	card := n.meters[n.accelerators[slot]]
	p := &c.of(slot)[k]
	switch {
	case p.placement == nobody:
		return c.unheldWeight(n, placements, d, slot, i)
	case d.instances[k] != nil:
		sum := new(big.Rat)
		for j, share := range d.instances[k] {
			if share.Sign() > 0 {
				sum.Add(sum, new(big.Rat).Mul(share, c.activity(i, n.instances[slot][j].busy, &card.Busy)))
			}
		}
		return sum
	case d.conflict && placements[p.placement].Mode == telemetry.ModeWhole:
		return new(big.Rat).Mul(d.shares[k], c.activity(i, &card.Busy))
	}
	own := n.Activity[card.ID+"/"+placements[p.placement].ID]
	return new(big.Rat).Mul(d.shares[k], c.activity(i, own, &card.Busy))
}

// unheldWeight is nobody's: portion × activity over the instances that nobody
// holds and whose own readings cover any of the interval.
func (c *Calculator) unheldWeight(n *Node, placements []Placement, d *division, slot, i int) *big.Rat {
	sum := new(big.Rat)
	for j := range n.instances[slot] {
		held := false
		for k, p := range c.of(slot) {
			if p.placement == nobody {
				continue
			}
			listed := d.instances[k] != nil && placements[p.placement].lists(n.instances[slot][j].id)
			held = held || listed || placements[p.placement].Mode == telemetry.ModeWhole
		}
		b := c.busyOf(n.instances[slot][j].busy)
		if !held && b.known[i] > 0 {
			sum.Add(sum, new(big.Rat).Mul(n.instances[slot][j].portion, big.NewRat(b.busy[i], b.known[i])))
		}
	}
	return sum
}

// activity is the mean busy ratio of the first series that covers any of
// interval i, 1 where none does.
func (c *Calculator) activity(i int, series ...*meter.Busy) *big.Rat {
	for _, s := range series {
		if s == nil {
			continue
		}
		if b := c.busyOf(s); b.known[i] > 0 {
			return big.NewRat(b.busy[i], b.known[i])
		}
	}
	return big.NewRat(1, 1)
}

// busyOf reads a series of activity over the intervals at hand, once a call.
func (c *Calculator) busyOf(s *meter.Busy) *busyTime {
	if b, ok := c.activities[s]; ok {
		return b
	}
	b := c.readBusy(s)
	c.activities[s] = b
	return b
}

// readBusy reads ratios over the intervals at hand.
func (c *Calculator) readBusy(s *meter.Busy) *busyTime {
	n := len(c.intervals)
	b := &busyTime{busy: make([]int64, n), known: make([]int64, n)}
	first, last := c.intervals[0].window, c.intervals[n-1].window+c.Window
	c.accumulate(c.Reader.BusySpans(s, first, last), b.busy, nil, b.known)
	return b
}

// findBusy finds the pieces' busy and known time: of a piece with activity of
// its own its share of that, of others their part of the card's.
func (c *Calculator) findBusy(n *Node, placements []Placement, slot, i int) {
	pieces, card := c.of(slot), &c.busy[slot]
	own := c.divisions[slot].shared || len(n.Activity) > 0
	if len(pieces) == 1 && !own {
		pieces[0].busy, pieces[0].known = card.busy[i], card.known[i]
		return
	}
	busy, known := sized(c.scratch.energies, len(pieces)), sized(c.scratch.facility, len(pieces))
	c.scratch.energies, c.scratch.facility = busy, known
	d := &c.divisions[slot]
	d.weights.Split(card.busy[i], busy)
	d.weights.Split(card.known[i], known)
	for k := range pieces {
		if own {
			if b, t, ok := c.ownBusy(n, placements, d, slot, k, i); ok {
				busy[k], known[k] = b, t
			}
		}
		pieces[k].busy, pieces[k].known = busy[k], known[k]
	}
}

func (c *Calculator) ownBusy(n *Node, placements []Placement, d *division, slot, k, i int) (busy, known int64, ok bool) {
	p := c.of(slot)[k]
	if p.placement == nobody {
		return 0, 0, false
	}
	integral, covered := new(big.Rat), new(big.Rat)
	add := func(share *big.Rat, s *meter.Busy) {
		b := c.busyOf(s)
		integral.Add(integral, new(big.Rat).Mul(share, new(big.Rat).SetInt64(b.busy[i])))
		covered.Add(covered, new(big.Rat).Mul(share, new(big.Rat).SetInt64(b.known[i])))
	}
	if d.shared && d.instances[k] != nil {
		for j, share := range d.instances[k] {
			if share.Sign() > 0 {
				add(share, n.instances[slot][j].busy)
			}
		}
	} else if len(n.Activity) > 0 {
		if own := n.Activity[n.meters[n.accelerators[slot]].ID+"/"+placements[p.placement].ID]; own != nil {
			add(d.shareOf(k), own)
		}
	}
	if covered.Sign() == 0 {
		return 0, 0, false
	}
	return roundRat(integral), roundRat(covered), true
}

// shareOf is piece k's share of the accelerator.
func (d *division) shareOf(k int) *big.Rat {
	if d.shared {
		return d.shares[k]
	}
	return big.NewRat(1, int64(d.weights.Len()))
}

// roundRat is R of a rational that is not negative.
func roundRat(x *big.Rat) int64 {
	n := new(big.Int).Lsh(x.Num(), 1)
	n.Add(n, x.Denom())
	return n.Div(n, new(big.Int).Lsh(x.Denom(), 1)).Int64()
}
