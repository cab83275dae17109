package meter_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ntegral/ntegral/pipelines/meter"
)

// randomMeter draws readings whose times collide with each other's and with
// the limits' boundaries: whole tens of seconds.
func randomMeter(r *rand.Rand) meter.Meter {
	m := meter.Meter{MaxPower: 5000 * watt}
	v := int64(0)
	for t := int64(0); t < 9000; t += 10 * (1 + r.Int64N([]int64{3, 30, 90, 400}[r.IntN(4)])) {
		switch r.IntN(6) {
		case 0:
			v = r.Int64N(1000 * joule)
		case 1:
		default:
			v += r.Int64N(3_000_000 * joule)
		}
		m.Counter.Add(t*second, v)
	}
	for t := int64(0); t < 9000; t += 10 * (1 + r.Int64N([]int64{3, 30, 60}[r.IntN(3)])) {
		m.Power.Add(t*second, r.Int64N(5000*watt))
	}
	for range r.IntN(4) {
		m.Limit.Add(r.Int64N(900)*10*second, r.Int64N(1000*watt))
	}
	return m
}

// given adds up what spans give in each unit of time of [lo, hi).
func given(spans []meter.Span, edges []int64) []int64 {
	out := make([]int64, len(edges)-1)
	for i := range out {
		for k := range spans {
			if a, b := max(spans[k].From, edges[i]), min(spans[k].To, edges[i+1]); a < b {
				out[i] += spans[k].Amount(a, b)
			}
		}
	}
	return out
}

// TestCuttingChangesNothing: read in one piece or in pieces cut anywhere, every
// part of the time gets the same energy, and as much lies outside.
func TestCuttingChangesNothing(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 23))
		m := randomMeter(r)
		edges := []int64{0, 9000 * second}
		for range r.IntN(40) {
			edges = append(edges, r.Int64N(900)*10*second+r.Int64N(2)*r.Int64N(10*second))
		}
		slices.Sort(edges)
		edges = slices.Compact(edges)
		whole := meter.Reader{Limits: limits}
		spans, wantOutside := whole.Spans(&m, edges[0], edges[len(edges)-1])
		want := given(spans, edges)
		pieces := meter.Reader{Limits: limits}
		var got []int64
		var outside meter.Outside
		for i := range want {
			spans, out := pieces.Spans(&m, edges[i], edges[i+1])
			checkSpans(t, seed, spans, edges[i], edges[i+1])
			got = append(got, given(spans, edges[i:i+2])...)
			outside.Rejected += out.Rejected
			outside.Unplaced += out.Unplaced
			outside.Resets += out.Resets
			outside.Hung += out.Hung
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Fatalf("seed %d, edges %v: got before want (-got +want):\n%s", seed, edges, diff)
		}
		if outside != wantOutside {
			t.Fatalf("seed %d: outside %+v in pieces, want %+v", seed, outside, wantOutside)
		}
	}
}

// checkSpans: disjoint, in order, within [lo, hi), never negative.
func checkSpans(t *testing.T, seed uint64, spans []meter.Span, lo, hi int64) {
	t.Helper()
	at := lo
	for i := range spans {
		s := &spans[i]
		if s.From < at || s.To <= s.From || s.To > hi {
			t.Fatalf("seed %d: span [%d, %d) behind %d in [%d, %d)", seed, s.From, s.To, at, lo, hi)
		}
		if v := s.Amount(s.From, s.To); v < 0 {
			t.Fatalf("seed %d: span [%d, %d) gives %d", seed, s.From, s.To, v)
		}
		at = s.To
	}
}

// TestCounterIsGivenWhole: where rungs 1, 4 and 5 find room, a counter's
// readings are accounted for: spans and what lies outside add up to its rises
// and what stood there after resets, less what power gives inside bridges.
func TestCounterIsGivenWhole(t *testing.T) {
	for seed := range uint64(300) {
		m := randomMeter(rand.New(rand.NewPCG(seed, 29)))
		m.Power = meter.Series{}
		r := meter.Reader{Limits: limits}
		spans, out := r.Spans(&m, 0, 9000*second)
		got := out.Rejected + out.Unplaced
		for i := range spans {
			got += spans[i].Amount(spans[i].From, spans[i].To)
		}
		want := int64(0)
		for i := 1; i < m.Counter.Len(); i++ {
			if rise := m.Counter.Values.At(i) - m.Counter.Values.At(i-1); rise >= 0 {
				want += rise
			} else {
				want += m.Counter.Values.At(i)
			}
		}
		if got != want {
			t.Fatalf("seed %d: got %d µJ, want %d", seed, got, want)
		}
	}
}

// TestBestRungByInstants holds the laying of ratios over each other against
// the definition at every instant.
func TestBestRungByInstants(t *testing.T) {
	const unit, end = int64(1), int64(60)
	r := meter.Reader{Limits: meter.Limits{MaxGap: 6 * unit, MaxSilence: 20, Hold: 2}}
	for seed := range uint64(3000) {
		d := rand.New(rand.NewPCG(seed, 31))
		var b meter.Busy
		for _, s := range b.Series() {
			for range d.IntN(12) {
				s.Add(d.Int64N(end), d.Int64N(1_000_000))
			}
		}
		lo := d.Int64N(end)
		hi := lo + 1 + d.Int64N(end-lo)
		spans := r.BusySpans(&b, lo, hi)
		checkSpans(t, seed, spans, lo, hi)
		for x := lo; x < hi; x++ {
			want := bestAt(b.Series(), x, 6*unit)
			var got *meter.Span
			for i := range spans {
				if spans[i].From <= x && x < spans[i].To {
					got = &spans[i]
				}
			}
			switch {
			case (got == nil) != (want == nil):
				t.Fatalf("seed %d at %d of [%d, %d): got %+v, want %+v", seed, x, lo, hi, got, want)
			case got != nil && (got.Origin != want.Origin || got.Length != want.Length || got.V0 != want.V0 || got.V1 != want.V1):
				t.Fatalf("seed %d at %d: got %+v, want %+v", seed, x, *got, *want)
			}
		}
	}
}

// bestAt returns the segment of the first series that covers instant x.
func bestAt(all [3]*meter.Series, x, maxGap int64) *meter.Span {
	for _, s := range all {
		for i := 0; i+1 < s.Len(); i++ {
			if s.Times[i] <= x && x < s.Times[i+1] && s.Times[i+1]-s.Times[i] <= maxGap {
				return &meter.Span{Origin: s.Times[i], Length: s.Times[i+1] - s.Times[i], V0: s.Values.At(i), V1: s.Values.At(i + 1)}
			}
		}
	}
	return nil
}

// TestSeriesIsASet: order of adding does not matter, the largest of one time
// counts, and what was dropped can be put back.
func TestSeriesIsASet(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 37))
		var a, b meter.Series
		var all [][2]int64
		for range r.IntN(30) {
			all = append(all, [2]int64{r.Int64N(20), r.Int64N(5)})
		}
		for _, x := range all {
			known, changes := a.Would(x[0], x[1])
			if k, c := a.Add(x[0], x[1]); k != known || c != changes {
				t.Fatalf("seed %d: Add said %t, %t, Would %t, %t", seed, k, c, known, changes)
			}
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, x := range all {
			b.Add(x[0], x[1])
		}
		if diff := cmp.Diff(b, a, sameValues); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		count := r.IntN(b.Len() + 1)
		times, values := slices.Clone(b.Times[:count]), b.Values.AppendTo(nil, 0, count)
		b.Drop(count)
		if diff := cmp.Diff(seriesOf(a.Times[count:], a.Values.All()[count:]), b, cmpopts.EquateEmpty(), sameValues); diff != "" {
			t.Fatalf("seed %d: after Drop(%d): %s", seed, count, diff)
		}
		b.Prepend(times, values)
		if diff := cmp.Diff(a, b, cmpopts.EquateEmpty(), sameValues); diff != "" {
			t.Fatalf("seed %d: after Drop(%d) and Prepend: %s", seed, count, diff)
		}
	}
}

// TestTrimKept: what is left of a counter says the same of every window from the
// time on.
func TestTrimKept(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 41))
		var whole meter.Meter
		whole.MaxPower = 1 << 40
		for range r.IntN(30) {
			whole.Counter.Add(r.Int64N(60), r.Int64N(4))
		}
		trimmed := whole
		trimmed.Counter = seriesOf(slices.Clone(whole.Counter.Times), whole.Counter.Values.All())
		at := r.Int64N(70)
		start, ok := trimmed.Counter.TrimKept(at)
		if kept := whole.Counter.KeptBefore(at); ok != (kept >= 0) || ok && start != whole.Counter.Times[kept] {
			t.Fatalf("seed %d: TrimKept(%d) says %d, %t", seed, at, start, ok)
		}
		reader := meter.Reader{Limits: meter.Limits{MaxGap: 5, MaxSilence: 20, Hold: 2}}
		want, wantOutside := reader.Spans(&whole, at, at+10)
		want = slices.Clone(want)
		got, gotOutside := reader.Spans(&trimmed, at, at+10)
		if !slices.Equal(got, want) || gotOutside != wantOutside {
			t.Fatalf("seed %d, from %d: got %v %v, want %v %v", seed, at, got, gotOutside, want, wantOutside)
		}
	}
}
