package record_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ntegral/ntegral/schemas/record"
)

// TestColumnsAreTheirNumbers: whatever is packed comes out, by any way, in as few
// bytes as there are, and lies between the column's bounds.
func TestColumnsAreTheirNumbers(t *testing.T) {
	r := source{rand.New(rand.NewPCG(9, 10))}
	widths := map[uint8]int{}
	for range 20_000 {
		values := r.values(1 + r.IntN(12))
		switch r.IntN(8) {
		case 0:
			values = append(values, math.MinInt64, math.MaxInt64)
		case 1:
			values = append(values, values...)
		}
		c, buf := record.PackColumn([]byte("x"), values)
		if buf[0] != 'x' || c.Len() != len(values) || len(c.Offsets) != int(c.Width)*c.Len() {
			t.Fatalf("%v: %d of width %d in %d bytes", values, c.Len(), c.Width, len(c.Offsets))
		}
		widths[c.Width]++
		if got := c.AppendTo([]int64{7})[1:]; !slices.Equal(got, values) {
			t.Fatalf("%v came out as %v", values, got)
		}
		for i, v := range values {
			if c.At(i) != v {
				t.Fatalf("%v: number %d is %d", values, i, c.At(i))
			}
		}
		least, most := slices.Min(values), slices.Max(values)
		wraps := uint64(most)-uint64(least) > math.MaxInt64
		for _, bound := range [][2]int64{{least, most}, {least, math.MaxInt64}, {math.MinInt64, most}, {least + 1, most}, {least, most - 1}, {least - 1, most + 1}} {
			if want := bound[0] <= least && most <= bound[1] && !wraps; c.Within(bound[0], bound[1]) != want {
				t.Fatalf("%v within %v: %t", values, bound, !want)
			}
		}
	}
	for _, w := range []uint8{0, 1, 2, 4, 8} {
		if widths[w] < 100 {
			t.Errorf("width %d was met %d times", w, widths[w])
		}
	}
}

// TestForeignColumns: what others write need not be as small as ours; what does not
// fit is refused.
func TestForeignColumns(t *testing.T) {
	axis := "\x1a\x06\x08\x01\x10\x02\x18\x01" // two times
	axis = axis[:1] + string(rune(len(axis)+1)) + axis[2:] + "\x22\x01\x02"
	series := func(fields string) []byte {
		return []byte("\x0a\x01n" + axis + "\x22" + string(rune(len(fields))) + fields)
	}
	for name, test := range map[string]struct {
		fields string
		want   []int64 // nil: refused
	}{
		"nothing":               {"", []int64{0, 0}},
		"a base alone":          {"\x28\x07", []int64{7, 7}},
		"no scale":              {"\x28\x07\x3a\x02\x01\x02", []int64{8, 9}},
		"a scale of 0":          {"\x30\x00\x3a\x02\x01\x02", []int64{1, 2}},
		"a scale":               {"\x30\x0a\x3a\x04\x01\x00\x00\x01", []int64{10, 2560}},
		"wider than need be":    {"\x3a\x10\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00", []int64{1, 2}},
		"one offset too few":    {"\x3a\x01\x01", nil},
		"three bytes each":      {"\x3a\x06\x01\x00\x00\x01\x00\x00", nil},
		"sixteen bytes each":    {"\x3a\x20" + string(make([]byte, 32)), nil},
		"differences, as once":  {"\x22\x02\x02\x02", nil},
		"an axis that is none":  {"\x18\x01", nil},
		"offsets as a number":   {"\x38\x01", nil},
		"a base as bytes":       {"\x2a\x01\x01", nil},
		"a field of the future": {"\x42\x01\x01", []int64{0, 0}},
	} {
		b, err := new(record.SamplesDecoder).Decode(series(test.fields))
		if (err == nil) != (test.want != nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil && !slices.Equal(b.Series[0].Values.AppendTo(nil), test.want) {
			t.Errorf("%s: %v, want %v", name, b.Series[0].Values.AppendTo(nil), test.want)
		}
	}
}
