package attribution

import (
	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/unit"
)

// Thresholds decide on the states of accelerators.
type Thresholds struct {
	Idle, Underused, Throttled, FaultUtil unit.Ratio
	// FaultPower is how many times its idle power a card draws that cannot be idle.
	FaultPower unit.Ratio
}

// state is what a piece of an accelerator is in during an interval.
type state uint8

const (
	stateless state = iota // of a node without accelerators
	dark
	unallocated
	fault
	betweenRequests
	allocatedIdle
	throttled
	underused
	active
)

var stateNames = [...]string{
	stateless: "", dark: fact.StateDark, unallocated: fact.StateUnallocated, fault: fact.StateFault,
	betweenRequests: fact.StateHeldBetweenRequests, allocatedIdle: fact.StateAllocatedIdle,
	throttled: fact.StateThrottled, underused: fact.StateUnderused, active: fact.StateActive,
}

func (s state) String() string { return stateNames[s] }

// below reports part/whole < r; nothing is below where there is no whole.
func below(part, whole int64, r unit.Ratio) bool {
	return whole > 0 && exact.Mul(uint64(part), uint64(unit.One)).Less(exact.Mul(uint64(whole), uint64(r)))
}

// judge finds the states of the pieces of interval i, whose busy and known
// times are there. Definition: docs/methodology.md, "States".
func (c *Calculator) judge(n *Node, l *lines, placements []Placement, i int) {
	for slot := range n.accelerators {
		pieces := c.of(slot)
		idlePower, _ := at(l.accelerator[slot].idle, c.intervals[i].from)
		watts := int64(0)
		if idlePower != nil {
			watts = idlePower.Value
		}
		card := c.card(n, slot, i, watts)
		for k := range pieces {
			pieces[k].state = c.stateOf(&pieces[k], &card, placements, slot, i)
		}
	}
}

// card is what an accelerator shows in an interval, whoever holds it.
type card struct {
	dark, fault bool
	powerJudges bool // idle power and energy are known
	high        bool // its power is too high to be idle
	slowed      bool // by power or heat, for a good part of the interval
}

func (c *Calculator) card(n *Node, slot, i int, watts int64) card {
	m, b := n.accelerators[slot], &c.busy[slot]
	e := &c.energy[m]
	k := card{dark: e.seen[i] == 0 && b.known[i] == 0, powerJudges: watts > 0 && e.seen[i] > 0}
	if k.powerJudges {
		drawn := exact.Mul(uint64(e.read[i]-e.modelled[i]), 1_000_000_000).MulSmall(uint64(unit.One))
		k.high = !drawn.Less(exact.Mul(uint64(watts), uint64(c.Thresholds.FaultPower)).MulSmall(uint64(e.seen[i])))
	}
	if below(b.busy[i], b.known[i], c.Thresholds.Idle) {
		k.fault = k.high || c.utilised(n, m, i)
	}
	length := c.intervals[i].to - c.intervals[i].from
	for j := range c.counts {
		if one := &c.counts[j]; one.own && one.device == n.meters[m].ID {
			k.fault = k.fault || one.of[meter.XIDErrors].rises != nil && one.of[meter.XIDErrors].rises[i]
			if s := &one.of[meter.ThrottleTime]; s.covered != nil && s.covered[i] > 0 {
				k.slowed = !below(s.amount[i], length, c.Thresholds.Throttled)
			}
		}
	}
	return k
}

// utilised reports whether kernels ran on a card, by a metric that profiling
// cannot silence.
func (c *Calculator) utilised(n *Node, m, i int) bool {
	s := &n.meters[m].Busy.GPUUtil
	if s.Len() < 2 {
		return false
	}
	b := c.utilOf(s)
	return b.known[i] > 0 && !below(b.busy[i], b.known[i], c.Thresholds.FaultUtil)
}

// utilOf reads gpu_util_ratio alone over the intervals at hand, once a call.
func (c *Calculator) utilOf(s *meter.Series) *busyTime {
	if b, ok := c.utils[s]; ok {
		return b
	}
	b := c.readBusy(&meter.Busy{GPUUtil: *s})
	if c.utils == nil {
		c.utils = map[*meter.Series]*busyTime{}
	}
	c.utils[s] = b
	return b
}

func (c *Calculator) stateOf(p *piece, k *card, placements []Placement, slot, i int) state {
	switch {
	case k.dark && p.known == 0:
		return dark
	case p.placement == nobody:
		return unallocated
	case k.fault:
		return fault
	}
	idle := below(p.busy, p.known, c.Thresholds.Idle)
	if p.known == 0 {
		idle = k.powerJudges && !k.high
	}
	switch {
	case idle && c.serves(placements[p.placement].ID, i):
		return betweenRequests
	case idle:
		return allocatedIdle
	case p.known > 0 && k.slowed:
		return throttled
	case below(p.busy, p.known, c.Thresholds.Underused):
		return underused
	}
	return active
}

// serves reports whether a placement says, in interval i, how many requests it
// has finished.
func (c *Calculator) serves(placement string, i int) bool {
	for k := range c.counts {
		if s := &c.counts[k].of[meter.Requests]; !c.counts[k].own && c.counts[k].placement == placement && s.covered != nil && s.covered[i] > 0 {
			return true
		}
	}
	return false
}
