package engine

import (
	"slices"

	"github.com/ntegral/ntegral/pipelines/meter"
)

// axis is times that series of a node share. Metrics that are read together have
// one axis, so that a reading does not cost 8 bytes more, and a record's times are
// written once and not for each of its columns, which was a third of taking a
// reading in: memory for the first time in use, most of all.
//
// A series on an axis has, as its Times, a piece of the axis's that ends where the
// axis ended at that moment, with no room behind. Nobody writes Times in place
// (see meter.Series), so a series that goes its own way leaves the others alone;
// that it did shows in where its last time stands.
type axis struct {
	times  []int64
	base   int    // how many times were dropped before the first
	record uint64 // axisState.id of what was appended last
	from   int    // the end before that
}

func (a *axis) end() int { return a.base + len(a.times) }

// seat is the place of a series on an axis.
type seat struct {
	axis *axis
	end  int
	last *int64 // where the last of the series' times is stored
}

// holds reports whether s is still as it was left here.
func (k *seat) holds(s *meter.Series) bool {
	n := len(s.Times)
	return k.axis != nil && n > 0 && k.last == &s.Times[n-1]
}

// extend appends the times of a record's axis to those of s, which end before.
func (k *seat) extend(s *meter.Series, state *axisState) {
	if !k.holds(s) || !k.there(s, state) && !k.advance(s, state) {
		if !k.join(s, state.shared) {
			k.found(s, state)
		}
	}
	n := len(s.Times) + len(state.times)
	k.end = k.axis.end()
	to := len(k.axis.times)
	s.Times = k.axis.times[to-n : to : to]
	k.last = &s.Times[n-1]
	state.shared = k.axis
}

// there reports whether the axis of s is at the record's end already, for another series.
func (k *seat) there(s *meter.Series, state *axisState) bool {
	a := k.axis
	return a.record == state.id && k.end == a.from && len(s.Times) <= k.end-a.base
}

// advance brings the axis of s to the record's end. False: s cannot stay on it.
func (k *seat) advance(s *meter.Series, state *axisState) bool {
	a, times := k.axis, state.times
	if a.record == state.id || k.end != a.end() || len(s.Times) > len(a.times) {
		return false
	}
	if len(a.times)+len(times) > cap(a.times) {
		if k.join(s, state.shared) { // of two axes that have become equal one goes
			return true
		}
		a.renew(len(s.Times), len(times))
	}
	a.record, a.from = state.id, a.end()
	a.times = append(a.times, times...)
	return true
}

// renew makes room for more times, and lets go of those that series of about n
// readings no longer have. Series keep the memory that they are on.
func (a *axis) renew(n, more int) {
	keep := min(n+n/4+16, len(a.times))
	a.base += len(a.times) - keep
	a.times = append(make([]int64, 0, keep+keep/4+more), a.times[len(a.times)-keep:]...)
}

// join moves s to an axis that has the record's times already, if s has the same
// ones before.
func (k *seat) join(s *meter.Series, a *axis) bool {
	n := len(s.Times)
	if a == nil || a.from-a.base < n {
		return false
	}
	before := a.times[:a.from-a.base]
	if n > 0 && (before[len(before)-n] != s.Times[0] || !slices.Equal(before[len(before)-n:], s.Times)) {
		return false
	}
	k.axis = a
	return true
}

// found gives s an axis of its own, which others may join.
func (k *seat) found(s *meter.Series, state *axisState) {
	n, times := len(s.Times), state.times
	a := &axis{times: make([]int64, 0, 2*(n+len(times))), record: state.id, from: n}
	a.times = append(append(a.times, s.Times...), times...)
	k.axis = a
}
