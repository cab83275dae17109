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

func (v *Values) offset(i int) uint64 {
	switch v.width {
	case 1:
		return uint64(v.offsets[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(v.offsets[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(v.offsets[4*i:]))
	case 8:
		return binary.LittleEndian.Uint64(v.offsets[8*i:])
	}
	return 0
}

// AppendTo appends values [from, to) to dst.
func (v *Values) AppendTo(dst []int64, from, to int) []int64 {
	n := len(dst)
	p := v.Packed(to)
	p.Offsets = p.Offsets[from*int(v.width):]
	dst = p.AppendOffsets(dst, to-from)
	base, scale := v.base, int64(v.scale)
	for i, x := range dst[n:] {
		dst[n+i] = base + x*scale
	}
	return dst
}

// All returns a copy.
func (v *Values) All() []int64 { return v.AppendTo(nil, 0, v.Len()) }

// Packed is values as they are held: each is Base + Scale × its offset, wrapping, of
// Width bytes, unsigned and little-endian.
type Packed struct {
	Offsets []byte
	Base    int64
	Scale   uint16
	Width   uint8 // 0, 1, 2, 4 or 8
}

// Packed returns the first count values, in the memory of v.
func (v *Values) Packed(count int) Packed {
	return Packed{Offsets: v.offsets[:count*int(v.width)], Base: v.base, Scale: v.scale, Width: v.width}
}

// AppendOffsets appends the offsets, of which there are count, to dst.
func (p *Packed) AppendOffsets(dst []int64, count int) []int64 {
	n := len(dst)
	dst = slices.Grow(dst, count)[:n+count]
	out, b := dst[n:], p.Offsets
	switch p.Width {
	case 0:
		clear(out)
	case 1:
		b = b[:len(out)]
		for i := range out {
			out[i] = int64(b[i])
		}
	case 2:
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case 4:
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case 8:
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	return dst
}

// Unpack replaces v by count packed values, in the memory of p, and reports whether p
// holds as many.
func (v *Values) Unpack(p Packed, count int) bool {
	switch p.Width {
	case 0, 1, 2, 4:
	case 8:
		if p.Base != 0 || p.Scale != 1 {
			return false
		}
	default:
		return false
	}
	*v = Values{offsets: p.Offsets, base: p.Base, scale: p.Scale, count: int32(count), width: p.Width}
	return count > 0 && len(p.Offsets) == count*int(p.Width) && slices.Contains(scales[:], p.Scale)
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
	v.width = widthOf(span)
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

func widthOf(most uint64) uint8 {
	switch {
	case most == 0:
		return 0
	case most <= math.MaxUint8:
		return 1
	case most <= math.MaxUint16:
		return 2
	case most <= math.MaxUint32:
		return 4
	}
	return 8
}

// Stage writes the values of a column behind the others without unpacking them, for
// Commit to take, and reports whether it could: whether they fit and none is above most.
func (v *Values) Stage(c *record.Column, most int64) bool {
	first, factor, ok := v.place(c)
	if !ok || most < v.base {
		return false
	}
	v.room(c.Len())
	at := len(v.offsets)
	top := v.fill(v.offsets[at:at+c.Len()*int(v.width)], c, first, factor)
	return top>>(8*v.width) == 0 && top <= uint64(most-v.base)/uint64(v.scale)
}

// Commit appends the values of the column that was staged.
func (v *Values) Commit(c *record.Column) {
	v.grow(c.Len())
}

// place returns where a column's base lies among the offsets and how many of their
// steps one of its own is. Both fit into 32 bits.
func (v *Values) place(c *record.Column) (first, factor uint64, ok bool) {
	rise := uint64(c.Base) - uint64(v.base)
	step := c.Scale
	if v.count == 0 || v.width == 8 || c.Base < v.base || step > math.MaxUint32 {
		return 0, 0, false
	}
	scale := uint64(v.scale)
	if c.Width == 0 {
		step = scale // of a column of equal values it says nothing
	}
	switch scale { // by a constant a division is a multiplication
	case 10_000:
		first, factor = rise/10_000, step/10_000
	case 1000:
		first, factor = rise/1000, step/1000
	case 100:
		first, factor = rise/100, step/100
	default:
		first, factor = rise/scale, step/scale
	}
	return first, factor, first*scale == rise && factor*scale == step && first <= math.MaxUint32
}

// fill writes the offsets of a column into dst and returns the largest: if that is more
// than their width holds, what was written is worth nothing. Both factors have 32 bits at
// most, so that nothing wraps. A column that is wider than the values does not fit.
func (v *Values) fill(dst []byte, c *record.Column, first, factor uint64) (top uint64) {
	top = first
	b := c.Offsets
	switch v.width<<4 | c.Width { // bytes there and here
	case 0x00:
	case 0x10:
		for i := range dst {
			dst[i] = byte(first)
		}
	case 0x11:
		b = b[:len(dst)]
		for i := range dst {
			x := first + uint64(b[i])*factor
			dst[i] = byte(x)
			top = max(top, x)
		}
	case 0x20:
		for i := 0; i+2 <= len(dst); i += 2 {
			binary.LittleEndian.PutUint16(dst[i:], uint16(first))
		}
	case 0x21:
		for i := range b {
			x := first + uint64(b[i])*factor
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(x))
			top = max(top, x)
		}
	case 0x22:
		for i := 0; i+2 <= len(dst) && i+2 <= len(b); i += 2 {
			x := first + uint64(binary.LittleEndian.Uint16(b[i:]))*factor
			binary.LittleEndian.PutUint16(dst[i:], uint16(x))
			top = max(top, x)
		}
	case 0x40:
		for i := 0; i+4 <= len(dst); i += 4 {
			binary.LittleEndian.PutUint32(dst[i:], uint32(first))
		}
	case 0x41:
		for i := range b {
			x := first + uint64(b[i])*factor
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(x))
			top = max(top, x)
		}
	case 0x42:
		for i := 0; 4*i+4 <= len(dst); i++ {
			x := first + uint64(binary.LittleEndian.Uint16(b[2*i:]))*factor
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(x))
			top = max(top, x)
		}
	case 0x44:
		for i := 0; i+4 <= len(dst) && i+4 <= len(b); i += 4 {
			x := first + uint64(binary.LittleEndian.Uint32(b[i:]))*factor
			binary.LittleEndian.PutUint32(dst[i:], uint32(x))
			top = max(top, x)
		}
	default:
		return math.MaxUint64
	}
	return top
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
