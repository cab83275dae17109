package meter_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/meter"
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

// TestValues: whatever is done to values, they are what a plain slice would be.
func TestValues(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 3))
		var got, before meter.Values
		var want []int64
		base := r.Int64N(1<<50) / 10_000 * 10_000
		for range 1 + r.IntN(30) {
			switch k := r.IntN(10); {
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
			for i, v := range want {
				if got.At(i) != v {
					t.Fatalf("seed %d: At(%d): got %d, want %d", seed, i, got.At(i), v)
				}
			}
		}
	}
}
