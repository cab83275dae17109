package meter

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/ntegral/ntegral/schemas/record"
)

// Values are the values of a series, in order. Sensors report whole milliwatts,
// millijoules and percents, and a series is some minutes long: most fit into 32
// bits, as multiples of a scale from a base, which is half of what a reading takes.
// The zero value is empty. A copy shares memory with what it was copied from.
type Values struct {
	narrow []int32 // (value - base) / scale
	base   int64
	scale  int64 // one of scales; 0: nothing was appended yet
	wide   *[]int64
}

// scales are what values are tried to be multiples of, the largest first.
var scales = [...]int64{10_000, 1000, 1}

// Len is how many there are.
func (v *Values) Len() int {
	if v.wide != nil {
		return len(*v.wide)
	}
	return len(v.narrow)
}

// At returns value i.
func (v *Values) At(i int) int64 {
	if v.wide != nil {
		return (*v.wide)[i]
	}
	return v.base + int64(v.narrow[i])*v.scale
}

// AppendTo appends values [from, to) to dst.
func (v *Values) AppendTo(dst []int64, from, to int) []int64 {
	if v.wide != nil {
		return append(dst, (*v.wide)[from:to]...)
	}
	n := len(dst)
	dst = slices.Grow(dst, to-from)[:n+to-from]
	for i, x := range v.narrow[from:to] {
		dst[n+i] = v.base + int64(x)*v.scale
	}
	return dst
}

// Units returns the values as multiples of scale from base, in the memory of v, where
// they fit into 32 bits. Otherwise ok is false and the scale 1.
func (v *Values) Units() (units []int32, base, scale int64, ok bool) {
	if v.wide != nil || v.scale == 0 {
		return nil, 0, 1, false
	}
	return v.narrow, v.base, v.scale, true
}

// All returns a copy.
func (v *Values) All() []int64 { return v.AppendTo(nil, 0, v.Len()) }

// Append appends values.
func (v *Values) Append(values []int64) {
	switch {
	case len(values) == 0:
	case v.wide != nil:
		*v.wide = roomy(*v.wide, values)
	case v.Len() == 0:
		v.assign(values)
	case !v.appendNarrow(values):
		v.assign(append(v.All(), values...))
	}
}

// AppendColumn appends the values of a column without unpacking them, and reports
// whether it could; if not it appends none.
func (v *Values) AppendColumn(c *record.Column) bool {
	first, factor, ok := v.place(c)
	if !ok {
		return false
	}
	n := len(v.narrow)
	v.room(c.Len())
	if !narrowColumn(v.narrow[n:n+c.Len()], c, first, factor) {
		return false
	}
	v.narrow = v.narrow[:n+c.Len()]
	return true
}

// place returns where a column's base lies among the narrow values and how many of
// their steps one of its own is.
func (v *Values) place(c *record.Column) (first, factor int64, ok bool) {
	rise := c.Base - v.base
	if v.wide != nil || len(v.narrow) == 0 || (rise < 0) != (c.Base < v.base) || c.Scale > math.MaxInt32 {
		return 0, 0, false
	}
	step := int64(c.Scale)
	if c.Width == 0 {
		step = v.scale // of a column of equal values it says nothing
	}
	switch v.scale { // by a constant a division is a multiplication
	case 10_000:
		first, factor = rise/10_000, step/10_000
	case 1000:
		first, factor = rise/1000, step/1000
	default:
		first, factor = rise, step
	}
	return first, factor, first*v.scale == rise && factor*v.scale == step
}

// narrowColumn writes the values of a column into dst, as long as it is, and reports
// whether all fit. Neither factor nor offsets exceed 32 bits, so that what wraps, from a
// base near the end of what there is, comes out far below what fits.
func narrowColumn(dst []int32, c *record.Column, first, factor int64) bool {
	rest := int64(0)
	b := c.Offsets
	switch c.Width {
	case 0:
		for i := range dst {
			dst[i] = int32(first)
		}
		rest = int64(int32(first)) ^ first
	case 1:
		b = b[:len(dst)]
		for i := range dst {
			x := first + int64(b[i])*factor
			dst[i] = int32(x)
			rest |= int64(dst[i]) ^ x
		}
	case 2:
		for i := range dst {
			x := first + int64(binary.LittleEndian.Uint16(b[2*i:]))*factor
			dst[i] = int32(x)
			rest |= int64(dst[i]) ^ x
		}
	case 4:
		for i := range dst {
			x := first + int64(binary.LittleEndian.Uint32(b[4*i:]))*factor
			dst[i] = int32(x)
			rest |= int64(dst[i]) ^ x
		}
	default:
		return false
	}
	return rest == 0
}

// room makes room for more narrow values.
//
// There is a quarter of room behind. A series is as long again after each window, so
// that doubling would leave half of its memory empty.
func (v *Values) room(more int) {
	if n := len(v.narrow) + more; n > cap(v.narrow) {
		v.narrow = append(make([]int32, 0, n+n/4), v.narrow...)
	}
}

// appendNarrow appends values that fit; if one does not it appends none.
func (v *Values) appendNarrow(values []int64) bool {
	n := len(v.narrow)
	v.room(len(values))
	if !v.narrowed(v.narrow[n:n+len(values)], values) {
		return false
	}
	v.narrow = v.narrow[:n+len(values)]
	return true
}

// narrowed writes values into dst, as long as they are, and reports whether all fit.
func (v *Values) narrowed(dst []int32, values []int64) bool {
	switch v.scale { // by a constant a division is a multiplication
	case 10_000:
		return narrowBy10000(dst, values, v.base)
	case 1000:
		return narrowBy1000(dst, values, v.base)
	}
	return narrow(dst, values, v.base)
}

func narrowBy10000(dst []int32, values []int64, base int64) bool {
	rest := int64(0)
	for i, x := range values {
		q := (x - base) / 10_000
		dst[i] = int32(q)
		rest |= int64(dst[i])*10_000 ^ (x - base)
	}
	return rest == 0
}

func narrowBy1000(dst []int32, values []int64, base int64) bool {
	rest := int64(0)
	for i, x := range values {
		q := (x - base) / 1000
		dst[i] = int32(q)
		rest |= int64(dst[i])*1000 ^ (x - base)
	}
	return rest == 0
}

func narrow(dst []int32, values []int64, base int64) bool {
	rest := int64(0)
	for i, x := range values {
		dst[i] = int32(x - base)
		rest |= int64(dst[i]) ^ (x - base)
	}
	return rest == 0
}

// assign replaces all values.
func (v *Values) assign(values []int64) {
	v.narrow, v.wide = v.narrow[:0], nil
	if len(values) == 0 {
		return
	}
	v.base = values[0]
	for _, v.scale = range scales {
		if v.appendNarrow(values) {
			return
		}
	}
	v.narrow = nil
	w := roomy(nil, values)
	v.wide = &w
}

// roomy appends with a quarter of room behind, as appendNarrow does.
func roomy(to, values []int64) []int64 {
	if n := len(to) + len(values); n > cap(to) {
		to = append(make([]int64, 0, n+n/4), to...)
	}
	return append(to, values...)
}

// Set replaces value i.
func (v *Values) Set(i int, value int64) {
	var one [1]int32
	switch {
	case v.wide != nil:
		(*v.wide)[i] = value
	case v.narrowed(one[:], []int64{value}):
		v.narrow[i] = one[0]
	default:
		all := v.All()
		all[i] = value
		v.assign(all)
	}
}

// Insert puts a value before value i.
func (v *Values) Insert(i int, value int64) {
	var one [1]int32
	switch {
	case v.wide != nil:
		*v.wide = slices.Insert(*v.wide, i, value)
	case v.Len() > 0 && v.narrowed(one[:], []int64{value}):
		v.narrow = slices.Insert(v.narrow, i, one[0])
	default:
		v.assign(slices.Insert(v.All(), i, value))
	}
}

// Prepend puts values before the first one.
func (v *Values) Prepend(values []int64) {
	if v.wide == nil && v.Len() > 0 {
		n := len(values) + len(v.narrow)
		all := make([]int32, n, n+n/4)
		if v.narrowed(all[:len(values)], values) {
			copy(all[len(values):], v.narrow)
			v.narrow = all
			return
		}
	}
	v.assign(append(slices.Clone(values), v.All()...))
}

// Cut forgets the first count values, and leaves the others where they are.
func (v *Values) Cut(count int) {
	if v.wide != nil {
		w := (*v.wide)[count:]
		v.wide = &w
		return
	}
	v.narrow = v.narrow[count:]
}

// Settle moves values to where they began before they were cut. What is wide is
// tried once more: a counter of hours does not fit, one of minutes does.
func (v *Values) Settle(before Values) {
	switch {
	case v.wide == nil && before.wide == nil:
		v.narrow = append(before.narrow[:0], v.narrow...)
	case v.wide != nil && (before.wide == nil || len(*v.wide) < len(*before.wide)):
		v.assign(*v.wide)
	}
}
