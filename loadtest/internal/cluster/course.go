package cluster

import (
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// gauge is the running state of one accelerator, in the units of its metrics.
type gauge struct {
	power, energy, active int64
	random                uint64
}

// courses are the states of all accelerators, node after node.
type courses struct {
	load   Load
	gauges []gauge
}

func newCourses(l Load) *courses {
	c := &courses{load: l, gauges: make([]gauge, l.Accelerators)}
	for i := range c.gauges {
		g := &c.gauges[i]
		*g = gauge{power: 400_000_000, active: 500_000, random: mix(l.Seed<<32 ^ uint64(i))}
		g.energy = int64(g.draw(400_000_000)) * 1_000_000
	}
	return c
}

// mix spreads neighbouring seeds over all numbers (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return (x ^ x>>31) | 1 // xorshift stands still at 0
}

// draw returns a number below n; it is even enough for telemetry, and a
// generator of half a billion readings a second's worth has to be fast.
func (g *gauge) draw(n uint64) uint64 {
	x := g.random
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	g.random = x
	return (x >> 32) * n >> 32
}

// Samples hands out the records of all nodes over a length of time, slot after
// slot, then a seal for each node.
func (l Load) Samples(length time.Duration, emit func(topics.Entry)) {
	c := newCourses(l)
	var s scratch
	for slot := range l.Slots(length) {
		for n := range l.Nodes() {
			emit(c.record(n, slot, &s))
		}
	}
	for n := range l.Nodes() {
		seal := record.Seal{Node: NodeName(n), TakenIn: l.Start.Add(length).UnixNano()}
		emit(topics.Entry{Topic: record.Samples, Key: seal.Node, Kind: record.TypeSeal, Value: seal.Append(nil)})
	}
}

var metricOrder = [Metrics]telemetry.Metric{
	telemetry.PowerWatts, telemetry.EnergyJoules, telemetry.SMActive, telemetry.GPUUtil, telemetry.MemoryUsed,
}

// scratch is what building records needs again and again.
type scratch struct {
	batch   record.SampleBatch
	axis    []int64
	values  [Metrics][]int64
	offsets []byte
}

// record builds the record of a node's slot, and moves its accelerators.
func (c *courses) record(node, slot int, s *scratch) topics.Entry {
	l := c.load
	start := l.Start.Add(time.Duration(slot) * l.Slot()).UnixNano()
	s.axis = s.axis[:0]
	for at := time.Duration(0); at < l.Slot(); at += l.Interval {
		s.axis = append(s.axis, start+int64(at))
	}
	b := &s.batch
	b.Node, b.Axes, b.Series = NodeName(node), append(b.Axes[:0], s.axis), b.Series[:0]
	b.TakenIn = s.axis[len(s.axis)-1]
	s.offsets = s.offsets[:0]
	gauges := c.gauges[node*PerNode : node*PerNode+l.on(node)]
	for d := range gauges {
		for i := range s.values {
			s.values[i] = s.values[i][:0]
		}
		for range s.axis {
			for i, v := range gauges[d].advance(int64(l.Interval / time.Second)) {
				s.values[i] = append(s.values[i], v)
			}
		}
		for i, m := range metricOrder {
			column := record.SeriesColumn{Device: deviceNames[d], Metric: m}
			column.Values, s.offsets = record.PackColumn(s.offsets, s.values[i])
			b.Series = append(b.Series, column)
		}
	}
	return topics.Entry{Topic: record.Samples, Key: b.Node, Kind: record.TypeSamples, Value: b.Append(nil)}
}

// advance moves an accelerator by some seconds and reads it: utilisation wanders
// in steps of 10⁻⁴, power follows in mW, the counter adds the trapezoid in mJ.
func (g *gauge) advance(seconds int64) [Metrics]int64 {
	before := g.power
	g.active = min(990_000, max(10_000, g.active+int64(g.draw(401))*100-20_000))
	g.power = 70_000_000 + g.active/100*59_000 + int64(g.draw(801))*1000
	g.energy += (before + g.power) * seconds / 2000 * 1000
	return [Metrics]int64{g.power, g.energy, g.active, g.active / 10_000 * 10_000, (61_000 + g.active/1000*12) << 20}
}
