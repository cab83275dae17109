package meter

import "github.com/ntegral/ntegral/pipelines/exact"

// Rung is how the energy of a span is known, best first.
type Rung uint8

// The rungs. Busy spans have RungGauge, or RungSum where several come as one.
const (
	RungNone Rung = iota
	RungCounter
	RungPower
	RungHold
	RungBridge
	RungReset
	RungGauge
	RungSum
)

// Measured reports whether a meter measured the span's energy itself.
func (r Rung) Measured() bool { return r == RungCounter || r == RungPower || r == RungBridge }

// Estimated reports whether the span's energy is an estimate.
func (r Rung) Estimated() bool { return r == RungHold || r == RungBridge || r == RungReset }

// Units that turn value × ns into the integral's unit.
const (
	powerUnit = 1_000_000_000 // µW·ns in a µJ
	ratioUnit = 1_000_000     // ppm·ns in a ns
)

// Span is a stretch of time [From, To) with one rung, inside a segment that
// starts at Origin and is Length long.
//
//	linear (counter, bridge, reset): V1 of the whole segment, evenly
//	trapezoid (power, gauge): from V0 to V1
//	hold: V0 throughout
//	sum: V1 in all, and nothing is asked of a part
type Span struct {
	From, To       int64
	Origin, Length int64
	V0, V1         int64
	Rung           Rung
}

// joins reports whether a whole counter segment goes on where s, whole as well,
// ends, with no cut since s began; last is the last cut up to the segment.
func (s *Span) joins(seg *Span, last int64) bool {
	return s.Rung == RungCounter && s.To == seg.From && s.Origin == s.From && s.Length == s.To-s.From && (last <= s.From || last > seg.From)
}

// upTo returns what the span's segment has given up to x.
func (s *Span) upTo(x int64) int64 {
	u := x - s.Origin
	switch s.Rung {
	case RungCounter, RungBridge, RungReset, RungSum:
		if u == s.Length {
			return s.V1
		}
		return exact.MulDivRound(s.V1, u, s.Length)
	case RungHold:
		return exact.MulDivRound(s.V0, u, powerUnit)
	case RungGauge:
		return exact.Trapezoid(s.V0, s.V1, u, s.Length, ratioUnit)
	}
	return exact.Trapezoid(s.V0, s.V1, u, s.Length, powerUnit)
}

// Amount returns what the span gives in [a, b), which must lie inside it.
func (s *Span) Amount(a, b int64) int64 {
	if a == s.Origin {
		return s.upTo(b)
	}
	return s.upTo(b) - s.upTo(a)
}

// layer puts spans below those of base, which win where both are: it appends
// to out all of base and what lower has beside it, in time order. Both inputs
// are in time order and disjoint.
func layer(out, base, lower []Span) []Span {
	if len(lower) == 0 {
		return append(out, base...)
	}
	i := 0
	for _, s := range lower {
		for i < len(base) && base[i].To <= s.From {
			out = append(out, base[i])
			i++
		}
		for i < len(base) && base[i].From < s.To {
			if s.From < base[i].From {
				part := s
				part.To = base[i].From
				out = append(out, part)
			}
			s.From = min(base[i].To, s.To)
			if base[i].To > s.To {
				break // the next lower span may still touch it
			}
			out = append(out, base[i])
			i++
		}
		if s.From < s.To {
			out = append(out, s)
		}
	}
	return append(out, base[i:]...)
}

// clip restricts a span to [lo, hi); ok is false if nothing is left.
func (s Span) clip(lo, hi int64) (Span, bool) {
	s.From, s.To = max(s.From, lo), min(s.To, hi)
	return s, s.From < s.To
}

// covers reports whether spans leave nothing of [lo, hi) free.
func covers(spans []Span, lo, hi int64) bool {
	at := lo
	for i := range spans {
		if spans[i].From > at {
			return false
		}
		at = spans[i].To
	}
	return at >= hi
}
