package engine

import (
	"strings"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// target is where the readings of a column go.
type target struct {
	kind    telemetry.Kind
	metric  telemetry.Metric
	counts  bool          // series is a counter of anything else than energy
	brief   bool          // it is not kept, nor is the axis
	most    int64         // what a reading may be
	series  *meter.Series // nil: shows presence only
	counter *meter.Meter  // of energy series: the meter, whose rungs depend on each other
	axis    *axis         // that the series was on last
}

// column is the target of a record's column, kept because the next record of
// the node most often has the same columns.
type column struct {
	device string
	target
}

// layout is the targets of a record's columns.
type layout struct {
	id      uint64 // record.SampleBatch.Layout if they are the targets of all its columns; 0: look at each
	columns []column
}

// maxColumns bounds what a node keeps of them.
const maxColumns = 1024

// targetOf finds the series of column i of a record. The result is valid until the next
// call.
func (n *node) targetOf(b *record.SampleBatch, i int) (*target, telemetry.Reason) {
	if n.layout.id == b.Layout && b.Layout != 0 {
		return &n.layout.columns[i].target, telemetry.Accepted
	}
	return n.findTarget(b, i)
}

func (n *node) findTarget(b *record.SampleBatch, i int) (*target, telemetry.Reason) {
	l, c := &n.layout, &b.Series[i]
	if i < len(l.columns) {
		if k := &l.columns[i]; k.metric == c.Metric && k.device == c.Device {
			return &k.target, telemetry.Accepted
		}
		*l = layout{columns: l.columns[:i]}
	}
	t, reason := n.target(c)
	if reason != telemetry.Accepted {
		return nil, reason
	}
	if i > len(l.columns) || i >= maxColumns {
		t.brief = true
		return &t, telemetry.Accepted // of the columns before it, one was refused
	}
	if l.columns == nil {
		l.columns = make([]column, 0, min(len(b.Series), maxColumns))
	}
	l.columns = append(l.columns, column{device: c.Device, target: t})
	return &l.columns[i].target, telemetry.Accepted
}

// maxNames bounds how many D/P of a node there are series of at a time: any name
// can be sent.
const maxNames = 65_536

// target finds the series of a column. A device D/P is the activity of
// placement P on D.
func (n *node) target(c *record.SeriesColumn) (target, telemetry.Reason) {
	if !c.Metric.Known() {
		return target{}, telemetry.UnknownMetric
	}
	if d, ok := n.devices[c.Device]; ok {
		return n.deviceTarget(d, c.Metric), telemetry.Accepted
	}
	card, _, ok := strings.Cut(c.Device, "/")
	d, known := n.devices[card]
	if !ok || !known {
		return target{}, telemetry.UnknownDevice
	}
	if n.activity[c.Device] == nil && n.counters[c.Device] == nil && len(n.activity)+len(n.counters) >= maxNames {
		return target{}, telemetry.TooLarge
	}
	t := target{kind: d.Kind, metric: c.Metric, most: telemetry.MaxValue(c.Metric, d.Kind)}
	switch c.Metric {
	case telemetry.SMActive, telemetry.GraphicsEngineActive, telemetry.GPUUtil:
		busy := n.activity[c.Device]
		if busy == nil {
			busy = &meter.Busy{}
			n.activity[c.Device] = busy
		}
		t.series = busySeries(busy, c.Metric)
	case telemetry.ThrottleSeconds, telemetry.XIDErrors: // of devices alone
	default:
		t.series, t.counts = n.counterSeries(c.Device, c.Metric)
	}
	return t, telemetry.Accepted
}

// deviceTarget returns the series of a device. What an instance reports of
// energy repeats its card's and shows presence only.
func (n *node) deviceTarget(d *attribution.Device, m telemetry.Metric) target {
	t := target{kind: d.Kind, metric: m, most: telemetry.MaxValue(m, d.Kind)}
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
	if t.series == nil && m != telemetry.CPUSeconds && m != telemetry.MemoryUsed { // these are of placements alone
		t.series, t.counts = n.counterSeries(d.ID, m)
	}
	return t
}

// counts are what the metrics of meter.Counters count.
var counts = map[telemetry.Metric]meter.Count{
	telemetry.ThrottleSeconds: meter.ThrottleTime, telemetry.XIDErrors: meter.XIDErrors, telemetry.TokensInput: meter.InputTokens,
	telemetry.TokensOutput: meter.OutputTokens, telemetry.Requests: meter.Requests, telemetry.CPUSeconds: meter.CPUTime, telemetry.MemoryUsed: meter.Memory,
}

// counterSeries returns the series of what a device or placement counts (or, of
// memory, uses), nil for a metric that nothing depends on.
func (n *node) counterSeries(key string, m telemetry.Metric) (s *meter.Series, isCounter bool) {
	k, ok := counts[m]
	if !ok {
		return nil, false
	}
	return &n.countersOf(key)[k], k != meter.Memory
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
