package meter

import (
	"math"
	"math/bits"

	"github.com/ntegral/ntegral/pipelines/exact"
)

// Busy is what one device's readings say of its use: ratios, best first.
type Busy struct {
	SMActive, GraphicsEngineActive, GPUUtil Series // ppm
}

// Series returns the ratios, best first.
func (b *Busy) Series() [3]*Series {
	return [3]*Series{&b.SMActive, &b.GraphicsEngineActive, &b.GPUUtil}
}

// BusySpans returns, within [lo, hi), spans of the best ratio that covers each
// instant; Amount of a span is busy time in ns. The result is valid until the
// next call of a method of r.
func (r *Reader) BusySpans(b *Busy, lo, hi int64) []Span {
	spans := r.a[:0]
	for _, s := range b.Series() {
		if len(s.Times) < 2 {
			continue
		}
		if len(spans) > 0 && covers(spans, lo, hi) {
			break
		}
		if len(spans) == 0 {
			spans = r.gaugeRuns(spans, s, lo, hi)
			r.a = spans
			continue
		}
		r.inner1 = appendSegments(r.inner1[:0], s, r.Limits.MaxGap, RungGauge, lo, hi)
		r.b = layer(r.b[:0], spans, r.inner1)
		r.a, r.b = r.b, r.a
		spans = r.a
	}
	return spans
}

// BusySegments is BusySpans in spans that may be cut anywhere.
func (r *Reader) BusySegments(b *Busy, lo, hi int64) []Span {
	cuts := r.Cuts
	r.Cuts = nil
	spans := r.BusySpans(b, lo, hi)
	r.Cuts = cuts
	return spans
}

// gaugeRuns is appendSegments for a series of which nothing is ever cut but at
// r.Cuts: segments between two cuts come as one span that is their sum. Each is
// rounded for itself, as it is where it comes alone.
func (r *Reader) gaugeRuns(out []Span, s *Series, lo, hi int64) []Span {
	cut := 0
	n := len(s.Times)
	for i := max(s.Before(lo), 0); i+1 < n && s.Times[i] < hi; i++ {
		for cut < len(r.Cuts) && r.Cuts[cut] <= s.Times[i] {
			cut++
		}
		if cut < len(r.Cuts) && s.Times[i] >= lo {
			if j, sum := r.area(s, i, min(r.Cuts[cut], hi)); j > i {
				from, to := s.Times[i], s.Times[j]
				out = append(out, Span{From: from, To: to, Origin: from, Length: to - from, V1: sum, Rung: RungSum})
				i = j - 1
				continue
			}
		}
		if seg, ok := s.segment(i, r.Limits.MaxGap, RungGauge, lo, hi); ok {
			out = append(out, seg)
		}
	}
	return out
}

// area returns the last reading, at until or before, up to which segments from
// reading i on are not longer than a gap, and what they give, in ns of a ratio.
func (r *Reader) area(s *Series, i int, until int64) (j int, sum int64) {
	if j, sum, ok := r.evenArea(s, i, until); ok {
		return j, sum
	}
	times, maxGap := s.Times, r.Limits.MaxGap
	values := r.until(s, i, until)
	for k := 1; k < len(values) && times[i+k]-times[i+k-1] <= maxGap; k++ {
		before, value := values[k-1], values[k]
		length, both := uint64(times[i+k]-times[i+k-1]), uint64(before)+uint64(value)
		j = k
		if hi, lo := bits.Mul64(both, length); hi == 0 && lo < math.MaxInt64 {
			sum += int64((lo + ratioUnit) / (2 * ratioUnit)) // R of the half, by a constant
			continue
		}
		sum += exact.Trapezoid(before, value, int64(length), int64(length), ratioUnit)
	}
	return i + j, sum
}

// until returns the values of the readings from i on that are not after a time. They
// are valid until the next call.
func (r *Reader) until(s *Series, i int, t int64) []int64 {
	r.values = s.Values.AppendTo(r.values[:0], i, max(s.Search(t+1), i+1))
	return r.values
}
