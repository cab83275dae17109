package record

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Column is numbers, each of them Base + Scale × its offset, wrapping at 64 bits.
// Offsets are unsigned, little-endian and all of one width. What sensors say in ten
// seconds are multiples of their resolution, close together, so an offset has one
// or two bytes; and it is where its number says, so that nothing about it has to be
// guessed: as varints, decoding took more time than anything else.
//
// The zero value is empty. A column does not own its offsets.
type Column struct {
	Base    int64
	Scale   uint64 // at least 1
	Offsets []byte
	count   int32
	Width   uint8 // bytes of an offset: 0 (all numbers are Base), 1, 2, 4 or 8
}

// ColumnOf returns a column of values.
func ColumnOf(values ...int64) Column {
	c, _ := PackColumn(nil, values)
	return c
}

// ColumnFrom returns the column of base, scale and offsets, which it does not own; ok is
// false if these are not as many as count.
func ColumnFrom(base int64, scale uint64, offsets []byte, count int) (c Column, ok bool) {
	c = Column{Base: base, Scale: scale, Offsets: offsets}
	return c, c.fit(count)
}

// PackColumn appends the offsets of values to dst, of which the column holds them, and
// returns it. The scale is the largest that there is.
func PackColumn(dst []byte, values []int64) (Column, []byte) {
	if len(values) == 0 {
		return Column{}, dst
	}
	c := Column{Base: values[0], count: int32(len(values))}
	for _, v := range values {
		c.Base = min(c.Base, v)
	}
	most := uint64(0)
	for _, v := range values {
		offset := uint64(v) - uint64(c.Base)
		most = max(most, offset)
		if c.Scale == 0 || c.Scale > 1 && offset%c.Scale != 0 {
			c.Scale = greatestDivisor(c.Scale, offset)
		}
	}
	c.Scale = max(c.Scale, 1)
	c.Width = WidthOf(most / c.Scale)
	first := len(dst)
	for _, v := range values {
		offset := (uint64(v) - uint64(c.Base)) / c.Scale
		switch c.Width {
		case 1:
			dst = append(dst, byte(offset))
		case 2:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(offset))
		case 4:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(offset))
		case 8:
			dst = binary.LittleEndian.AppendUint64(dst, offset)
		}
	}
	c.Offsets = dst[first:len(dst):len(dst)]
	return c, dst
}

func greatestDivisor(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// WidthOf is how many bytes an offset takes where so much is the most.
func WidthOf(most uint64) uint8 {
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

// fit says how many numbers there are, and reports whether the offsets are as many.
func (c *Column) fit(count int) bool {
	c.count, c.Width = int32(count), 0
	switch len(c.Offsets) {
	case 0:
	case count:
		c.Width = 1
	case 2 * count:
		c.Width = 2
	case 4 * count:
		c.Width = 4
	case 8 * count:
		c.Width = 8
	default:
		return false
	}
	return true
}

// Len is how many numbers there are.
func (c *Column) Len() int { return int(c.count) }

// At returns number i.
func (c *Column) At(i int) int64 { return c.Base + int64(c.Scale*Offset(c.Offsets, c.Width, i)) }

// Offset returns offset i of those of one width.
func Offset(offsets []byte, width uint8, i int) uint64 {
	switch width {
	case 1:
		return uint64(offsets[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(offsets[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(offsets[4*i:]))
	case 8:
		return binary.LittleEndian.Uint64(offsets[8*i:])
	}
	return 0
}

// AppendTo appends all numbers to dst.
func (c *Column) AppendTo(dst []int64) []int64 {
	n := len(dst)
	dst = c.AppendOffsets(dst)
	for i, x := range dst[n:] {
		dst[n+i] = c.Base + x*int64(c.Scale)
	}
	return dst
}

// AppendOffsets appends all offsets to dst.
func (c *Column) AppendOffsets(dst []int64) []int64 {
	n := len(dst)
	dst = slices.Grow(dst, c.Len())[:n+c.Len()]
	out, b := dst[n:], c.Offsets
	switch c.Width {
	case 0:
		clear(out)
	case 1:
		b = b[:len(out)]
		for i := range out {
			out[i] = int64(b[i])
		}
	case 2:
		for i := 0; i < len(out) && 2*i+2 <= len(b); i++ {
			out[i] = int64(binary.LittleEndian.Uint16(b[2*i : 2*i+2]))
		}
	case 4:
		for i := 0; i < len(out) && 4*i+4 <= len(b); i++ {
			out[i] = int64(binary.LittleEndian.Uint32(b[4*i : 4*i+4]))
		}
	case 8:
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	return dst
}

// Within reports whether all numbers are in [least, most] and none wraps.
func (c *Column) Within(least, most int64) bool {
	if c.Base < least {
		return false // whatever the offsets are: so no writer of ours does it
	}
	// What their width allows is known without a look at them, and is most often enough.
	return c.upTo(math.MaxUint64>>(64-8*c.Width), most) || c.upTo(c.top(), most)
}

// upTo reports whether the number at an offset is at most most.
func (c *Column) upTo(offset uint64, most int64) bool {
	hi, rise := bits.Mul64(c.Scale, offset)
	top := c.Base + int64(rise)
	return hi == 0 && rise <= math.MaxInt64 && top >= c.Base && top <= most
}

// top is the largest offset.
func (c *Column) top() (top uint64) {
	switch b := c.Offsets; c.Width {
	case 1:
		most := byte(0)
		for _, x := range b {
			most = max(most, x)
		}
		top = uint64(most)
	case 2:
		for i := 0; i+1 < len(b); i += 2 {
			top = max(top, uint64(binary.LittleEndian.Uint16(b[i:])))
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			top = max(top, uint64(binary.LittleEndian.Uint32(b)))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			top = max(top, binary.LittleEndian.Uint64(b))
		}
	}
	return top
}
