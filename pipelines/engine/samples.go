package engine

import (
	"slices"
	"strings"
	"time"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// jump is how far one record alone can move a watermark ahead.
const jump = int64(time.Hour)

// columnBuffer holds the accepted readings of a column that has others. Columns
// go from hand to hand as two slices: as a struct, which is copied by 16 bytes
// right after it was written by 8, each waited until all earlier writes had
// reached the cache, a seventh of all time.
type columnBuffer struct {
	times, values []int64
}

// axisState is what is known of one axis of the record at hand.
type axisState struct {
	sound bool // its times rise, and none is refused
	seen  bool // they are in the node's islands
}

// ApplySamples takes a record of readings. Lateness is judged against the
// watermark before it.
func (e *Engine) ApplySamples(b *record.SampleBatch) {
	n := e.nodes[b.Node]
	if n == nil || !n.known() {
		e.refuse(telemetry.UnknownNode, b.Node, "readings of a node without an inventory row", uint64(b.Readings()), 0, 0)
		return
	}
	e.mention(n)
	n.heard = e.partition
	e.fresh = false
	oldest := int64(never)
	if w := n.watermark(&e.cfg); w != never {
		oldest = w - e.cfg.horizon
	}
	e.judgeAxes(b, oldest)
	newest := int64(never)
	for i := range b.Series {
		c := &b.Series[i]
		target, reason := n.targetOf(i, c)
		if reason != telemetry.Accepted {
			e.refuse(reason, n.id, c.Device+" "+c.Metric.String(), uint64(len(c.Values)), 0, 0)
			continue
		}
		newest = max(newest, e.applyColumn(n, b, c, target, oldest))
	}
	if newest != never {
		e.advance(n, newest)
	}
}

// judgeAxes looks at each axis once for all columns over it.
func (e *Engine) judgeAxes(b *record.SampleBatch, oldest int64) {
	e.axes = e.axes[:0]
	for _, axis := range b.Axes {
		k := len(axis) - 1
		sound := k >= 0 && axis[0] >= oldest &&
			telemetry.CheckTime(axis[0], b.TakenIn, e.cfg.maxFutureSkew) == telemetry.Accepted &&
			telemetry.CheckTime(axis[k], b.TakenIn, e.cfg.maxFutureSkew) == telemetry.Accepted
		for i := 0; i < k && sound; i++ {
			sound = axis[i] < axis[i+1]
		}
		e.axes = append(e.axes, axisState{sound: sound})
	}
}

// applyColumn takes the readings of one series and returns the largest of
// their times that was accepted, never if none was.
func (e *Engine) applyColumn(n *node, b *record.SampleBatch, c *record.SeriesColumn, target *target, oldest int64) int64 {
	times, values := b.Axes[c.Axis], c.Values
	axis := &e.axes[c.Axis]
	whole := axis.sound && telemetry.CheckValues(c.Metric, target.kind, c.Values) == telemetry.Accepted
	if !whole {
		times, values = e.sift(n, b, c, target, oldest)
	}
	if len(times) == 0 {
		return never
	}
	if !whole || !axis.seen {
		for _, t := range times {
			e.see(n, t)
		}
		axis.seen = axis.seen || whole
	}
	e.result.Readings += uint64(len(times))
	if target.series != nil {
		e.store(n, target, times, values)
	}
	newest := times[len(times)-1]
	if !whole {
		newest = slices.Max(times)
	}
	return newest
}

// sift returns the readings of a column that are accepted and refuses the
// others.
func (e *Engine) sift(n *node, b *record.SampleBatch, c *record.SeriesColumn, target *target, oldest int64) (times, values []int64) {
	buf := &e.batch
	buf.times, buf.values = buf.times[:0], buf.values[:0]
	for i, t := range b.Axes[c.Axis] {
		v := c.Values[i]
		r := telemetry.CheckValue(c.Metric, target.kind, v)
		if r == telemetry.Accepted {
			r = telemetry.CheckTime(t, b.TakenIn, e.cfg.maxFutureSkew)
		}
		if r == telemetry.Accepted && t < oldest {
			r = telemetry.Late
		}
		if r != telemetry.Accepted {
			e.refuse(r, n.id, c.Device+" "+c.Metric.String(), 1, t, t)
			continue
		}
		buf.times, buf.values = append(buf.times, t), append(buf.values, v)
	}
	return buf.times, buf.values
}

// target is where the readings of a column go.
type target struct {
	kind    telemetry.Kind
	metric  telemetry.Metric
	series  *meter.Series // nil: shows presence only
	counter *meter.Meter  // of energy series: the meter, whose rungs depend on each other
}

// column is the target of a record's column, kept because the next record of
// the node most often has the same columns.
type column struct {
	device string
	target
}

// maxColumns bounds what a node keeps of them.
const maxColumns = 1024

// targetOf finds the series of a record's column i. The result is valid until
// the next call.
func (n *node) targetOf(i int, c *record.SeriesColumn) (*target, telemetry.Reason) {
	if i < len(n.columns) {
		if k := &n.columns[i]; k.metric == c.Metric && k.device == c.Device {
			return &k.target, telemetry.Accepted
		}
		n.columns = n.columns[:i]
	}
	t, reason := n.target(c)
	if reason != telemetry.Accepted {
		return nil, reason
	}
	if i > len(n.columns) || i >= maxColumns {
		return &t, telemetry.Accepted // of the columns before it, one was refused
	}
	n.columns = append(n.columns, column{device: c.Device, target: t})
	return &n.columns[i].target, telemetry.Accepted
}

// target finds the series of a column. A device D/P is the activity of
// placement P on D.
func (n *node) target(c *record.SeriesColumn) (target, telemetry.Reason) {
	if !c.Metric.Known() {
		return target{}, telemetry.UnknownMetric
	}
	if d, ok := n.devices[c.Device]; ok {
		return deviceTarget(d, c.Metric), telemetry.Accepted
	}
	card, _, ok := strings.Cut(c.Device, "/")
	d, known := n.devices[card]
	if !ok || !known {
		return target{}, telemetry.UnknownDevice
	}
	t := target{kind: d.Kind, metric: c.Metric}
	switch c.Metric {
	case telemetry.SMActive, telemetry.GraphicsEngineActive, telemetry.GPUUtil:
		busy := n.activity[c.Device]
		if busy == nil {
			busy = &meter.Busy{}
			n.activity[c.Device] = busy
		}
		t.series = busySeries(busy, c.Metric)
	}
	return t, telemetry.Accepted
}

// deviceTarget returns the series of a device. What an instance reports of
// energy repeats its card's and shows presence only.
func deviceTarget(d *attribution.Device, m telemetry.Metric) target {
	t := target{kind: d.Kind, metric: m}
	if d.Kind != telemetry.KindMIG {
		switch m {
		case telemetry.EnergyJoules:
			t.series, t.counter = &d.Readings.Counter, &d.Readings
		case telemetry.PowerWatts:
			t.series, t.counter = &d.Readings.Power, &d.Readings
		case telemetry.PowerLimit:
			t.series, t.counter = &d.Readings.Limit, &d.Readings
		}
	}
	if t.series == nil {
		t.series = busySeries(&d.Busy, m)
	}
	return t
}

func busySeries(b *meter.Busy, m telemetry.Metric) *meter.Series {
	switch m {
	case telemetry.SMActive:
		return &b.SMActive
	case telemetry.GraphicsEngineActive:
		return &b.GraphicsEngineActive
	case telemetry.GPUUtil:
		return &b.GPUUtil
	}
	return nil
}

// store adds accepted readings to their series, touching what they change.
func (e *Engine) store(n *node, t *target, times, values []int64) {
	if last, ok := t.series.Last(); (!ok || last < times[0]) && t.metric != telemetry.PowerLimit && rising(times) {
		// Readings at the end, as almost all are: where one reaches back to, none
		// after it reaches further.
		e.fresh = true
		e.touchFrom(n, t, times[0], values[0])
		t.series.Times = append(t.series.Times, times...)
		t.series.Values = append(t.series.Values, values...)
		return
	}
	n.need(slices.Min(times) - 1)
	for i, at := range times {
		known, changes := t.series.Would(at, values[i])
		if known {
			e.result.Duplicates++
		}
		if !changes {
			continue
		}
		e.fresh = true
		e.touchFrom(n, t, at, values[i])
		t.series.Add(at, values[i])
	}
}

func rising(times []int64) bool {
	for i := 1; i < len(times); i++ {
		if times[i-1] >= times[i] {
			return false
		}
	}
	return true
}

// touchFrom touches what a new reading may change.
func (e *Engine) touchFrom(n *node, t *target, at, v int64) {
	if n.emitted == never {
		return
	}
	if from := e.reach(n, t, at, v); from < n.emitted {
		e.touch(n, from)
	}
}

// reach returns from when on a reading at time at may change figures.
func (e *Engine) reach(n *node, t *target, at, v int64) int64 {
	n.need(at - 1)
	switch {
	case t.counter == nil: // a ratio: its segments
		return e.reachGauge(t.series, at, 0)
	case t.metric == telemetry.EnergyJoules:
		return e.reachCounter(t.series, at)
	case t.metric == telemetry.PowerWatts:
		from := e.reachGauge(t.series, at, e.cfg.hold)
		n.need(from - 1)
		// What power gives inside a bridge or a reset changes all of it.
		return min(from, e.reachCounter(&t.counter.Counter, from))
	}
	// A limit decides on the counter segments that end after it.
	if i := t.series.Before(at); i >= 0 && i == t.series.Len()-1 && t.series.Values[i] == v {
		return at
	}
	return e.reachCounter(&t.counter.Counter, at)
}

// reachGauge returns the start of the segment that a reading at time at ends
// or splits, less the hold of a run that it may begin or prolong.
func (e *Engine) reachGauge(s *meter.Series, at, hold int64) int64 {
	if i := s.Before(at - 1); i >= 0 && at-s.Times[i] <= e.cfg.maxGap {
		return s.Times[i] - hold
	}
	return at - hold
}

// reachCounter returns the start of the counter segment over time at.
func (e *Engine) reachCounter(s *meter.Series, at int64) int64 {
	if i := s.KeptBefore(at - 1); i >= 0 && at-s.Times[i] <= e.cfg.maxSilence {
		return s.Times[i]
	}
	// What a longer segment says counts where it ends, which on an edge is in
	// the window before.
	return at - 1
}

// see joins a reading's time to the node's islands.
func (e *Engine) see(n *node, t int64) {
	n.lastReading = max(n.lastReading, t)
	k := len(n.islands) - 1
	for k >= 0 && n.islands[k].From > t {
		k--
	}
	if k >= 0 && t <= n.islands[k].To {
		return
	}
	joins := k >= 0 && t-n.islands[k].To <= e.cfg.maxSilence
	from := t - e.cfg.maxSilence
	if joins {
		from = n.islands[k].To
	}
	if n.emitted != never && from < n.emitted {
		e.touch(n, from)
	}
	n.islands = joinIslands(n.islands, k, joins, t, e.cfg.maxSilence)
}

// joinIslands adds time t behind island k, joining neighbours within limit.
func joinIslands(all []attribution.Interval, k int, joins bool, t, limit int64) []attribution.Interval {
	if joins {
		all[k].To = t
	} else {
		k++
		all = append(all, attribution.Interval{})
		copy(all[k+1:], all[k:])
		all[k] = attribution.Interval{From: t, To: t}
	}
	if k+1 < len(all) && all[k+1].From-all[k].To <= limit {
		all[k].To = all[k+1].To
		all = append(all[:k+1], all[k+2:]...)
	}
	return all
}

// advance moves the node's watermark, closes what it has passed and moves the
// partition's time.
func (e *Engine) advance(n *node, newest int64) {
	if !n.moves(newest, e.fresh) {
		return
	}
	w := n.watermark(&e.cfg)
	e.moveFrontier(n, w)
	n.closeTo = max(n.closeTo, e.floor(w))
	if w > e.partition {
		e.partition = w
	}
	n.heard = e.partition
}

// moves takes the largest reading time of a record into the node's own, and
// reports whether that moved.
func (c *clock) moves(newest int64, fresh bool) bool {
	switch {
	case c.newest == never:
		c.newest = newest
	case newest <= c.newest:
		c.ahead = never
		return false
	case newest-c.newest <= jump:
		c.newest, c.ahead = newest, never
	case c.ahead == never:
		c.ahead = newest
		return false
	case newest == c.ahead && !fresh:
		return false // the same record once more confirms nothing
	default:
		c.newest, c.ahead = min(newest, c.ahead), never
	}
	return true
}

// moveFrontier moves the end of placements that have none.
func (e *Engine) moveFrontier(n *node, to int64) {
	if to <= n.frontier {
		return
	}
	if n.frontier < n.emitted && n.holdsOpen() {
		e.touch(n, n.frontier)
	}
	n.frontier = to
}

func (n *node) holdsOpen() bool {
	for _, versions := range n.placements {
		if slices.ContainsFunc(versions, (*telemetry.Placement).Open) {
			return true
		}
	}
	return false
}
