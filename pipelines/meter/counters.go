package meter

import "slices"

// Count is what one of Counters counts.
type Count int

// Counts, and the unit of their readings.
const (
	ThrottleTime Count = iota // ns
	XIDErrors
	InputTokens
	OutputTokens
	Requests
	CPUTime // ns
	Memory  // bytes: not a counter but a gauge
	NumCounts
)

// Counters are what a source counts beside energy, and a placement's memory.
type Counters [NumCounts]Series

// Series returns the series in the order of Count.
func (c *Counters) Series() (all [NumCounts]*Series) {
	for k := range c {
		all[k] = &c[k]
	}
	return all
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

// CountSpans appends, within [lo, hi), the segments of a count that say something;
// Amount of one is what was counted, of Memory its integral in byte seconds. Equal
// readings say that nothing happened, unlike those of an energy counter, whose
// sensors hang.
func (r *Reader) CountSpans(spans []Span, s *Series, k Count, lo, hi int64) []Span {
	most := int64(maxCountPerNanosecond)
	switch k {
	case Memory:
		all := appendSegments(spans, s, r.Limits.MaxGap, RungPower, lo, hi)
		return slices.DeleteFunc(all, func(s Span) bool { return max(s.V0, s.V1) > maxLevel })
	case ThrottleTime, CPUTime:
		most = maxTimePerNanosecond
	}
	for i := max(s.Before(lo), 0); i+1 < len(s.Times) && s.Times[i] < hi; i++ {
		t0, t1 := s.Times[i], s.Times[i+1]
		seg := Span{From: t0, To: t1, Origin: t0, Length: t1 - t0, V1: s.Values.At(i+1) - s.Values.At(i), Rung: RungCounter}
		if seg.V1 < 0 {
			seg.V1 = s.Values.At(i + 1)
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
