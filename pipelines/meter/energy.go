package meter

// Limits are the times that decide which segments count, ns.
type Limits struct {
	MaxGap     int64 // of a gauge's segment; of a counter's, to be more than a bridge
	MaxSilence int64 // of a counter's segment, to count at all
	Hold       int64 // how long a run's edge reading holds
}

// Meter is what one device's readings say of its energy.
type Meter struct {
	Counter  Series // µJ
	Power    Series // µW
	Limit    Series // µW
	MaxPower int64  // µW, where no limit was read
}

// Outside is energy that is in no span, µJ: of counter segments that rise
// faster than the device can, and of segments that are too long or leave no
// time to lay it over. A segment counts where it ends.
type Outside struct {
	Rejected, Unplaced int64
	// Resets counts counters that went back, Hung readings of a counter that
	// repeat the one before; by the time of the reading.
	Resets, Hung int64
}

// Reader lays the rungs of meters over time. It holds buffers only.
type Reader struct {
	Limits Limits
	// Cuts are, in order, the only times at which spans will be cut. Neighbouring
	// counter segments between two of them come as one span. Nil: any time.
	Cuts           []int64
	a, b           []Span
	segments       []Span // counter segments that are bridges or resets
	inner1, inner2 []Span
	values         []int64 // of a run of readings
}

// Spans returns the spans of m within [lo, hi), and the energy outside them of
// the segments that end in (lo, hi]. The result is valid until the next call.
func (r *Reader) Spans(m *Meter, lo, hi int64) ([]Span, Outside) {
	var out Outside
	r.a, r.segments = r.counterSpans(m, r.a[:0], r.segments[:0], lo, hi, &out)
	if len(r.segments) == 0 && covers(r.a, lo, hi) {
		return r.a, out
	}
	r.b = r.powerSpans(m, r.b[:0], r.a, lo, hi)
	spans := r.b
	if len(r.segments) > 0 {
		bridges := r.bridgeSpans(m, lo, hi, &out)
		r.a = layer(r.a[:0], spans, bridges)
		spans = r.a
	}
	return spans, out
}

// powerSpans appends base and, beside it, the spans of rungs 2 and 3.
func (r *Reader) powerSpans(m *Meter, out, base []Span, lo, hi int64) []Span {
	r.inner1 = appendSegments(r.inner1[:0], &m.Power, r.Limits.MaxGap, RungPower, lo, hi)
	r.inner2 = r.holdSpans(r.inner2[:0], &m.Power, lo, hi)
	if len(r.inner2) == 0 {
		return layer(out, base, r.inner1)
	}
	// Holds lie beside the segments of their series, so they merge in order.
	return layer(out, base, merge(r.inner1, r.inner2))
}

// appendSegments appends the segments of a gauge within [lo, hi).
func appendSegments(out []Span, s *Series, maxGap int64, rung Rung, lo, hi int64) []Span {
	for i := max(s.Before(lo), 0); i+1 < len(s.Times) && s.Times[i] < hi; i++ {
		if seg, ok := s.segment(i, maxGap, rung, lo, hi); ok {
			out = append(out, seg)
		}
	}
	return out
}

// segment returns the part of the gauge's segment from reading i on that lies
// within [lo, hi); ok is false where there is none, or a gap.
func (s *Series) segment(i int, maxGap int64, rung Rung, lo, hi int64) (seg Span, ok bool) {
	t0, t1 := s.Times[i], s.Times[i+1]
	if t1 <= lo || t1-t0 > maxGap {
		return Span{}, false
	}
	return Span{
		From: max(t0, lo), To: min(t1, hi), Origin: t0, Length: t1 - t0, V0: s.Values.At(i), V1: s.Values.At(i + 1), Rung: rung,
	}, true
}

// holdSpans appends the holds before and after the runs of a power series.
func (r *Reader) holdSpans(out []Span, s *Series, lo, hi int64) []Span {
	n := len(s.Times)
	joined := func(i int) bool { // reading i and i+1 make a segment
		return i >= 0 && i+1 < n && s.Times[i+1]-s.Times[i] <= r.Limits.MaxGap
	}
	first := max(s.Before(lo-r.Limits.Hold), 0)
	for i := first; i < n && s.Times[i]-r.Limits.Hold < hi; i++ {
		before, after := joined(i-1), joined(i)
		if before == after {
			continue // inside a run, or isolated
		}
		hold := Span{Origin: s.Times[i], Length: r.Limits.Hold, V0: s.Values.At(i), Rung: RungHold}
		if after {
			hold.Origin -= r.Limits.Hold
		}
		hold.From, hold.To = hold.Origin, hold.Origin+hold.Length
		if part, ok := hold.clip(lo, hi); ok {
			out = append(out, part)
		}
	}
	return out
}

// merge brings two lists of disjoint spans into one, in place of the first.
func merge(a, b []Span) []Span {
	i, j := len(a)-1, len(b)-1
	a = append(a, b...)
	for k := len(a) - 1; j >= 0; k-- {
		if i >= 0 && a[i].From > b[j].From {
			a[k] = a[i]
			i--
			continue
		}
		a[k] = b[j]
		j--
	}
	return a
}

// bridgeSpans lays the collected bridges and resets over what rungs 1 to 3
// leave free inside each of them.
func (r *Reader) bridgeSpans(m *Meter, lo, hi int64, out *Outside) []Span {
	var spans []Span
	for _, seg := range r.segments {
		inside := r.powerSpans(m, nil, nil, seg.From, seg.To)
		free, given := int64(0), int64(0)
		at := seg.From
		for k := range inside {
			free += inside[k].From - at
			given += inside[k].Amount(inside[k].From, inside[k].To)
			at = inside[k].To
		}
		free += seg.To - at
		amount := seg.V1
		if seg.Rung == RungBridge {
			amount = max(0, amount-given)
		}
		if free == 0 {
			if seg.To > lo && seg.To <= hi {
				out.Unplaced += amount
			}
			continue
		}
		spans = appendFree(spans, seg, inside, amount, free, lo, hi)
	}
	return spans
}

// appendFree appends the parts of seg beside inside, sharing amount evenly.
// A part's origin is set back by the free time before it, so that what is
// given up to x depends on the free time up to x alone.
func appendFree(spans []Span, seg Span, inside []Span, amount, free, lo, hi int64) []Span {
	before, at := int64(0), seg.From
	add := func(to int64) {
		if at >= to {
			return
		}
		part := Span{From: at, To: to, Origin: at - before, Length: free, V1: amount, Rung: seg.Rung}
		before += to - at
		if part, ok := part.clip(lo, hi); ok {
			spans = append(spans, part)
		}
	}
	for k := range inside {
		add(inside[k].From)
		at = inside[k].To
	}
	add(seg.To)
	return spans
}
