package meter

import (
	"encoding/binary"
	"math"

	"github.com/ntegral/ntegral/schemas/record"
)

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
	return top>>(8*v.width) == 0 && top*uint64(v.scale) <= uint64(most-v.base) // of 48 bits at most
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
//
// Slices of known ends, b[i-4:i], take a third less time here than b[i:], whose capacity
// has to be known to be more than nothing.
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
		for i := 2; i <= len(dst); i += 2 {
			binary.LittleEndian.PutUint16(dst[i-2:i], uint16(first))
		}
	case 0x21:
		for i := 2; i <= len(dst); i += 2 {
			x := first + uint64(b[i/2-1])*factor
			binary.LittleEndian.PutUint16(dst[i-2:i], uint16(x))
			top = max(top, x)
		}
	case 0x22:
		for i := 2; i <= len(dst) && i <= len(b); i += 2 {
			x := first + uint64(binary.LittleEndian.Uint16(b[i-2:i]))*factor
			binary.LittleEndian.PutUint16(dst[i-2:i], uint16(x))
			top = max(top, x)
		}
	case 0x40:
		for i := 4; i <= len(dst); i += 4 {
			binary.LittleEndian.PutUint32(dst[i-4:i], uint32(first))
		}
	case 0x41:
		for i := 4; i <= len(dst); i += 4 {
			x := first + uint64(b[i/4-1])*factor
			binary.LittleEndian.PutUint32(dst[i-4:i], uint32(x))
			top = max(top, x)
		}
	case 0x42:
		for i, k := 4, 2; i <= len(dst) && k <= len(b); i, k = i+4, k+2 {
			x := first + uint64(binary.LittleEndian.Uint16(b[k-2:k]))*factor
			binary.LittleEndian.PutUint32(dst[i-4:i], uint32(x))
			top = max(top, x)
		}
	case 0x44:
		for i := 4; i <= len(dst) && i <= len(b); i += 4 {
			x := first + uint64(binary.LittleEndian.Uint32(b[i-4:i]))*factor
			binary.LittleEndian.PutUint32(dst[i-4:i], uint32(x))
			top = max(top, x)
		}
	default:
		return math.MaxUint64
	}
	return top
}
