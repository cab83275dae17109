package record

import (
	"math"

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
	for i := range s.Series {
		c := &s.Series[i]
		m = appendText(m[:0], 1, c.Device)
		m = appendUint(m, 2, uint64(c.Metric))
		m = appendUint(m, 3, uint64(c.Axis))
		m = appendInt(m, 5, c.Values.Base)
		if c.Values.Scale != 1 {
			m = appendUint(m, 6, c.Values.Scale)
		}
		if len(c.Values.Offsets) > 0 {
			m = appendMessage(m, 7, c.Values.Offsets)
		}
		b = appendMessage(b, 4, m)
	}
	return b
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

// SamplesDecoder decodes batches. The batch that Decode returns is valid until the
// next call, its columns as long as the record, in whose memory their offsets lie; its
// strings are interned, for as long as the decoder lives, up to a bound.
type SamplesDecoder struct {
	batch    SampleBatch
	names    map[string]string
	nameSize int     // bytes of names
	times    []int64 // of all axes, one after the other, so that memory is bounded by one record
}

// Tags of the fields of a samples record and of its series: what Append writes.
const (
	tagText    = 1<<3 | uint64(protowire.BytesType) // node, device
	tagNumber  = 2<<3 | uint64(protowire.VarintType)
	tagAxis    = 3<<3 | uint64(protowire.BytesType)
	tagPlace   = 3<<3 | uint64(protowire.VarintType)
	tagSeries  = 4<<3 | uint64(protowire.BytesType)
	tagBase    = 5<<3 | uint64(protowire.VarintType)
	tagScale   = 6<<3 | uint64(protowire.VarintType)
	tagOffsets = 7<<3 | uint64(protowire.BytesType)
)

// Decode reads one samples record.
func (d *SamplesDecoder) Decode(b []byte) (*SampleBatch, error) {
	if len(b) > MaxRecordBytes {
		return nil, malformed("too large")
	}
	s := &d.batch
	*s = SampleBatch{Axes: s.Axes[:0], Series: s.Series[:0]}
	d.times = d.times[:0]
	for len(b) > 0 {
		tag, num, data, size := split(b)
		if size < 0 {
			return nil, malformed("field")
		}
		b = b[size:]
		var err error
		switch tag {
		case tagText:
			err = d.name(data, &s.Node)
		case tagNumber:
			s.TakenIn = int64(num)
		case tagAxis:
			err = d.axis(data)
		case tagSeries:
			err = d.series(data)
		default:
			err = strange(tag, 4)
		}
		if err != nil {
			return nil, err
		}
		if len(s.Axes) > MaxReadings || len(s.Series) > MaxReadings || len(d.times) > 2*MaxReadings {
			return nil, malformed("too many readings")
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// strange refuses fields up to the last known one of another type than theirs;
// others are passed over.
func strange(tag, last uint64) error {
	if tag>>3 <= last {
		return malformed("wire type")
	}
	return nil
}

func (s *SampleBatch) check() error {
	readings := 0
	for i := range s.Series {
		c := &s.Series[i]
		if c.Axis >= len(s.Axes) || !c.Values.fit(len(s.Axes[c.Axis])) {
			return malformed("series does not fit its axis")
		}
		readings += c.Values.Len()
	}
	if s.Node == "" {
		return malformed("no node")
	}
	if readings > MaxReadings {
		return malformed("too many readings")
	}
	return nil
}

func (d *SamplesDecoder) axis(b []byte) error {
	first := len(d.times)
	numbers := append(d.times, 0) // place of the first time; the steps follow
	start, tick, n := int64(0), int64(0), uint64(0)
	err := each(b, func(f field) (err error) {
		switch f.n {
		case 1:
			err = f.int(&start)
		case 2:
			err = f.uint(&n)
		case 3:
			err = f.int(&tick)
		case 4:
			numbers, err = f.sints(numbers)
		}
		return err
	})
	d.times = numbers
	if err != nil {
		return err
	}
	axis := numbers[first:len(numbers):len(numbers)]
	if n == 0 {
		axis = axis[:0]
	}
	if uint64(len(axis)) != n || n > 0 && tick < 1 || tick > math.MaxInt32 && len(axis) > 1 {
		return malformed("axis")
	}
	if len(axis) > 0 {
		axis[0] = start
	}
	for j := 1; j < len(axis); j++ {
		step := axis[j] * tick
		if step/tick != axis[j] {
			return malformed("axis overflows")
		}
		axis[j] = axis[j-1] + step
		if (axis[j] < axis[j-1]) != (step < 0) {
			return malformed("axis overflows")
		}
	}
	d.batch.Axes = append(d.batch.Axes, axis)
	return nil
}

func (d *SamplesDecoder) series(b []byte) (err error) {
	// The column is filled in its place: a copy of what was just written waits.
	k := len(d.batch.Series)
	d.batch.Series = append(d.batch.Series, SeriesColumn{Values: Column{Scale: 1}})
	c := &d.batch.Series[k]
	for len(b) > 0 {
		tag, num, data, size := split(b)
		if size < 0 {
			return malformed("field")
		}
		b = b[size:]
		switch tag {
		case tagText:
			// Metrics of one device follow each other.
			if k > 0 && d.batch.Series[k-1].Device == string(data) {
				c.Device = d.batch.Series[k-1].Device
				break
			}
			err = d.name(data, &c.Device)
		case tagNumber:
			c.Metric = telemetry.MetricUnknown // also for a number that a newer writer knows
			if num < uint64(telemetry.NumMetrics) {
				c.Metric = telemetry.Metric(num)
			}
		case tagPlace:
			c.Axis = int(min(num, MaxReadings))
		case tagBase:
			c.Values.Base = int64(num)
		case tagScale:
			c.Values.Scale = max(num, 1)
		case tagOffsets:
			c.Values.Offsets = data[:len(data):len(data)]
		default:
			err = strange(tag, 7)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxInterned bounds the bytes of names that a decoder remembers.
const maxInterned = 32 << 20

// name takes a string through the decoder's table, so that the names of a fleet
// are allocated once.
func (d *SamplesDecoder) name(b []byte, dst *string) error {
	if s, ok := d.names[string(b)]; ok {
		*dst = s
		return nil
	}
	if err := (field{typ: protowire.BytesType, bytes: b}).text(dst, MaxName); err != nil {
		return err
	}
	const entry = 64 // of the table itself, about
	if d.names == nil || d.nameSize > maxInterned {
		d.names, d.nameSize = make(map[string]string), 0
	}
	d.names[*dst] = *dst
	d.nameSize += len(*dst) + entry
	return nil
}
