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
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 61))
		m := randomMeter(r)
		var busy meter.Busy
		if seed%3 > 0 {
			beat(r, &m, &busy)
		}
		for _, s := range busy.Series() {
			if s.Len() > 0 {
				continue
			}
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

// beat replaces the readings of a meter and of ratios by those of sensors that are read at
// a beat, which is missed at times. They share their times, but not all begin and end together.
func beat(r *rand.Rand, m *meter.Meter, busy *meter.Busy) {
	step := []int64{second, 2 * second, 10 * second, 1_001_000_000, 3_000_000, 400 * second}[r.IntN(6)]
	var times []int64
	seldom := []int{20, 300}[r.IntN(2)]
	for at := r.Int64N(1000 * second); len(times) < 1500; at += step {
		if r.IntN(seldom) == 0 {
			at += r.Int64N(2 * step)
		}
		times = append(times, at)
	}
	m.MaxPower, m.Power, m.Limit = 400*watt, meter.Series{}, meter.Series{}
	for range r.IntN(2) * r.IntN(40) {
		m.Limit.Add(times[r.IntN(len(times))]+r.Int64N(2), r.Int64N(1000*watt))
	}
	// Counters rise as fast as the device can, a bit more and too fast; go back, and hang.
	unit := []int64{1, 1000}[r.IntN(2)]
	value, most := r.Int64N(1000*joule), m.MaxPower/watt*(step/1000)*13/10
	m.Counter = drawn(r, times, func() int64 {
		switch r.IntN(200) {
		case 0:
			value -= r.Int64N(value + 1)
		case 1:
		default:
			value += r.Int64N(most)
		}
		return value / unit * unit
	})
	for _, s := range busy.Series() {
		if r.IntN(3) > 0 {
			unit := []int64{1, 100, 10_000, 1_000_000}[r.IntN(4)]
			*s = drawn(r, times, func() int64 { return r.Int64N(1_000_000+unit) / unit * unit })
		}
	}
}

// drawn returns a series over some of the times.
func drawn(r *rand.Rand, times []int64, value func() int64) meter.Series {
	from, to := r.IntN(2)*r.IntN(700), len(times)-r.IntN(2)*r.IntN(700)
	var values []int64
	for range times[from:to] {
		values = append(values, value())
	}
	return seriesOf(times[from:to:to], values)
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
