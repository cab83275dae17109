package meter

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/ntegral/ntegral/schemas/record"
)

// Values are the values of a series, in order: base + scale × an offset each, as in a
// record.Column, but that they can grow. Sensors report whole milliwatts, millijoules
// and percents, and a series is some minutes long, so that one to four bytes hold what
// eight would. The zero value is empty. A copy shares memory with what it was copied
// from.
type Values struct {
	offsets []byte // unsigned, little-endian, of one width
	base    int64
	scale   uint16 // one of scales
	count   int32
	width   uint8 // bytes of an offset: 0 (all values are base), 1, 2, 4 or 8 (base 0, scale 1)
}

// scales are what values are tried to be multiples of, the largest first: percents,
// pages of memory, milliwatts and millijoules, hundredths of percents.
var scales = [...]uint16{10_000, 4096, 1000, 100, 1}

// Len is how many there are.
func (v *Values) Len() int { return int(v.count) }

// At returns value i.
func (v *Values) At(i int) int64 { return v.base + int64(uint64(v.scale)*v.offset(i)) }

// Moves reports whether value i is another than the one before it.
func (v *Values) Moves(i int) bool { return v.offset(i) != v.offset(i-1) }

func (v *Values) offset(i int) uint64 { return record.Offset(v.offsets, v.width, i) }

// AppendTo appends values [from, to) to dst.
func (v *Values) AppendTo(dst []int64, from, to int) []int64 {
	c := v.column(from, to)
	return c.AppendTo(dst)
}

// All returns a copy.
func (v *Values) All() []int64 { return v.AppendTo(nil, 0, v.Len()) }

// Column returns the first count values as they are held, in the memory of v.
func (v *Values) Column(count int) record.Column { return v.column(0, count) }

func (v *Values) column(from, to int) record.Column {
	c, _ := record.ColumnFrom(v.base, uint64(v.scale), v.offsets[from*int(v.width):to*int(v.width)], to-from)
	return c
}

// Hold replaces v by a column, in its memory, and reports whether it could: whether it
// is one that Column may return.
func (v *Values) Hold(c *record.Column) bool {
	if c.Len() == 0 || c.Scale > math.MaxUint16 || !slices.Contains(scales[:], uint16(c.Scale)) || c.Width == 8 && (c.Base != 0 || c.Scale != 1) {
		return false
	}
	*v = Values{offsets: c.Offsets, base: c.Base, scale: uint16(c.Scale), count: int32(c.Len()), width: c.Width}
	return true
}

// Append appends values.
func (v *Values) Append(values []int64) {
	if len(values) == 0 || v.count > 0 && v.append(values) {
		return
	}
	v.assign(append(v.All(), values...))
}

// append appends values that fit; if one does not it appends none.
func (v *Values) append(values []int64) bool {
	v.room(len(values))
	for i, x := range values {
		if !v.put(int(v.count)+i, x) {
			return false
		}
	}
	v.grow(len(values))
	return true
}

// room makes room for more values.
//
// There is a quarter of room behind. A series is as long again after each window, so
// that doubling would leave half of its memory empty.
func (v *Values) room(more int) {
	if n := len(v.offsets) + more*int(v.width); n > cap(v.offsets) {
		v.offsets = append(make([]byte, 0, n+n/4), v.offsets...)
	}
}

// grow says that so many more values were put into the room.
func (v *Values) grow(more int) {
	v.count += int32(more)
	v.offsets = v.offsets[:int(v.count)*int(v.width)]
}

// put writes value i, of which there is room, and reports whether it fits.
func (v *Values) put(i int, value int64) bool {
	units := (uint64(value) - uint64(v.base)) / uint64(v.scale)
	if v.width == 8 {
		units = uint64(value)
	} else if value < v.base || v.base+int64(units*uint64(v.scale)) != value || units>>(8*v.width) != 0 {
		return false
	}
	b := v.offsets[:cap(v.offsets)]
	switch v.width {
	case 1:
		b[i] = byte(units)
	case 2:
		binary.LittleEndian.PutUint16(b[2*i:], uint16(units))
	case 4:
		binary.LittleEndian.PutUint32(b[4*i:], uint32(units))
	case 8:
		binary.LittleEndian.PutUint64(b[8*i:], units)
	}
	return true
}

// assign replaces all values, of which there must be some.
//
// Offsets begin in the middle of what their width allows: gauges fall as often as they
// rise, and each value that does not fit costs an assignment.
func (v *Values) assign(values []int64) {
	least, most := slices.Min(values), slices.Max(values)
	v.scale, v.count = scaleOf(values, least), 0
	span := (uint64(most) - uint64(least)) / uint64(v.scale)
	v.width = record.WidthOf(span)
	switch v.width {
	case 0:
		v.base = least
	case 8:
		v.base, v.scale = 0, 1
	default:
		v.base = least
		if below := int64((1<<(8*v.width) - 1 - span) / 2 * uint64(v.scale)); least >= math.MinInt64+below {
			v.base -= below
		}
	}
	v.offsets = v.offsets[:0]
	if v.room(len(values)); !v.append(values) {
		panic("meter: values do not fit where they were made to")
	}
}

func scaleOf(values []int64, least int64) uint16 {
	for _, scale := range scales[:len(scales)-1] {
		if multiples(values, least, uint64(scale)) {
			return scale
		}
	}
	return 1
}

func multiples(values []int64, least int64, scale uint64) bool {
	for _, x := range values {
		if (uint64(x)-uint64(least))%scale != 0 {
			return false
		}
	}
	return true
}

// Set replaces value i.
func (v *Values) Set(i int, value int64) {
	if !v.put(i, value) {
		all := v.All()
		all[i] = value
		v.assign(all)
	}
}

// Insert puts a value before value i.
func (v *Values) Insert(i int, value int64) {
	if v.count > 0 {
		v.room(1)
		if n := int(v.count); v.put(n, value) { // behind all, to see whether it fits
			v.grow(1)
			w := int(v.width)
			copy(v.offsets[(i+1)*w:], v.offsets[i*w:n*w])
			v.put(i, value)
			return
		}
	}
	v.assign(slices.Insert(v.All(), i, value))
}

// Prepend puts values before the first one.
func (v *Values) Prepend(values []int64) {
	if len(values) == 0 {
		return
	}
	if v.count > 0 {
		front := Values{base: v.base, scale: v.scale, width: v.width}
		front.offsets = make([]byte, 0, len(values)*int(v.width)+len(v.offsets)*5/4)
		if front.append(values) {
			front.offsets = append(front.offsets, v.offsets...)
			front.count += v.count
			*v = front
			return
		}
	}
	v.assign(append(slices.Clone(values), v.All()...))
}

// Cut forgets the first count values, and leaves the others where they are.
func (v *Values) Cut(count int) {
	v.offsets = v.offsets[count*int(v.width):]
	v.count -= int32(count)
}

// Settle moves values to where they began before they were cut. They are assigned anew
// if they fit into fewer bytes, and well: what made a counter of hours, or power when a
// job began, need so many may have gone.
func (v *Values) Settle(before Values) {
	if v.count == 0 {
		*v = Values{}
		return
	}
	v.offsets = append(before.offsets[:0], v.offsets...)
	if n := int(v.count); v.count == before.count || v.width < 2 || !v.fitsHalf(n-1) {
		return // the ends say enough, most often
	}
	if v.fitsHalf(1) {
		all := v.All()
		v.offsets = nil // or it would keep the room that it no longer needs
		v.assign(all)
	}
}

// fitsHalf reports whether every step-th value lies close enough to the others for half as
// many bytes, with room to spare.
func (v *Values) fitsHalf(step int) bool {
	least, most := uint64(math.MaxUint64), uint64(0)
	for i := 0; i < int(v.count); i += max(step, 1) {
		offset := v.offset(i)
		least, most = min(least, offset), max(most, offset)
	}
	return v.width == 8 || (most-least)>>(4*v.width-2) == 0
}
