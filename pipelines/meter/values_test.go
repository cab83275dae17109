package meter_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
)

var sameValues = cmp.Comparer(func(a, b meter.Values) bool { return slices.Equal(a.All(), b.All()) })

func seriesOf(times, values []int64) meter.Series {
	s := meter.Series{Times: times}
	s.Values.Append(values)
	return s
}

// drawValue draws values as sensors give them and as they might: whole milliwatts
// and percents, far apart, at the ends of what there is.
func drawValue(r *rand.Rand, base int64) int64 {
	switch r.IntN(24) {
	case 0:
		return r.Int64N(math.MaxInt64)
	case 1:
		return base
	case 2:
		return []int64{0, 1, math.MaxInt64, base + math.MaxInt32, base + math.MaxInt32 + 1, base + 1000*math.MaxInt32, base + 1000*(math.MaxInt32+1)}[r.IntN(7)]
	case 3:
		return base + r.Int64N(1000)
	}
	return base + r.Int64N(1_000_000)*[]int64{1000, 10_000}[r.IntN(2)]
}

// drawColumn draws columns as our writers make them, and as others might.
func drawColumn(r *rand.Rand, base int64) record.Column {
	values := make([]int64, r.IntN(12))
	spread, unit := []int64{1, 100, 10_000, 1_000_000, math.MaxInt32}[r.IntN(5)], []int64{1000, 10_000}[r.IntN(2)]
	for i := range values {
		values[i] = base + r.Int64N(spread)*unit
		if r.IntN(40) == 0 {
			values[i] = drawValue(r, base)
		}
	}
	c := record.ColumnOf(values...)
	switch r.IntN(10) {
	case 0:
		c.Scale = []uint64{1, 7, 1000, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint64}[r.IntN(6)]
	case 1:
		c.Base = []int64{0, -1, math.MinInt64, math.MaxInt64}[r.IntN(4)]
	}
	return c
}

// TestValues: whatever is done to values, they are what a plain slice would be.
func TestValues(t *testing.T) {
	columns := map[uint8]int{} // taken as they are, by width
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 3))
		var got, before meter.Values
		var want []int64
		base := r.Int64N(1<<50) / 10_000 * 10_000
		for range 1 + r.IntN(30) {
			switch k := r.IntN(12); {
			case k >= 10:
				c := drawColumn(r, base)
				more := c.AppendTo(nil)
				most := int64(math.MaxInt64)
				if len(more) > 0 && r.IntN(2) == 0 {
					most = slices.Max(more) - int64(r.IntN(2))
				}
				if got.Stage(&c, most) {
					if len(more) > 0 && slices.Max(more) > most {
						t.Fatalf("seed %d: %v were taken, above %d", seed, more, most)
					}
					got.Commit(&c)
					columns[c.Width]++
				} else {
					got.Append(more)
				}
				want = append(want, more...)
			case k < 5:
				more := make([]int64, r.IntN(12))
				for i := range more {
					more[i] = drawValue(r, base)
				}
				got.Append(more)
				want = append(want, more...)
			case k == 5 && len(want) > 0:
				i, v := r.IntN(len(want)), drawValue(r, base)
				got.Set(i, v)
				want[i] = v
			case k == 6:
				i, v := r.IntN(len(want)+1), drawValue(r, base)
				got.Insert(i, v)
				want = slices.Insert(want, i, v)
			case k == 7:
				front := []int64{drawValue(r, base), drawValue(r, base)}
				got.Prepend(front)
				want = slices.Insert(want, 0, front...)
			case k == 8:
				before = got
				for range 1 + r.IntN(3) {
					count := r.IntN(len(want) + 1)
					got.Cut(count)
					want = want[count:]
				}
				if r.IntN(8) == 0 {
					v := drawValue(r, base)
					got.Append([]int64{v})
					want = append(want, v)
				}
				got.Settle(before)
			case len(want) > 0:
				from := r.IntN(len(want))
				to := from + r.IntN(len(want)-from)
				if part := got.AppendTo([]int64{7}, from, to); part[0] != 7 || !slices.Equal(part[1:], want[from:to]) {
					t.Fatalf("seed %d: [%d, %d): got %v, want %v", seed, from, to, part, want)
				}
			}
			if got.Len() != len(want) || !slices.Equal(got.All(), want) {
				t.Fatalf("seed %d: got %v, want %v", seed, got.All(), want)
			}
			if n := got.Len(); n > 0 {
				var again meter.Values
				if c := got.Column(n); !again.Hold(&c) || !slices.Equal(again.All(), want) {
					t.Fatalf("seed %d: held again %v gives %v", seed, want, again.All())
				}
			}
			for i, v := range want {
				if got.At(i) != v {
					t.Fatalf("seed %d: At(%d): got %d, want %d", seed, i, got.At(i), v)
				}
			}
		}
	}
	for _, width := range []uint8{0, 1, 2, 4} {
		if columns[width] < 100 {
			t.Errorf("%d columns of width %d were taken as they are", columns[width], width)
		}
	}
}
