package record

import (
	"math"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// SamplesDecoder decodes batches. The batch that Decode returns is valid until the
// next call, and not to be written to, as the next record may leave in it which series
// there are; its columns are valid as long as the record, in whose memory their offsets
// lie; its strings are interned, for as long as the decoder lives, up to a bound.
type SamplesDecoder struct {
	batch    SampleBatch
	names    map[string]string
	nameSize int                 // bytes of names
	times    []int64             // of all axes, one after the other, so that memory is bounded by one record
	devices  []string            // of the record
	numbers  [numArrays][]uint64 // the arrays
	arrays   [numArrays][]byte   // those that numbers were decoded from
	readings int                 // of the record
	layout   uint64              // of the record that was decoded last, 0: it was malformed
	changed  bool                // whether the record at hand has another one
}

// layouts numbers the layouts of all decoders.
var layouts atomic.Uint64

// Tags of the fields of a samples record.
const (
	tagText   = 1<<3 | uint64(protowire.BytesType)
	tagNumber = 2<<3 | uint64(protowire.VarintType)
	tagAxis   = 3<<3 | uint64(protowire.BytesType)
	tagDevice = fieldDevice<<3 | uint64(protowire.BytesType)

	tagOffsets = fieldOffsets<<3 | uint64(protowire.BytesType)
)

// Decode reads one samples record.
func (d *SamplesDecoder) Decode(b []byte) (*SampleBatch, error) {
	if len(b) > MaxRecordBytes {
		return nil, malformed("too large")
	}
	s := &d.batch
	*s = SampleBatch{Axes: s.Axes[:0], Series: s.Series[:0]}
	last := d.layout
	d.layout, d.changed = 0, last == 0
	d.times, d.devices = d.times[:0], d.devices[:0]
	var arrays [numArrays][]byte
	for len(b) > 0 {
		tag, num, data, size := split(b)
		if size < 0 {
			return nil, malformed("field")
		}
		b = b[size:]
		var err error
		switch field := int(tag >> 3); {
		case tag == tagText:
			err = d.name(data, &s.Node)
		case tag == tagNumber:
			s.TakenIn = int64(num)
		case tag == tagAxis:
			err = d.axis(data)
		case tag == tagDevice:
			err = d.device(data)
		case tag == tagOffsets:
			d.column().Values.Offsets = data[:len(data):len(data)]
			b = d.columns(b)
		case field == fieldSeries:
			err = malformed("series one by one, as earlier versions wrote them")
		case field > fieldOffsets: // of a newer writer
		case field < fieldArrays || field == fieldOffsets || tag&7 != uint64(protowire.BytesType):
			err = malformed("wire type")
		case arrays[field-fieldArrays] != nil:
			err = malformed("an array twice")
		default:
			arrays[field-fieldArrays] = data
		}
		if err != nil {
			return nil, err
		}
		if len(s.Axes) > MaxReadings || len(s.Series) > MaxReadings || len(d.devices) > MaxReadings || len(d.times) > 2*MaxReadings {
			return nil, malformed("too many readings")
		}
	}
	if s.Node == "" {
		return nil, malformed("no node")
	}
	if err := d.series(&arrays); err != nil {
		return nil, err
	}
	if s.Layout = last; d.changed {
		s.Layout = layouts.Add(1)
	}
	d.layout = s.Layout
	return s, nil
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

// series puts the arrays of a record together.
func (d *SamplesDecoder) series(arrays *[numArrays][]byte) error {
	s := &d.batch
	for k := range d.numbers {
		if err := d.array(k, arrays[k]); err != nil {
			return err
		}
		if k != arrayCounts && len(d.numbers[k]) != len(s.Series) && (k != arrayAxes || len(d.numbers[k]) > 0) {
			return malformed("arrays of unlike lengths")
		}
	}
	if len(d.numbers[arrayCounts]) != len(d.devices) { // of which the layout of the record before says nothing
		return malformed("devices and their counts")
	}
	if d.changed {
		if err := d.describe(); err != nil {
			return err
		}
	}
	bases, scales, readings := d.numbers[arrayBases], d.numbers[arrayScales], 0
	for i := range s.Series {
		c := &s.Series[i]
		if c.Axis >= len(s.Axes) || !c.Values.fit(len(s.Axes[c.Axis])) {
			return malformed("series does not fit its axis")
		}
		c.Values.Base, c.Values.Scale = int64(bases[i]), max(scales[i], 1)
		readings += c.Values.Len()
	}
	if readings > MaxReadings {
		return malformed("too many readings")
	}
	d.readings = readings
	return nil
}

// describe says of each series which it is. In the memory of the record before that is
// said already if its layout is the same.
func (d *SamplesDecoder) describe() error {
	if err := d.share(); err != nil {
		return err
	}
	metrics, axes := d.numbers[arrayMetrics], d.numbers[arrayAxes]
	for i := range d.batch.Series {
		c := &d.batch.Series[i]
		c.Metric = telemetry.MetricUnknown // also for a number that a newer writer knows
		if metrics[i] < uint64(telemetry.NumMetrics) {
			c.Metric = telemetry.Metric(metrics[i])
		}
		c.Axis = 0
		if len(axes) > 0 {
			c.Axis = int(min(axes[i], MaxReadings)) // which is more than there can be
		}
	}
	return nil
}

// array decodes an array, unless it is that of the record before: which series there
// are, and in which steps they move, seldom changes.
func (d *SamplesDecoder) array(k int, b []byte) (err error) {
	if k != arrayBases {
		if string(d.arrays[k]) == string(b) {
			return nil
		}
		d.arrays[k] = append(d.arrays[k][:0], b...)
		d.changed = d.changed || k != arrayScales
	}
	if d.numbers[k], err = uvarints(d.numbers[k][:0], b); err != nil {
		d.arrays[k] = d.arrays[k][:0]
		d.numbers[k] = d.numbers[k][:0]
	}
	return err
}

// Readings is how many the batch has that was decoded last.
func (d *SamplesDecoder) Readings() int { return d.readings }

// columns takes the offsets that follow each other, as those of all series do, without
// asking for each which field it is, and returns what is behind them.
func (d *SamplesDecoder) columns(b []byte) []byte {
	for len(b) > 1 && uint64(b[0]) == tagOffsets && b[1] < 0x80 && len(d.batch.Series) <= MaxReadings {
		end := 2 + int(b[1])
		if end > len(b) {
			break
		}
		d.column().Values.Offsets = b[2:end:end]
		b = b[end:]
	}
	return b
}

// column makes a series in the memory of one before, all of whose fields will be set: to
// write it and copy what was just written waits.
func (d *SamplesDecoder) column() *SeriesColumn {
	all := d.batch.Series
	if len(all) == cap(all) {
		all = append(all, SeriesColumn{})[:len(all)]
	}
	d.batch.Series = all[:len(all)+1]
	return &d.batch.Series[len(all)]
}

// share shares the series out among the devices.
func (d *SamplesDecoder) share() error {
	counts, left := d.numbers[arrayCounts], d.batch.Series
	for k, count := range counts {
		if count > uint64(len(left)) {
			return malformed("devices and their counts")
		}
		for i := range left[:count] {
			left[i].Device = d.devices[k]
		}
		left = left[count:]
	}
	if len(left) > 0 {
		return malformed("devices and their counts")
	}
	return nil
}

// uvarints appends the varints of a packed field.
func uvarints(dst []uint64, b []byte) ([]uint64, error) {
	for len(b) > 0 {
		if len(dst) > MaxReadings {
			return dst, malformed("too many readings")
		}
		if b[0] < 0x80 {
			dst = append(dst, uint64(b[0]))
			b = b[1:]
			continue
		}
		v, n := varint(b)
		if n <= 0 {
			return dst, malformed("packed value")
		}
		dst = append(dst, v)
		b = b[n:]
	}
	return dst, nil
}

// device takes the name of a device, most often that of the record before at its place.
func (d *SamplesDecoder) device(b []byte) error {
	k := len(d.devices)
	if k < cap(d.devices) {
		if d.devices = d.devices[:k+1]; d.devices[k] == string(b) {
			return nil
		}
	} else {
		d.devices = append(d.devices, "")
	}
	d.changed = true
	return d.name(b, &d.devices[k])
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
