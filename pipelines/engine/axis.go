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
	record uint64 // axisState.id of what was appended last
	from   int    // how many times were before that
	last   *int64 // where the last of these stands in the memory of series that have yet to follow; this memory lives as long
}

// awaits reports whether s ends where the axis did before the record at hand.
func (a *axis) awaits(s *meter.Series) bool {
	n := len(s.Times)
	return a != nil && n > 0 && n <= a.from && &s.Times[n-1] == a.last
}

// carries reports whether s ends where the axis does.
func (a *axis) carries(s *meter.Series) bool {
	n := len(s.Times)
	return n > 0 && &s.Times[n-1] == &a.times[len(a.times)-1]
}

// extend appends the times of a record's axis to those of the series, which end before.
func (t *target) extend(state *axisState) {
	s := t.series
	if t.brief {
		s.Times = append(s.Times, state.times...)
		return
	}
	if !state.shared.awaits(s) {
		state.shared = t.axis.after(s, state)
	}
	a := state.shared
	if t.axis != a { // seldom, so that what is read only stays so
		t.axis = a
	}
	from, to := a.from-len(s.Times), len(a.times)
	s.Times = a.times[from:to:to]
}

// after returns an axis that has the times of s and the record's behind them: a, which was
// that of s, if it can.
func (a *axis) after(s *meter.Series, state *axisState) *axis {
	switch {
	case a == nil:
	case a.record == state.id: // for another series
		if a.awaits(s) {
			return a
		}
	case a.carries(s):
		if len(a.times)+len(state.times) > cap(a.times) && state.shared.equals(s) {
			return state.shared // of two axes that have become equal one goes
		}
		a.advance(len(s.Times), state)
		return a
	}
	if state.shared.equals(s) {
		return state.shared
	}
	n, times := len(s.Times), state.times
	own := &axis{times: make([]int64, 0, 2*(n+len(times))), record: state.id, from: n}
	own.times = append(append(own.times, s.Times...), times...)
	return own
}

// advance appends the times of a record. Where there is no room it lets go of those that
// series of about n readings no longer have. Series keep the memory that they are on.
func (a *axis) advance(n int, state *axisState) {
	a.record, a.last = state.id, &a.times[len(a.times)-1]
	if more := len(state.times); len(a.times)+more > cap(a.times) {
		keep := min(n+n/4+16, len(a.times))
		a.times = append(make([]int64, 0, keep+keep/4+more), a.times[len(a.times)-keep:]...)
	}
	a.from = len(a.times)
	a.times = append(a.times, state.times...)
}

// equals reports whether an axis, which has the record's times already, has those of s
// before them.
func (a *axis) equals(s *meter.Series) bool {
	n := len(s.Times)
	return a != nil && n <= a.from && slices.Equal(a.times[a.from-n:a.from], s.Times)
}
