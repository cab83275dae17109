package attribution

import (
	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// factors are what the energy of an interval is multiplied with; nil where
// nothing applies.
type factors struct {
	pue, tariff, location, market *telemetry.Rate
	marketAssumed                 bool
}

func factorsAt(l *lines, x int64) factors {
	row := func(i int) *telemetry.Rate {
		r, _ := at(l.node[i], x)
		return r
	}
	f := factors{tariff: row(electricity), pue: row(pue), location: row(gridLocation), market: row(gridMarket)}
	if f.market == nil {
		f.market, f.marketAssumed = f.location, f.location != nil
	}
	return f
}

// mark counts, in a row, which figures are known for an interval.
func (f *factors) mark(row *sum) {
	if f.location != nil {
		row.Sums[fact.LocationIntervals]++
	}
	if f.market != nil {
		row.Sums[fact.MarketIntervals]++
	}
	if f.tariff != nil {
		row.cost(f.tariff.Currency).energyIntervals++
	}
}

// giveEnergy gives own, meter m's own energy in interval i, to the pieces of
// its accelerator, or as overhead to all pieces of the node.
func (c *Calculator) giveEnergy(n *Node, l *lines, placements []Placement, m, i int, own int64) {
	slot := n.slot[m]
	switch {
	case slot < 0:
		c.giveOverhead(own)
	case c.divisions[slot].shared:
		c.shareEnergy(n, l, placements, slot, i, own)
	default:
		c.giveShares(own, slot)
	}
}

// attributeEnergy adds what the pieces were given of meter m to their rows,
// and with it facility energy, energy cost and emissions.
func (c *Calculator) attributeEnergy(n *Node, m, i int, own int64, f factors, t *Totals) {
	slot, pieces := n.slot[m], c.pieces
	if slot >= 0 {
		pieces = c.of(slot)
	}
	e := &c.energy[m]
	estimated := int64(0)
	if e.estimated[i] != 0 {
		estimated = exact.MulDivRound(own, e.estimated[i], e.read[i])
	}
	for k := range pieces {
		p := &pieces[k]
		p.row.Sums[fact.Energy] += p.energy
		if slot < 0 {
			p.row.Sums[fact.Overhead] += p.energy
		}
	}
	energies := sized(c.scratch.energies, len(pieces))
	for k := range pieces {
		energies[k] = pieces[k].energy
	}
	c.scratch.energies = energies
	c.among(estimated, pieces, energies, fact.Estimated)
	c.attributeFacility(own, pieces, energies, f, t)
}

// giveShares splits an accelerator's energy by shares.
func (c *Calculator) giveShares(own int64, slot int) {
	pieces := c.of(slot)
	if len(pieces) == 1 {
		pieces[0].energy = own
		return
	}
	for k, part := range c.byShares(own, slot) {
		pieces[k].energy = part
	}
}

// giveOverhead splits overhead equally among the accelerators (or gives it to
// the node's pieces), then each one's part by shares.
func (c *Calculator) giveOverhead(own int64) {
	c.scratch.groups = sized(c.scratch.groups, len(c.first)-1)
	exact.SplitEqual(own, c.scratch.groups)
	for g, part := range c.scratch.groups {
		c.giveShares(part, g)
	}
}

// among splits v over pieces by weights and adds the parts to columns.
func (c *Calculator) among(v int64, pieces []piece, weights []int64, columns ...fact.Column) {
	if v == 0 {
		return
	}
	parts := sized(c.scratch.parts, len(pieces))
	exact.Split(v, weights, parts)
	c.scratch.parts = parts
	for k := range pieces {
		for _, column := range columns {
			pieces[k].row.Sums[column] += parts[k]
		}
	}
}

// attributeFacility multiplies by PUE, once, and facility energy by tariff and
// factors.
func (c *Calculator) attributeFacility(own int64, pieces []piece, energies []int64, f factors, t *Totals) {
	total, columns := own, []fact.Column{fact.Facility, fact.AssumedPUE}
	if f.pue != nil {
		total = exact.MulDivRound(own, f.pue.Value, int64(unit.One))
		columns = columns[:1]
	}
	facility := sized(c.scratch.facility, len(pieces))
	exact.Split(total, energies, facility)
	c.scratch.facility = facility
	for k := range pieces {
		for _, column := range columns {
			pieces[k].row.Sums[column] += facility[k]
		}
		if f.marketAssumed {
			pieces[k].row.Sums[fact.AssumedMarket] += facility[k]
		}
	}
	if f.location != nil {
		v := exact.MulDivRound(total, f.location.Value, unit.MicrojoulesPerKilowattHour)
		c.among(v, pieces, facility, fact.CarbonLocation)
	}
	if f.market != nil {
		v := exact.MulDivRound(total, f.market.Value, unit.MicrojoulesPerKilowattHour)
		c.among(v, pieces, facility, fact.CarbonMarket)
	}
	if f.tariff != nil {
		v := exact.MulDivRound(f.tariff.Value, total, unit.MicrojoulesPerKilowattHour)
		t.OwedMoney += v
		parts := sized(c.scratch.parts, len(pieces))
		exact.Split(v, facility, parts)
		c.scratch.parts = parts
		for k := range pieces {
			pieces[k].row.cost(f.tariff.Currency).energy += parts[k]
		}
	}
}
