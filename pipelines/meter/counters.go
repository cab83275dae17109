package meter

import "slices"

// Counters are what a source counts beside energy, and a placement's memory.
type Counters struct {
	Throttle, XID                       Series // ns, 1
	InputTokens, OutputTokens, Requests Series // 1
	CPU                                 Series // ns
	Memory                              Series // bytes, a gauge
}

// NumCounters is how many series Counters has.
const NumCounters = 7

// Series returns the series in the order of the fields; the gauge is last.
func (c *Counters) Series() [NumCounters]*Series {
	return [...]*Series{&c.Throttle, &c.XID, &c.InputTokens, &c.OutputTokens, &c.Requests, &c.CPU, &c.Memory}
}

// What a segment can say is bounded by its length, so that sums over a window stay
// far from overflow whatever a source sends: of counts one a ns, which nobody
// serves, of times those of 10⁵ cores.
const (
	maxCountPerNanosecond = 1
	maxTimePerNanosecond  = 100_000
	// maxLevel bounds a gauge: 1 PiB of memory.
	maxLevel = 1 << 50
)

// CountSpans appends, within [lo, hi), the segments of a counter that count.
// Equal readings say that nothing happened, unlike those of an energy counter,
// whose sensors hang. Times says that it counts ns.
func (r *Reader) CountSpans(spans []Span, s *Series, times bool, lo, hi int64) []Span {
	most := int64(maxCountPerNanosecond)
	if times {
		most = maxTimePerNanosecond
	}
	for i := max(s.Before(lo), 0); i+1 < len(s.Times) && s.Times[i] < hi; i++ {
		t0, t1 := s.Times[i], s.Times[i+1]
		seg := Span{From: t0, To: t1, Origin: t0, Length: t1 - t0, V1: s.Values[i+1] - s.Values[i], Rung: RungCounter}
		if seg.V1 < 0 {
			seg.V1 = s.Values[i+1]
		}
		if seg.Length > r.Limits.MaxSilence || seg.V1 > most*seg.Length {
			continue
		}
		if part, ok := seg.clip(lo, hi); ok {
			spans = append(spans, part)
		}
	}
	return spans
}

// LevelSpans appends, within [lo, hi), the segments of a gauge; Amount of a span
// is its integral in the gauge's unit × s.
func (r *Reader) LevelSpans(spans []Span, s *Series, lo, hi int64) []Span {
	all := appendSegments(spans, s, r.Limits.MaxGap, RungPower, lo, hi)
	return slices.DeleteFunc(all, func(s Span) bool { return max(s.V0, s.V1) > maxLevel })
}
