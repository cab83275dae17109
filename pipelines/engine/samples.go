package engine

import (
	"slices"

	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// columnBuffer holds the accepted readings of a column that has others, or of one
// that does not fit its series as it is.
type columnBuffer struct {
	times, values []int64
}

// axisState is what is known of one axis of the record at hand.
type axisState struct {
	times  []int64
	sound  bool   // they rise, there are some, and none is refused
	seen   bool   // they are in the node's islands
	id     uint64 // tells it from all others
	shared *axis  // the last one that has its times
	step   int64  // between the readings of the last power series that it goes on with
	steps  int    // of them that hold holds
}

// held returns how many steps hold holds. Power series of a record are alike, and need no
// division each.
func (a *axisState) held(step, hold int64) int {
	if a.step != step {
		a.step, a.steps = step, int(hold/step)
	}
	return a.steps
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
		t, reason := n.targetOf(b, i)
		if reason != telemetry.Accepted {
			e.refuse(reason, n.id, c.Device+" "+c.Metric.String(), uint64(c.Values.Len()), 0, 0)
			continue
		}
		if axis := &e.axes[c.Axis]; e.appendPlain(n, t, c, axis) {
			newest = max(newest, axis.times[len(axis.times)-1])
			continue
		}
		newest = max(newest, e.applyColumn(n, b, c, t, oldest))
	}
	if len(n.layout.columns) >= len(b.Series) { // none was refused
		n.layout.id = b.Layout
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
		e.axisID++
		e.axes = append(e.axes, axisState{times: axis, sound: sound, id: e.axisID})
	}
}

// applyColumn takes the readings of one series, whatever they are, and returns the largest of
// their times that was accepted, never if none was.
func (e *Engine) applyColumn(n *node, b *record.SampleBatch, c *record.SeriesColumn, target *target, oldest int64) int64 {
	axis := &e.axes[c.Axis]
	times, values := axis.times, []int64(nil)
	whole := axis.sound && c.Values.Within(0, target.most)
	if !whole {
		times, values = e.sift(n, b, c, target, oldest)
	}
	if len(times) == 0 {
		return never
	}
	e.seeAll(n, axis, times, whole)
	switch {
	case target.series == nil:
	case whole && e.atEnd(target, times[0]):
		e.append(n, target, axis, &c.Values)
	default:
		if whole {
			e.batch.values = c.Values.AppendTo(e.batch.values[:0])
			values = e.batch.values
		}
		e.insert(n, target, times, values)
	}
	newest := times[len(times)-1]
	if !whole {
		newest = slices.Max(times)
	}
	return newest
}

// appendPlain is what happens to almost every column: it is appended as it is, and
// changes nothing that is out. False: it is for others to take.
func (e *Engine) appendPlain(n *node, t *target, c *record.SeriesColumn, axis *axisState) bool {
	s := t.series
	if s == nil || !axis.sound || c.Values.Base < 0 || !e.atEnd(t, axis.times[0]) ||
		n.emitted != never && !e.harmless(n, t, axis) || !s.Values.Stage(&c.Values, t.most) {
		return false
	}
	e.seeAll(n, axis, axis.times, true)
	e.fresh = true
	t.extend(axis)
	s.Values.Commit(&c.Values)
	return true
}

// seeAll notes that readings were accepted; whole are all of their axis.
func (e *Engine) seeAll(n *node, axis *axisState, times []int64, whole bool) {
	if !whole || !axis.seen {
		for _, t := range times {
			e.see(n, t)
		}
		axis.seen = axis.seen || whole
	}
	e.result.Readings += uint64(len(times))
}

// sift returns the readings of a column that are accepted and refuses the
// others.
func (e *Engine) sift(n *node, b *record.SampleBatch, c *record.SeriesColumn, target *target, oldest int64) (times, values []int64) {
	buf := &e.batch
	buf.times, buf.values = buf.times[:0], buf.values[:0]
	for i, t := range b.Axes[c.Axis] {
		v := c.Values.At(i)
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

// atEnd reports whether readings from a time on come behind those of a series,
// as almost all do. Limits change figures of readings before them.
func (e *Engine) atEnd(t *target, first int64) bool {
	last, ok := t.series.Last()
	return (!ok || last < first) && t.metric != telemetry.PowerLimit
}

// append adds a column behind the readings of its series, touching what it
// changes: where its first reading reaches back to, none after it reaches further.
func (e *Engine) append(n *node, t *target, axis *axisState, values *record.Column) {
	e.fresh = true
	if n.emitted != never && !e.harmless(n, t, axis) {
		e.touchFrom(n, t, axis.times[0], values.At(0))
	}
	t.extend(axis)
	e.batch.values = values.AppendTo(e.batch.values[:0])
	t.series.Values.Append(e.batch.values)
}

// harmless reports whether readings behind those of a series certainly change
// nothing that is out. It looks at a few readings only, and is right in nearly
// all cases; reach says more. The answer is not kept for the next record: a late reading
// that repeats the one behind it makes that one count no longer, and the next one reach
// back behind it.
func (e *Engine) harmless(n *node, t *target, axis *axisState) bool {
	s := t.series
	k := len(s.Times) - 1
	switch {
	case k < 0:
		return false
	case t.counter == nil || t.counts: // they reach back to the one before
		return s.Times[k] >= n.emitted
	case t.metric == telemetry.EnergyJoules:
		return s.Times[k] >= n.emitted && (k == 0 || s.Values.Moves(k))
	case t.metric == telemetry.PowerWatts && k > 0 && s.Times[k] > s.Times[k-1]:
		// Any counter reading that has just changed and lies between will do: one
		// near the end, which is in the cache.
		c := &t.counter.Counter
		i := len(c.Times) - 2 - axis.held(s.Times[k]-s.Times[k-1], e.cfg.hold)
		return i > 0 && c.Times[i] >= n.emitted && c.Times[i] < s.Times[k]-e.cfg.hold && c.Values.Moves(i)
	}
	return false
}

// insert adds accepted readings to their series, touching what they change.
func (e *Engine) insert(n *node, t *target, times, values []int64) {
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
	case t.counts:
		return e.reachCount(t.series, at)
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
	if i := t.series.Before(at); i >= 0 && i == t.series.Len()-1 && t.series.Values.At(i) == v {
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

// reachCount returns the start of the segment of a counter other than energy's
// that a reading at time at ends or splits.
func (e *Engine) reachCount(s *meter.Series, at int64) int64 {
	if i := s.Before(at - 1); i >= 0 && at-s.Times[i] <= e.cfg.maxSilence {
		return s.Times[i]
	}
	return at
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
