package conformance_test

import (
	"math/big"
	"sort"
	"strings"
	"unicode"
)

// piece is what one placement, or nobody (""), has of an accelerator in one
// elementary interval.
type piece struct {
	placement string
	whole     bool
	share     *big.Rat
	instances map[string]*big.Rat // of a MIG holder: its share of the card by instance
}

// slicesOfProfile is N of a profile "Ng.…" (section 8).
func slicesOfProfile(model string) int64 {
	digits, _, ok := strings.Cut(model, "g")
	x, isNumber := number(digits)
	if !ok || !isNumber || !x.IsInt() {
		return 0
	}
	return x.Num().Int64()
}

// maxSlices of a card: 7, on A30 4.
func maxSlices(model string) int64 {
	words := strings.FieldsFunc(model, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if w == "A30" {
			return 4
		}
	}
	return 7
}

// portion of its card that an instance is.
func (n *node) portion(card, instance string) *big.Rat {
	return big.NewRat(slicesOfProfile(n.devices[instance].model), maxSlices(n.devices[card].model))
}

// piecesOf divides a card among its holders (sections 5 and 8), sorted by
// placement id, nobody first.
func piecesOf(n *node, card string, running []placement) []piece {
	var out []piece
	for _, p := range running {
		switch {
		case p.mode == "mig":
			if c, ok := n.migPiece(card, p, running); ok {
				out = append(out, c)
			}
		case !p.lists(card):
		case p.mode == "whole":
			out = append(out, piece{placement: p.id, whole: true, share: big.NewRat(1, 1)})
		case p.mode == "fraction":
			out = append(out, piece{placement: p.id, share: p.share})
		default:
			out = append(out, piece{placement: p.id, share: sliceOfTime(card, running)})
		}
	}
	sum := new(big.Rat)
	for _, c := range out {
		sum.Add(sum, c.share)
	}
	one := big.NewRat(1, 1)
	if sum.Cmp(one) > 0 {
		for i := range out {
			out[i].scale(sum)
		}
		return out
	}
	if rest := new(big.Rat).Sub(one, sum); rest.Sign() > 0 {
		out = append([]piece{{share: rest}}, out...)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].placement < out[j].placement })
	return out
}

// migPiece is what a MIG holder has of a card: slices / max slices for each
// instance listed, divided equally among the holders of one instance.
func (n *node) migPiece(card string, p placement, running []placement) (piece, bool) {
	c := piece{placement: p.id, share: new(big.Rat), instances: make(map[string]*big.Rat)}
	for _, instance := range n.instances(card) {
		if !p.lists(instance) {
			continue
		}
		holders := int64(0)
		for _, other := range running {
			if other.mode == "mig" && other.lists(instance) {
				holders++
			}
		}
		share := new(big.Rat).Quo(n.portion(card, instance), big.NewRat(holders, 1))
		c.instances[instance] = share
		c.share = new(big.Rat).Add(c.share, share)
	}
	return c, len(c.instances) > 0
}

// sliceOfTime is the equal share of a timeslice or mps holder: what mode
// fraction leaves, at least 0.
func sliceOfTime(card string, running []placement) *big.Rat {
	rest, holders := big.NewRat(1, 1), int64(0)
	for _, p := range running {
		if !p.lists(card) {
			continue
		}
		switch p.mode {
		case "fraction":
			rest.Sub(rest, p.share)
		case "timeslice", "mps":
			holders++
		}
	}
	if rest.Sign() < 0 {
		return new(big.Rat)
	}
	return rest.Quo(rest, big.NewRat(holders, 1))
}

func (c *piece) scale(sum *big.Rat) {
	c.share = new(big.Rat).Quo(c.share, sum)
	scaled := make(map[string]*big.Rat)
	for instance, share := range c.instances {
		scaled[instance] = new(big.Rat).Quo(share, sum)
	}
	c.instances = scaled
}

func shares(pieces []piece) []*big.Int {
	weights := make([]*big.Rat, len(pieces))
	for i, c := range pieces {
		weights[i] = c.share
	}
	return integral(weights)
}

// sharedOut reports whether section 8 has a say in how energy is divided:
// whole holders and nobody follow section 5 alone (reading 21).
func sharedOut(pieces []piece) bool {
	for _, c := range pieces {
		if c.placement != "" && !c.whole {
			return true
		}
	}
	return false
}

// divideEnergy splits an accelerator's energy among its pieces: by shares, or
// idle part by shares and active part by share × activity (section 8).
func (v *view) divideEnergy(card string, energy int64, pieces []piece, iv interval) []int64 {
	if !sharedOut(pieces) {
		return parts(energy, shares(pieces))
	}
	idle := v.idlePart(card, energy, iv)
	weights, sum := make([]*big.Rat, len(pieces)), new(big.Rat)
	for i, c := range pieces {
		weights[i] = v.activeWeight(card, c, pieces, iv)
		sum.Add(sum, weights[i])
	}
	active := integral(weights)
	if sum.Sign() == 0 {
		active = shares(pieces)
	}
	out := parts(idle, shares(pieces))
	for i, a := range parts(energy-idle, active) {
		out[i] += a
	}
	return out
}

// activeWeight is share × a of a piece.
func (v *view) activeWeight(card string, c piece, pieces []piece, iv interval) *big.Rat {
	wholes := 0
	for _, o := range pieces {
		if o.whole {
			wholes++
		}
	}
	switch {
	case c.placement == "":
		return v.unheldWeight(card, pieces, iv)
	case len(c.instances) > 0:
		sum := new(big.Rat)
		for instance, share := range c.instances {
			sum.Add(sum, new(big.Rat).Mul(share, v.activity(iv, instance, card)))
		}
		return sum
	case c.whole && wholes > 1: // equal parts whatever their activity (reading 24)
		return new(big.Rat).Mul(c.share, v.activity(iv, card))
	}
	return new(big.Rat).Mul(c.share, v.activity(iv, card+"/"+c.placement, card))
}

// activity is the mean of the first device whose busy metrics cover any of the
// interval, 1 where none does.
func (v *view) activity(iv interval, devices ...string) *big.Rat {
	for _, d := range devices {
		if integral, covered := v.busy(d).over(iv, anyRung); covered > 0 {
			return big.NewRat(integral, covered)
		}
	}
	return big.NewRat(1, 1)
}

// unheldWeight is nobody's: Σ of slices / max × a over unheld instances whose
// own readings cover any of the interval.
func (v *view) unheldWeight(card string, pieces []piece, iv interval) *big.Rat {
	sum := new(big.Rat)
	for _, instance := range v.node.instances(card) {
		held := false
		for _, c := range pieces {
			held = held || c.instances[instance] != nil || c.whole
		}
		integral, covered := v.busy(instance).over(iv, anyRung)
		if !held && covered > 0 {
			sum.Add(sum, new(big.Rat).Mul(v.node.portion(card, instance), big.NewRat(integral, covered)))
		}
	}
	return sum
}

// divideBusy gives busy and known time of each piece (section 8, last
// paragraph; without own activity section 6).
func (v *view) divideBusy(card string, pieces []piece, iv interval) (busy, known []int64) {
	all, covered := v.busy(card).over(iv, anyRung)
	busy, known = parts(all, shares(pieces)), parts(covered, shares(pieces))
	for i, c := range pieces {
		own := map[string]*big.Rat{card + "/" + c.placement: c.share}
		if len(c.instances) > 0 {
			own = c.instances
		}
		if c.placement == "" {
			continue
		}
		integral, time := new(big.Rat), new(big.Rat)
		for device, share := range own {
			b, k := v.busy(device).over(iv, anyRung)
			integral.Add(integral, new(big.Rat).Mul(share, new(big.Rat).SetInt64(b)))
			time.Add(time, new(big.Rat).Mul(share, new(big.Rat).SetInt64(k)))
		}
		if time.Sign() > 0 {
			busy[i], known[i] = roundRat(integral), roundRat(time)
		}
	}
	return busy, known
}
