package meter_test

import (
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/ntegral/ntegral/pipelines/meter"
)

// TestCutsChangeNothing: spans that come as one where nothing cuts them give
// every interval between cuts what they give alone.
func TestCutsChangeNothing(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 61))
		m := randomMeter(r)
		var busy meter.Busy
		for _, s := range busy.Series() {
			for at := int64(0); at < 9000 && r.IntN(4) > 0; at += 1 + r.Int64N([]int64{3, 20, 90, 400}[r.IntN(4)]) {
				s.Add(at*second, r.Int64N(1_000_001))
			}
		}
		lo := r.Int64N(40) * 100 * second
		hi := lo + (1+r.Int64N(40))*100*second
		edges := []int64{lo, hi}
		for range r.IntN(30) {
			edges = append(edges, lo+r.Int64N(hi-lo))
		}
		slices.Sort(edges)
		edges = slices.Compact(edges)
		limits := meter.Limits{MaxGap: 300 * second, MaxSilence: 3600 * second, Hold: 10 * second}
		plain, joined := meter.Reader{Limits: limits}, meter.Reader{Limits: limits, Cuts: edges}
		spans, outside := plain.Spans(&m, lo, hi)
		want := given(spans, edges)
		spans, joinedOutside := joined.Spans(&m, lo, hi)
		if got := given(spans, edges); !slices.Equal(got, want) || outside != joinedOutside {
			t.Fatalf("seed %d: energy %v %v, want %v %v", seed, got, joinedOutside, want, outside)
		}
		want = given(plain.BusySpans(&busy, lo, hi), edges)
		if got := given(joined.BusySpans(&busy, lo, hi), edges); !slices.Equal(got, want) {
			t.Fatalf("seed %d: busy %v, want %v", seed, got, want)
		}
	}
}

// TestSearchFindsPlaces in series that are even, uneven and far apart.
func TestSearchFindsPlaces(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 67))
		var s meter.Series
		at := r.Int64N(1 << 40)
		for range r.IntN(60) {
			at += 1 + r.Int64N([]int64{1, 3, 1 << 20, 1 << 50}[r.IntN(4)])
			s.Add(at, 0)
		}
		ask := []int64{-1 << 62, 0, 1 << 62}
		for _, u := range s.Times {
			ask = append(ask, u-1, u, u+1, u+r.Int64N(1<<20))
		}
		for _, u := range ask {
			want := sort.Search(len(s.Times), func(i int) bool { return s.Times[i] >= u })
			if got := s.Search(u); got != want {
				t.Fatalf("seed %d: Search(%d) = %d, want %d in %v", seed, u, got, want, s.Times)
			}
		}
	}
}
