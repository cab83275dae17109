package engine

import (
	"slices"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Past computes the windows of one stretch of time from all events, however
// late they came. It is what a correction is made of: its rows less those that
// were written.
//
// It is an Engine that judges nothing late and closes nothing. Rates, inventory
// and placements come first, all of them, in the order of their offsets, then
// samples. Of these it keeps what the stretch needs: readings up to the margin
// before and after it, and of power limits and energy counters the last one
// before that: the limit still holds, and a counter that hangs says nothing as
// long as it repeats it. A seal says nothing about windows that are older than
// the horizon.
type Past struct {
	engine  *Engine
	horizon int64
	lo, hi  int64 // readings of [lo, hi] are kept
	clocks  map[string]*clock
	before  map[seriesKey]lastReading
	clipped record.SampleBatch
	kept    int

	first, last int64 // times of all readings, also those that are not kept; never: there are none
}

type seriesKey struct {
	node, device string
	metric       telemetry.Metric
}

type lastReading struct{ at, value int64 }

// NewPast makes a Past of the windows of [from, to). The configuration must be
// valid.
func NewPast(cfg Config, from, to int64) *Past {
	p := &Past{
		engine: New(cfg), horizon: cfg.Horizon.Nanoseconds(), lo: from - cfg.Margin(), hi: to + cfg.Margin(),
		clocks: map[string]*clock{}, before: map[seriesKey]lastReading{}, first: never, last: never,
	}
	p.engine.cfg.horizon = 1 << 62 // nothing is late
	return p
}

// Margin is how far outside a window readings lie on which its figures depend,
// in ns: a counter segment, at the ends of which power may tell what a bridge is
// due, of which the reading beyond and the one beyond that say whether it is
// held.
func (c Config) Margin() int64 {
	return (c.MaxSilence + 2*c.MaxGap + c.Hold + c.Window).Nanoseconds()
}

// ApplyRate publishes a rate.
func (p *Past) ApplyRate(r *telemetry.Rate) { p.engine.ApplyRate(r) }

// ApplyDevice takes a row of the inventory.
func (p *Past) ApplyDevice(d *telemetry.Device) { p.engine.ApplyDevice(d) }

// ApplyPlacement takes a version of a placement.
func (p *Past) ApplyPlacement(d *telemetry.Placement) { p.engine.ApplyPlacement(d) }

// ApplySamples takes a record of readings.
func (p *Past) ApplySamples(b *record.SampleBatch) {
	n := p.engine.nodes[b.Node]
	if n == nil || !n.known() {
		return
	}
	p.hear(n, b)
	for i := range b.Series {
		if m := b.Series[i].Metric; m == telemetry.PowerLimit || m == telemetry.EnergyJoules {
			p.noteBefore(n, b, &b.Series[i])
		}
	}
	clipped := p.clip(b)
	for i := range clipped.Series {
		p.kept += clipped.Series[i].Values.Len()
	}
	if len(clipped.Series) > 0 {
		p.engine.ApplySamples(clipped)
	}
}

// Kept is how many readings are in memory.
func (p *Past) Kept() int { return p.kept }

// Span returns the first and the last time of all readings, also of those that
// are not kept; ok is false if there are none.
func (p *Past) Span() (first, last int64, ok bool) { return p.first, p.last, p.first != never }

// hear moves the node's clock by all readings, also those that are not kept.
func (p *Past) hear(n *node, b *record.SampleBatch) {
	newest := int64(never)
	for _, axis := range b.Axes {
		for _, t := range axis {
			if telemetry.CheckTime(t, b.TakenIn, p.engine.cfg.maxFutureSkew) != telemetry.Accepted {
				continue
			}
			newest = max(newest, t)
			if p.first == never || t < p.first {
				p.first = t
			}
		}
	}
	if newest == never {
		return
	}
	p.last = max(p.last, newest)
	c := p.clocks[n.id]
	if c == nil {
		c = &clock{newest: never, ahead: never}
		p.clocks[n.id] = c
	}
	c.moves(newest, false)
}

// noteBefore keeps a series' last reading before what is kept of all readings.
func (p *Past) noteBefore(n *node, b *record.SampleBatch, c *record.SeriesColumn) {
	target, reason := n.target(c)
	if reason != telemetry.Accepted {
		return
	}
	key := seriesKey{n.id, c.Device, c.Metric}
	for i, at := range b.Axes[c.Axis] {
		v := c.Values.At(i)
		if at >= p.lo || telemetry.CheckTime(at, b.TakenIn, p.engine.cfg.maxFutureSkew) != telemetry.Accepted ||
			telemetry.CheckValue(c.Metric, target.kind, v) != telemetry.Accepted {
			continue
		}
		if known, ok := p.before[key]; !ok || at > known.at || at == known.at && v > known.value {
			p.before[key] = lastReading{at, v}
		}
	}
}

// clip returns the part of a record that lies in [lo, hi].
func (p *Past) clip(b *record.SampleBatch) *record.SampleBatch {
	out := &p.clipped
	out.Node, out.TakenIn = b.Node, b.TakenIn
	out.Axes, out.Series = append(out.Axes[:0], b.Axes...), out.Series[:0]
	outside := func(t int64) bool { return t < p.lo || t > p.hi }
	cut := make([]bool, len(b.Axes))
	for i, axis := range b.Axes {
		if cut[i] = slices.ContainsFunc(axis, outside); cut[i] {
			out.Axes[i] = slices.DeleteFunc(slices.Clone(axis), outside)
		}
	}
	for _, c := range b.Series {
		if len(out.Axes[c.Axis]) == 0 {
			continue
		}
		if cut[c.Axis] {
			var values []int64
			for i, t := range b.Axes[c.Axis] {
				if !outside(t) {
					values = append(values, c.Values.At(i))
				}
			}
			c.Values = record.ColumnOf(values...)
		}
		out.Series = append(out.Series, c)
	}
	return out
}

// Until is the end of a node's windows that the past can speak of: what comes
// after it an event inside the horizon can still change, so it is not for a
// correction. It is nothing, the smallest time, for a node without readings.
func (p *Past) Until(node string) int64 {
	c := p.clocks[node]
	if c == nil {
		return never
	}
	return p.engine.floor(c.watermark(&p.engine.cfg) - p.horizon)
}

// Rows returns the rows of the windows of [from, to), window edges inside the
// past's stretch, each node's up to Until, and what conservation leaves over:
// energy, money and time, always 0. No samples may come after it.
func (p *Past) Rows(from, to int64) (rows []fact.Row, residual [3]int64) {
	p.applyBefore()
	t := attribution.Totals{}
	for _, id := range sortedKeys(p.engine.nodes) {
		n := p.engine.nodes[id]
		end := min(to, p.Until(id))
		if !n.known() || end <= from {
			continue
		}
		n.frontier = max(n.frontier, end)
		rows = p.engine.rows(rows, n, from, end, &t)
	}
	return rows, [3]int64{t.MeterEnergy - t.RowEnergy, t.OwedMoney - t.RowMoney, t.PresenceTime - t.RowTime}
}

func (p *Past) applyBefore() {
	for key, l := range p.before {
		p.engine.ApplySamples(&record.SampleBatch{
			Node: key.node, TakenIn: telemetry.MaxTime, Axes: [][]int64{{l.at}},
			Series: []record.SeriesColumn{{Device: key.device, Metric: key.metric, Values: record.ColumnOf(l.value)}},
		})
	}
	clear(p.before)
}

// Difference returns what must be added to the rows that were written so that
// they add up to those that are right, as rows of a correction in their order.
// Rows of one key and description must be added up on both sides.
func Difference(right, written []fact.Row) []fact.Row {
	rows := difference(slices.Clone(right), 0, written, fact.ReasonReconciled)
	new(rowOrder).sort(rows)
	return rows
}
