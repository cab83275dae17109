package record_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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

// TestRecordsHaveBounds: without offsets a record can name far more than it has bytes.
func TestRecordsHaveBounds(t *testing.T) {
	const half = record.MaxReadings / 2
	sound := func() *record.SampleBatch {
		s := &record.SampleBatch{Node: "n", Axes: [][]int64{make([]int64, half)}}
		for i := range s.Axes[0] {
			s.Axes[0][i] = int64(i)
		}
		same := record.ColumnOf(make([]int64, half)...)
		s.Series = []record.SeriesColumn{{Device: "a", Values: same}, {Device: "b", Values: same}}
		return s
	}
	for name, test := range map[string]struct {
		edit func(*record.SampleBatch) []byte
		want bool
	}{
		"as many readings as there may be": {func(s *record.SampleBatch) []byte { return s.Append(nil) }, true},
		"one column too many": {func(s *record.SampleBatch) []byte {
			s.Series = append(s.Series, s.Series[0])
			return s.Append(nil)
		}, false},
		"too many devices": {func(s *record.SampleBatch) []byte {
			return append(s.Append(nil), strings.Repeat("\x2a\x00", record.MaxReadings)...)
		}, false},
		"too many columns": {func(s *record.SampleBatch) []byte {
			return append(s.Append(nil), strings.Repeat("\x5a\x00", record.MaxReadings)...)
		}, false},
		"too many axes": {func(s *record.SampleBatch) []byte {
			return append(s.Append(nil), strings.Repeat("\x1a\x00", record.MaxReadings)...)
		}, false},
		"too many numbers": {func(s *record.SampleBatch) []byte {
			const n = record.MaxReadings + 2
			return append(append(s.Append(nil), 0x42, n&0x7f|0x80, n>>7&0x7f|0x80, n>>14), make([]byte, n)...)
		}, false},
	} {
		_, err := new(record.SamplesDecoder).Decode(test.edit(sound()))
		if (err == nil) != test.want || err != nil && !strings.Contains(err.Error(), "too many") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignArrays: series are read as the contract says whoever wrote them, and what
// does not fit together is refused.
func TestForeignArrays(t *testing.T) {
	array := func(field byte, content string) string {
		return string([]byte{field<<3 | 2, byte(len(content))}) + content
	}
	const devices, counts, metrics, axes, bases, scales, offsets = 5, 6, 7, 8, 9, 10, 11
	axis := array(3, "\x08\x01\x10\x02\x18\x01\x22\x01\x02") // two times
	// One series of the node's, of two readings, but for the arrays that a case has.
	one := map[byte]string{devices: "", counts: "\x01", metrics: "\x01", bases: "\x00", scales: "\x01", offsets: ""}
	type arrays map[byte]string
	const gone = "gone"
	for name, test := range map[string]struct {
		arrays arrays
		more   string
		want   []int64 // of all series; nil: refused
	}{
		"nothing":                         {nil, "", []int64{0, 0}},
		"a base":                          {arrays{bases: "\x07"}, "", []int64{7, 7}},
		"a negative base":                 {arrays{bases: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}, "", []int64{-1, -1}},
		"offsets":                         {arrays{bases: "\x07", offsets: "\x01\x02"}, "", []int64{8, 9}},
		"a scale of 0":                    {arrays{scales: "\x00", offsets: "\x01\x02"}, "", []int64{1, 2}},
		"a scale":                         {arrays{scales: "\x0a", offsets: "\x01\x00\x00\x01"}, "", []int64{10, 2560}},
		"wider than need be":              {arrays{offsets: "\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"}, "", []int64{1, 2}},
		"the only axis named":             {arrays{axes: "\x00"}, "", []int64{0, 0}},
		"two series of a device":          {arrays{counts: "\x02", metrics: "\x01\x02", bases: "\x07\x08", scales: "\x01\x01"}, array(offsets, ""), []int64{7, 7, 8, 8}},
		"a second device without any":     {arrays{counts: "\x01\x00"}, array(devices, "d"), []int64{0, 0}},
		"no series":                       {arrays{devices: gone, counts: "", metrics: "", bases: "", scales: "", offsets: gone}, "", []int64{}},
		"a field of the future":           {nil, array(12, "x"), []int64{0, 0}},
		"a metric of the future":          {arrays{metrics: "\xff\x7f"}, "", []int64{0, 0}},
		"one offset too few":              {arrays{offsets: "\x01"}, "", nil},
		"one offset too many":             {arrays{offsets: "\x01\x02\x03"}, "", nil},
		"three bytes each":                {arrays{offsets: "\x01\x00\x00\x01\x00\x00"}, "", nil},
		"sixteen bytes each":              {arrays{offsets: string(make([]byte, 32))}, "", nil},
		"an axis that is none":            {arrays{axes: "\x01"}, "", nil},
		"an axis too many":                {arrays{axes: "\x00\x00"}, "", nil},
		"no metric":                       {arrays{metrics: ""}, "", nil},
		"no offsets":                      {arrays{offsets: gone}, "", nil},
		"no base":                         {arrays{bases: ""}, "", nil},
		"two scales":                      {arrays{scales: "\x01\x01"}, "", nil},
		"a number that does not end":      {arrays{bases: "\x80"}, "", nil},
		"a series of no device":           {arrays{counts: "\x00"}, "", nil},
		"a device without count":          {nil, array(devices, "d"), nil},
		"more series than there are":      {arrays{counts: "\x02"}, "", nil},
		"more series than 64 bits hold":   {arrays{counts: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02"}, array(devices, "d"), nil},
		"an array twice":                  {nil, array(bases, "\x00"), nil},
		"a number that is not packed":     {arrays{bases: ""}, "\x48\x00", nil},
		"offsets as a number":             {nil, "\x58\x01", nil},
		"a device as a number":            {nil, "\x28\x01", nil},
		"series one by one, as they were": {nil, array(4, "\x28\x07"), nil},
	} {
		b := array(1, "n") + axis
		for field := byte(devices); field <= offsets; field++ {
			content, ok := test.arrays[field]
			if !ok {
				content, ok = one[field]
			}
			if ok && content != gone && (content != "" || field == devices || field == offsets) {
				b += array(field, content)
			}
		}
		s, err := new(record.SamplesDecoder).Decode([]byte(b + test.more))
		if (err == nil) != (test.want != nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err != nil {
			if !errors.Is(err, record.ErrMalformed) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		got := []int64{}
		for i := range s.Series {
			got = s.Series[i].Values.AppendTo(got)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
