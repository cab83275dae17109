package meter

import "github.com/ntegral/ntegral/pipelines/exact"

// counterSpans appends the rung-1 spans of [lo, hi) to spans and the segments
// of rungs 4 and 5 that touch it, whole, to segments.
func (r *Reader) counterSpans(m *Meter, spans, segments []Span, lo, hi int64, out *Outside) ([]Span, []Span) {
	c := &m.Counter
	n := len(c.Times)
	if n < 2 {
		return spans, segments
	}
	cut := 0
	i := max(c.KeptBefore(lo), 0)
	for i < n && c.Times[i] < hi {
		for cut < len(r.Cuts) && r.Cuts[cut] <= c.Times[i] {
			cut++
		}
		if cut < len(r.Cuts) && c.Times[i] >= lo {
			if j := r.plainRun(m, i, min(r.Cuts[cut], hi)); j > i {
				run := Span{From: c.Times[i], To: c.Times[j], Origin: c.Times[i], Length: c.Times[j] - c.Times[i], V1: c.Values.At(j) - c.Values.At(i), Rung: RungCounter}
				spans = r.addCounter(spans, run, cut, lo, hi)
				i = j
				continue
			}
		}
		j := c.nextKept(i)
		for k := i + 1; k < j; k++ {
			if c.Times[k] > lo && c.Times[k] <= hi {
				out.Hung++
			}
		}
		if j == n {
			break
		}
		seg, ok := r.counterSegment(m, i, j, lo, hi, out)
		switch {
		case !ok:
		case seg.Rung == RungCounter:
			spans = r.addCounter(spans, seg, cut, lo, hi)
		case seg.To > lo:
			segments = append(segments, seg)
		}
		i = j
	}
	return spans, segments
}

// addCounter appends a counter segment, to the span before it if both lie
// between two cuts; cut is the first one after the segment's start.
func (r *Reader) addCounter(spans []Span, seg Span, cut int, lo, hi int64) []Span {
	if k := len(spans) - 1; k >= 0 && cut < len(r.Cuts) && seg.To <= r.Cuts[cut] && spans[k].joins(&seg, r.Cuts[cut-min(cut, 1)]) {
		spans[k].To, spans[k].Length, spans[k].V1 = seg.To, spans[k].Length+seg.Length, spans[k].V1+seg.V1
		return spans
	}
	if part, ok := seg.clip(lo, hi); ok {
		spans = append(spans, part)
	}
	return spans
}

// plainRun returns the last reading, at until or before, up to which counter
// segments from reading i on are nothing but rung 1: the counter rises, without
// gaps and no faster than the device can. It decides what counterSegment would,
// in a few comparisons a reading, and stops before whatever needs more.
func (r *Reader) plainRun(m *Meter, i int, until int64) int {
	times := m.Counter.Times
	longest := min(r.Limits.MaxGap, r.Limits.MaxSilence)
	limits := m.Limit.Times
	next := 0 // limit reading that applies next
	if len(limits) > 0 {
		next = m.Limit.Search(times[i])
	}
	limit := float64(m.limitAfter(next - 1))
	if j := m.Counter.Before(until); j > i && (next == len(limits) || limits[next] > times[j]) {
		if step, ok := evenStep(times, i, j, longest, 1); ok {
			// Here what is as fast as the limit goes on. Too fast is a fifth more.
			return m.Counter.Values.rising(i, j, int64(min(limit*float64(step)/powerUnit, 1<<62)))
		}
	}
	value := m.Counter.Values.At(i)
	for j := i + 1; j < len(times) && times[j] <= until; j++ {
		for next < len(limits) && limits[next] <= times[j] {
			limit = float64(m.limitAfter(next))
			next++
		}
		before := value
		value = m.Counter.Values.At(j)
		length, amount := times[j]-times[j-1], value-before
		if amount <= 0 || length > longest || float64(amount)*powerUnit >= limit*float64(length) {
			return j - 1
		}
		i = j
	}
	return i
}

// KeptBefore returns the index of the last reading at or before t that is not
// equal to the one before it, -1 if there is none.
func (s *Series) KeptBefore(t int64) int {
	i := s.Before(t)
	for i > 0 && s.Values.At(i) == s.Values.At(i-1) {
		i--
	}
	return i
}

// nextKept returns the index of the next reading that differs from that at i.
func (s *Series) nextKept(i int) int {
	j := i + 1
	for j < s.Values.Len() && s.Values.At(j) == s.Values.At(i) {
		j++
	}
	return j
}

// counterSegment classifies the counter segment from reading i to j. Its V1 is
// the amount before other rungs. ok is false where it is no rung.
func (r *Reader) counterSegment(m *Meter, i, j int, lo, hi int64, out *Outside) (Span, bool) {
	c := &m.Counter
	t0, t1 := c.Times[i], c.Times[j]
	seg := Span{From: t0, To: t1, Origin: t0, Length: t1 - t0, V1: c.Values.At(j) - c.Values.At(i), Rung: RungCounter}
	switch {
	case seg.V1 < 0:
		seg.V1, seg.Rung = c.Values.At(j), RungReset
	case seg.Length > r.Limits.MaxGap:
		seg.Rung = RungBridge
	}
	ends := t1 > lo && t1 <= hi
	if ends && seg.Rung == RungReset {
		out.Resets++
	}
	if m.tooFast(seg.V1, t1, seg.Length) {
		if ends {
			out.Rejected += seg.V1
		}
		return Span{}, false
	}
	if seg.Length > r.Limits.MaxSilence {
		if ends {
			out.Unplaced += seg.V1
		}
		return Span{}, false
	}
	return seg, true
}

// tooFast reports whether amount µJ within length ns ending at t exceeds 1.2
// times the power limit: amount·10·10⁹ > 12·limit·length.
func (m *Meter) tooFast(amount, t, length int64) bool {
	limit := m.limitAfter(m.Limit.Before(t))
	if float64(amount)*powerUnit < float64(limit)*float64(length) {
		return false // by a sixth at least, which floating point does not miss
	}
	return exact.Mul(uint64(limit), uint64(length)).MulSmall(12).Less(exact.Mul(uint64(amount), 10*powerUnit))
}

// limitAfter is the power limit from reading i of the limits on; -1: before them.
func (m *Meter) limitAfter(i int) int64 {
	if i >= 0 && m.Limit.Values.At(i) > 0 {
		return m.Limit.Values.At(i)
	}
	return m.MaxPower
}
