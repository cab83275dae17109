package replay

import (
	"math"
	"slices"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/replay"
)

// Bounds of a batch.
const (
	maxBatchSpan     = int64(10 * time.Second)
	maxBatchReadings = 8192
	maxBatchBytes    = 512 << 10
	// maxBatchBack is how much older than its batch's newest reading a reading
	// may be. The processor judges a record's lateness before it moves the
	// watermark by it, and allows 15 minutes: one that follows a much newer
	// reading must not hide in its record.
	maxBatchBack = int64(10 * time.Minute)

	bytesOfReading = 10 + 8 // at most: a step of its axis and an offset
	bytesOfSeries  = 64     // besides the device's name: an axis, a base, a scale
)

// packer collects readings into batches of one node each. flush is called with
// each batch that is complete; the batch is valid during the call only.
type packer struct {
	nodes   []*nodeBatch // by replay.Series.NodeIndex
	columns []*column    // by replay.Series.Index
	batch   record.SampleBatch
	offsets []byte // of the batch's columns
	flush   func(b *record.SampleBatch, newest int64) error
}

// nodeBatch is the readings of a node that wait for company.
type nodeBatch struct {
	node     string
	columns  []*column // in the order of their first readings
	readings int
	bytes    int
	first    int64 // time of the first reading, which is where the span begins
	newest   int64
}

type column struct {
	series *replay.Series
	times  []int64
	values []int64
}

// add takes a reading. Readings that come before the batch's first one in time
// stay in it: two meters of which one lags behind must not tear it apart.
func (p *packer) add(s *replay.Series, t, value int64) error {
	b := p.nodeOf(s)
	if b.readings > 0 && (t >= b.first+maxBatchSpan || t < b.newest-maxBatchBack || b.readings >= maxBatchReadings ||
		b.bytes+bytesOfReading+bytesOfSeries+len(s.Device) > maxBatchBytes) {
		if err := p.flushNode(b); err != nil {
			return err
		}
	}
	if b.readings == 0 {
		b.first, b.newest = t, math.MinInt64
	}
	c := p.columns[s.Index]
	if len(c.times) == 0 {
		b.columns = append(b.columns, c)
		b.bytes += bytesOfSeries + len(s.Device)
	}
	c.times = append(c.times, t)
	c.values = append(c.values, value)
	b.readings++
	b.bytes += bytesOfReading
	b.newest = max(b.newest, t)
	return nil
}

func (p *packer) nodeOf(s *replay.Series) *nodeBatch {
	for len(p.columns) <= s.Index {
		p.columns = append(p.columns, nil)
	}
	if p.columns[s.Index] == nil {
		p.columns[s.Index] = &column{series: s}
	}
	for len(p.nodes) <= s.NodeIndex {
		p.nodes = append(p.nodes, nil)
	}
	if p.nodes[s.NodeIndex] == nil {
		p.nodes[s.NodeIndex] = &nodeBatch{node: s.Node}
	}
	return p.nodes[s.NodeIndex]
}

// flushAll completes all batches, node by node in the order of their first
// readings in the file.
func (p *packer) flushAll() error {
	for _, b := range p.nodes {
		if b != nil && b.readings > 0 {
			if err := p.flushNode(b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *packer) flushNode(b *nodeBatch) error {
	out := &p.batch
	out.Node, out.Axes, out.Series = b.node, out.Axes[:0], out.Series[:0]
	p.offsets = p.offsets[:0]
	for _, c := range b.columns {
		column := record.SeriesColumn{Device: c.series.Device, Metric: c.series.Metric, Axis: shareAxis(&out.Axes, c.times)}
		column.Values, p.offsets = record.PackColumn(p.offsets, c.values)
		out.Series = append(out.Series, column)
	}
	err := p.flush(out, b.newest)
	for _, c := range b.columns {
		c.times, c.values = c.times[:0], c.values[:0]
	}
	b.columns, b.readings, b.bytes = b.columns[:0], 0, 0
	return err
}

// lookback bounds the search for an equal axis: the series of one device stand
// together, so it is found at once or not at all.
const lookback = 16

// shareAxis returns the number of an axis that is times, a new one if need be.
func shareAxis(axes *[][]int64, times []int64) int {
	for i := len(*axes) - 1; i >= max(0, len(*axes)-lookback); i-- {
		if slices.Equal((*axes)[i], times) {
			return i
		}
	}
	*axes = append(*axes, times)
	return len(*axes) - 1
}
