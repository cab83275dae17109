package attribution

import (
	"slices"
	"strings"

	"github.com/ntegral/ntegral/schemas/fact"
)

// sum is a row in the making: what one holder has of one accelerator in the
// window at hand. Costs stay apart by currency until the window is done.
type sum struct {
	slot, placement int
	state           state
	fact.Sums
	costs []cost
}

// cost is what was charged in one currency.
type cost struct {
	currency                       string
	hold, energy                   int64
	holdIntervals, energyIntervals int64
}

// cost returns the row's costs in a currency.
func (s *sum) cost(currency string) *cost {
	for i := range s.costs {
		if s.costs[i].currency == currency {
			return &s.costs[i]
		}
	}
	s.costs = append(s.costs, cost{currency: currency})
	return &s.costs[len(s.costs)-1]
}

// sumTable holds the sums of one window. Memory is reused from window to
// window.
type sumTable struct {
	rows []*sum
	used int
}

func (t *sumTable) reset() { t.used = 0 }

// at returns the sum of a holder of a slot in a state, a new one where there was none.
// Windows have few rows, and pieces come in the same order in each interval.
func (t *sumTable) at(slot, placement int, in state) *sum {
	for _, s := range t.rows[:t.used] {
		if s.slot == slot && s.placement == placement && s.state == in {
			return s
		}
	}
	if t.used == len(t.rows) {
		t.rows = append(t.rows, &sum{})
	}
	s := t.rows[t.used]
	t.used++
	*s = sum{slot: slot, placement: placement, state: in, costs: s.costs[:0]}
	return s
}

// appendRows turns the sums of a window into fact rows, by device and
// placement. Costs in a second currency make a second row that has nothing
// else.
func (t *sumTable) appendRows(dst []fact.Row, n *Node, placements []Placement, window, length int64, totals *Totals) []fact.Row {
	rows := t.rows[:t.used]
	slices.SortFunc(rows, func(a, b *sum) int {
		if a.slot != b.slot {
			return a.slot - b.slot
		}
		if a.placement != b.placement {
			return a.placement - b.placement
		}
		return strings.Compare(a.state.String(), b.state.String())
	})
	for _, s := range rows {
		dst = oneMore(dst)
		row := &dst[len(dst)-1]
		*row = fact.Row{Key: fact.Key{WindowStart: window, WindowLength: length, Node: n.Attributes.Node}, Sums: s.Sums}
		s.describe(row, n, placements)
		totals.RowTime += row.Sums[fact.DeviceSeconds]
		totals.RowEnergy += row.Sums[fact.Energy]
		slices.SortFunc(s.costs, func(a, b cost) int { return strings.Compare(a.currency, b.currency) })
		for i, c := range s.costs {
			if i > 0 {
				first := row
				dst = oneMore(dst)
				row = &dst[len(dst)-1]
				*row = *first
				row.Sums = fact.Sums{}
			}
			row.Currency = c.currency
			row.Sums[fact.HoldCost], row.Sums[fact.EnergyCost] = c.hold, c.energy
			row.Sums[fact.CostIntervals] = c.holdIntervals + c.energyIntervals
			totals.RowMoney += c.hold + c.energy
		}
	}
	return dst
}

// oneMore makes room for a row, which is some 600 bytes: it is written in its place,
// and what there are is copied seldom.
func oneMore(rows []fact.Row) []fact.Row {
	if len(rows) == cap(rows) {
		rows = slices.Grow(rows, max(len(rows)/2, 16))
	}
	return rows[:len(rows)+1]
}

// describe fills in a row's identity and dimensions.
func (s *sum) describe(row *fact.Row, n *Node, placements []Placement) {
	a := &n.Attributes
	row.Provider, row.Region, row.Zone, row.InstanceType, row.Cluster = a.Provider, a.Region, a.Zone, a.InstanceType, a.Cluster
	row.State = s.state.String()
	if s.slot >= 0 {
		d := n.meters[n.accelerators[s.slot]]
		row.Device, row.DeviceKind, row.DeviceModel = d.ID, d.Kind.String(), d.Model
	}
	if s.placement >= 0 {
		p := placements[s.placement]
		row.Placement, row.Manager, row.Workload, row.WorkloadKind = p.ID, p.Manager.String(), p.Workload, p.Kind
		row.Tenant, row.Team = p.Tenant, p.Team
	}
}
