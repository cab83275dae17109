package record

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// SampleBatch is many readings of one node. Number i of a series was read at
// Axes[series.Axis][i].
type SampleBatch struct {
	Node    string
	TakenIn int64     // when it entered the system, ns; bounds how far ahead its times may be
	Axes    [][]int64 // times, ns
	Series  []SeriesColumn
	// Layout tells which series there are and over which axis each is: two batches of one
	// Layout have the same at each place. 0 says nothing.
	Layout uint64
}

// SeriesColumn is the readings of one series over an axis of its batch.
type SeriesColumn struct {
	Device string
	Metric telemetry.Metric
	Axis   int
	Values Column // in the metric's unit
}

// Readings counts the readings of the batch.
func (s *SampleBatch) Readings() int {
	n := 0
	for i := range s.Series {
		n += s.Series[i].Values.Len()
	}
	return n
}

// Fields of a samples record beside its node, when it was taken in and its axes.
const (
	fieldSeries  = 4 // one by one, as they once were
	fieldDevice  = 5
	fieldArrays  = 6 // the first of them
	fieldOffsets = 11
)

// Arrays of varints of a record, by their field less fieldArrays. All but counts have
// an item a series.
const (
	arrayCounts = iota // series of each device
	arrayMetrics
	arrayAxes // none: all are the first
	arrayBases
	arrayScales
	numArrays
)

// Append encodes the batch: times of an axis as ticks from the one before, columns
// as they are.
func (s *SampleBatch) Append(b []byte) []byte {
	var scratch []int64
	var m []byte
	b = appendText(b, 1, s.Node)
	b = appendInt(b, 2, s.TakenIn)
	for _, axis := range s.Axes {
		tick := tickOf(axis)
		scratch = scratch[:0]
		for i, t := range axis {
			if i > 0 {
				scratch = append(scratch, (t-axis[i-1])/tick)
			}
		}
		m = m[:0]
		if len(axis) > 0 {
			m = appendInt(m, 1, axis[0])
			m = appendUint(m, 2, uint64(len(axis)))
			m = appendInt(m, 3, tick)
			m = appendSints(m, 4, scratch)
		}
		b = appendMessage(b, 3, m)
	}
	return s.appendSeries(b)
}

// appendSeries writes one array a field for all series. Devices stand once for the
// series of theirs that follow each other.
func (s *SampleBatch) appendSeries(b []byte) []byte {
	const few = 64 // series: more need memory beyond the stack
	counts, metrics, axes := make([]byte, 0, few), make([]byte, 0, few), make([]byte, 0, few)
	bases, scales := make([]byte, 0, 8*few), make([]byte, 0, 4*few)
	run, elsewhere := 0, false
	for i := range s.Series {
		c := &s.Series[i]
		metrics = binary.AppendUvarint(metrics, uint64(c.Metric))
		axes = binary.AppendUvarint(axes, uint64(c.Axis))
		bases = binary.AppendUvarint(bases, uint64(c.Values.Base))
		scales = binary.AppendUvarint(scales, max(c.Values.Scale, 1))
		elsewhere = elsewhere || c.Axis != 0
		run++
		if i+1 == len(s.Series) || s.Series[i+1].Device != c.Device {
			b = protowire.AppendString(protowire.AppendTag(b, fieldDevice, protowire.BytesType), c.Device)
			counts = binary.AppendUvarint(counts, uint64(run))
			run = 0
		}
	}
	if !elsewhere {
		axes = nil
	}
	b = appendArray(b, arrayCounts, counts)
	b = appendArray(b, arrayMetrics, metrics)
	b = appendArray(b, arrayAxes, axes)
	b = appendArray(b, arrayBases, bases)
	b = appendArray(b, arrayScales, scales)
	for i := range s.Series {
		b = appendMessage(b, fieldOffsets, s.Series[i].Values.Offsets)
	}
	return b
}

func appendArray(b []byte, array protowire.Number, content []byte) []byte {
	if len(content) == 0 {
		return b
	}
	return appendMessage(b, fieldArrays+array, content)
}

// tickOf returns the greatest power of 1000 up to a second that divides every
// step of the axis, so that steps of whole milliseconds take two bytes.
func tickOf(axis []int64) int64 {
	for tick := int64(1_000_000_000); tick > 1; tick /= 1000 {
		whole := true
		for i := 1; i < len(axis) && whole; i++ {
			whole = (axis[i]-axis[i-1])%tick == 0
		}
		if whole {
			return tick
		}
	}
	return 1
}
