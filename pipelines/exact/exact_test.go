package exact_test

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/ntegral/ntegral/pipelines/exact"
)

func TestMulDivRoundHalves(t *testing.T) {
	for _, tc := range []struct{ a, b, c, want int64 }{
		{1, 1, 2, 1}, {-1, 1, 2, 0}, {-3, 1, 2, -1}, {3, 1, 2, 2}, {-2, 2, 3, -1}, {0, 5, 7, 0}, {-7, 1, 1, -7}, {1 << 62, 4, 8, 1 << 61},
	} {
		if got := exact.MulDivRound(tc.a, tc.b, tc.c); got != tc.want {
			t.Errorf("MulDivRound(%d, %d, %d) = %d, want %d", tc.a, tc.b, tc.c, got, tc.want)
		}
	}
}

func TestTrapezoidAgainstRationals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 50_000 {
		dt := 1 + r.Int64N(1<<uint(1+r.IntN(43)))
		u := r.Int64N(dt + 1)
		v0, v1 := r.Int64N(200_000_000_001), r.Int64N(200_000_000_001)
		unit := []int64{1_000_000, 1_000_000_000}[r.IntN(2)]
		x := big.NewRat(u, 1)
		slope := new(big.Rat).Quo(big.NewRat(v1-v0, 1), big.NewRat(2*dt, 1))
		area := new(big.Rat).Mul(new(big.Rat).Add(big.NewRat(v0, 1), new(big.Rat).Mul(slope, x)), x)
		area.Quo(area, big.NewRat(unit, 1))
		if got, want := exact.Trapezoid(v0, v1, u, dt, unit), round(area); got != want {
			t.Fatalf("Trapezoid(%d, %d, %d, %d, %d) = %d, want %d", v0, v1, u, dt, unit, got, want)
		}
	}
}

func TestMulDivRoundAgainstRationals(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 50_000 {
		a, b, c := r.Int64N(1<<60)-1<<59, r.Int64N(1<<uint(1+r.IntN(60))), 1+r.Int64N(1<<62)
		want := new(big.Rat).Mul(big.NewRat(a, 1), big.NewRat(b, c))
		if want.Cmp(big.NewRat(1<<61, 1)) > 0 || want.Cmp(big.NewRat(-1<<61, 1)) < 0 {
			continue
		}
		if got := exact.MulDivRound(a, b, c); got != round(want) {
			t.Fatalf("MulDivRound(%d, %d, %d) = %d, want %d", a, b, c, got, round(want))
		}
	}
}

func round(x *big.Rat) int64 {
	x = new(big.Rat).Add(x, big.NewRat(1, 2))
	return new(big.Int).Div(x.Num(), x.Denom()).Int64()
}

func TestSplit(t *testing.T) {
	for _, tc := range []struct {
		v       int64
		weights []int64
		want    []int64
	}{
		{10, []int64{1, 1, 1}, []int64{4, 3, 3}},
		{-10, []int64{1, 1, 1}, []int64{-4, -3, -3}},
		{11, []int64{0, 0}, []int64{6, 5}},
		{0, []int64{0, 0}, []int64{0, 0}},
		{7, []int64{5}, []int64{7}},
		{5, []int64{1, 0, 3}, []int64{1, 0, 4}},
		{1, []int64{1, 2, 2}, []int64{0, 1, 0}},
		{1_000_000_000_000_000_000, []int64{999_999_999_999_999_999, 1}, []int64{999_999_999_999_999_999, 1}},
	} {
		got := make([]int64, len(tc.weights))
		exact.Split(tc.v, tc.weights, got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("Split(%d, %v) = %v, want %v", tc.v, tc.weights, got, tc.want)
		}
	}
}

// TestSplitLaws: parts add up to the whole, and equal the definition computed
// with rationals and a sort.
func TestSplitLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 20_000 {
		n := 1 + r.IntN(12)
		weights := make([]int64, n)
		for i := range weights {
			if r.IntN(4) > 0 {
				weights[i] = r.Int64N(1 << uint(1+r.IntN(58)))
			}
		}
		v := r.Int64N(1 << uint(1+r.IntN(60)))
		if r.IntN(3) == 0 {
			v = -v
		}
		got := make([]int64, n)
		exact.Split(v, weights, got)
		if want := splitPlain(v, weights); !slices.Equal(got, want) {
			t.Fatalf("Split(%d, %v) = %v, want %v", v, weights, got, want)
		}
	}
}

func splitPlain(v int64, weights []int64) []int64 {
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, big.NewInt(w))
	}
	if sum.Sign() == 0 {
		equal := make([]int64, len(weights))
		for i := range equal {
			equal[i] = 1
		}
		return splitPlain(v, equal)
	}
	abs := max(v, -v)
	parts, rems, order := make([]int64, len(weights)), make([]*big.Int, len(weights)), make([]int, len(weights))
	left := abs
	for i, w := range weights {
		q, m := new(big.Int).DivMod(new(big.Int).Mul(big.NewInt(abs), big.NewInt(w)), sum, new(big.Int))
		parts[i], rems[i], order[i] = q.Int64(), m, i
		left -= parts[i]
	}
	sort.SliceStable(order, func(a, b int) bool { return rems[order[a]].Cmp(rems[order[b]]) > 0 })
	for _, i := range order[:left] {
		parts[i]++
	}
	if v < 0 {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
	return parts
}
