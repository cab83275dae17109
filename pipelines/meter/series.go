// Package meter turns the readings of a device into energy and busy time.
//
// Words. A series is the readings of one metric, in time order, one a time. A
// segment is two neighbouring readings. A rung is a way to know the energy of
// an instant, best first: a counter, power, power that is held at the edge of
// a run, a counter segment that bridges a gap, what a counter says after a
// reset. A span is the part of a segment (or hold) whose rung is the best one
// there. What a span has given up to an instant is a rounded cumulative
// figure of its whole segment, so cutting a span anywhere, any number of
// times, never changes a sum.
//
// Spans of one meter are disjoint and in time order. Everything is integers
// (see package exact); nothing here knows windows, holders or money. A Reader
// reuses its buffers and is not safe for concurrent use.
//
// Definitions: docs/methodology.md, "Readings" and "Energy of one meter".
package meter

import "slices"

// Series is the readings of one series in time order, one value a time. Series
// may share the memory of their Times: what stands there never changes, they are
// appended to, cut or replaced.
type Series struct {
	Times  []int64
	Values Values
}

// Len is the number of readings.
func (s *Series) Len() int { return len(s.Times) }

// Last returns the time of the last reading; ok is false if there is none.
func (s *Series) Last() (t int64, ok bool) {
	if len(s.Times) == 0 {
		return 0, false
	}
	return s.Times[len(s.Times)-1], true
}

// Search returns the index of the first reading at or after t.
func (s *Series) Search(t int64) int {
	n := len(s.Times)
	if n == 0 || s.Times[n-1] < t {
		return n
	}
	// Readings are even most of the time, so the place of t is known but for
	// gaps. A binary search took a wrong turn, and missed the cache over hours of
	// readings, at nearly each of its steps.
	first := s.Times[0]
	if t <= first {
		return 0
	}
	i := int(float64(t-first) / float64(s.Times[n-1]-first) * float64(n-1))
	i = min(max(i, 1), n-1)
	for range 2 { // t may be rounded to its neighbour
		switch {
		case s.Times[i] < t:
			i = min(i+1, n-1)
		case s.Times[i-1] >= t:
			i = max(i-1, 1)
		default:
			return i
		}
	}
	return s.gallop(t)
}

// gallop is Search where readings are uneven. Most questions are about the end,
// so it goes back from there in growing steps.
func (s *Series) gallop(t int64) int {
	n := len(s.Times)
	lo, hi, step := n, n, 1
	for lo > 0 && s.Times[lo-1] >= t {
		hi = lo - 1
		lo = max(lo-step, 0)
		step *= 2
	}
	i, _ := slices.BinarySearch(s.Times[lo:hi], t)
	return lo + i
}

// Add inserts a reading. Of two at one time the larger counts. It reports
// whether a reading at that time was known already, and whether the series
// changed.
func (s *Series) Add(t, v int64) (known, changed bool) {
	n := len(s.Times)
	if n == 0 || s.Times[n-1] < t {
		s.Times = append(s.Times, t)
		s.Values.Append([]int64{v})
		return false, true
	}
	i := s.Search(t)
	if s.Times[i] == t {
		if v <= s.Values.At(i) {
			return true, false
		}
		s.Values.Set(i, v)
		return true, true
	}
	s.Times = slices.Insert(slices.Clip(s.Times), i, t)
	s.Values.Insert(i, v)
	return false, true
}

// Would reports what Add would, without adding.
func (s *Series) Would(t, v int64) (known, changed bool) {
	i := s.Search(t)
	if i == len(s.Times) || s.Times[i] != t {
		return false, true
	}
	return true, v > s.Values.At(i)
}

// Before returns the index of the last reading at or before t, -1 if none.
func (s *Series) Before(t int64) int {
	i := s.Search(t)
	if i < len(s.Times) && s.Times[i] == t {
		return i
	}
	return i - 1
}

// Drop forgets the first count readings.
func (s *Series) Drop(count int) {
	s.Times = s.Times[count:]
	before := s.Values
	s.Values.Cut(count)
	s.Values.Settle(before)
}

// Prepend puts readings back before the first one.
func (s *Series) Prepend(times, values []int64) {
	s.Times = slices.Concat(times, s.Times)
	s.Values.Prepend(values)
}

// TrimKept forgets the readings of a counter before t except the one from which
// the segment over t starts (see KeptBefore), whose time it returns; ok is false
// if there is none. Readings that repeat it go too, however many they are.
func (s *Series) TrimKept(t int64) (start int64, ok bool) {
	last := s.Before(t)
	if last < 0 {
		return 0, false
	}
	kept := s.KeptBefore(t)
	start = s.Times[kept]
	if last >= len(s.Times)/2 && last > 0 {
		s.Times = slices.Concat([]int64{start}, s.Times[last+1:])
		value := s.Values.At(kept)
		s.Values.Cut(last + 1)
		s.Values.Prepend([]int64{value})
	}
	return start, true
}
