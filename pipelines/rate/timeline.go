package rate

import (
	"slices"
	"sort"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Timeline is what applies over time: from Moments[i] on, Rows[i], which is
// nil where nothing does. The first moment is MinTime. Neighbouring rows
// differ.
type Timeline struct {
	Moments []int64
	Rows    []*telemetry.Rate
}

// At returns the index of what applies at x.
func (l *Timeline) At(x int64) int {
	i, ok := slices.BinarySearch(l.Moments, x)
	if ok {
		return i
	}
	return i - 1
}

func (l *Timeline) set(at int64, r *telemetry.Rate) {
	if n := len(l.Moments); n > 0 && l.Moments[n-1] == at {
		l.Rows[n-1] = r
		if n > 1 && l.Rows[n-2] == r {
			l.Moments, l.Rows = l.Moments[:n-1], l.Rows[:n-1]
		}
		return
	}
	if n := len(l.Rows); n > 0 && l.Rows[n-1] == r {
		return
	}
	l.Moments = append(l.Moments, at)
	l.Rows = append(l.Rows, r)
}

// newTimeline lays the rows of one key, sorted by From, over time: a later row
// hides the earlier ones while it is valid, and they come back after it.
func newTimeline(rows []*telemetry.Rate) *Timeline {
	line := &Timeline{}
	line.set(telemetry.MinTime, nil)
	var valid []*telemetry.Rate // begun, the latest last
	expire := func(until int64) {
		for len(valid) > 0 && valid[len(valid)-1].To <= until {
			end := valid[len(valid)-1].To
			for len(valid) > 0 && valid[len(valid)-1].To <= end {
				valid = valid[:len(valid)-1]
			}
			if len(valid) == 0 {
				line.set(end, nil)
				continue
			}
			line.set(end, valid[len(valid)-1])
		}
	}
	for _, r := range rows {
		expire(r.From)
		valid = append(valid, r)
		line.set(r.From, r)
	}
	for len(valid) > 0 && valid[len(valid)-1].To != telemetry.MaxTime {
		expire(valid[len(valid)-1].To)
	}
	return line
}

// combine merges timelines of keys, most specific first: at each instant the
// first one that has a row.
func combine(lines []*Timeline) *Timeline {
	if len(lines) == 1 {
		return lines[0]
	}
	moments := []int64{telemetry.MinTime}
	for _, l := range lines {
		moments = append(moments, l.Moments...)
	}
	sort.Slice(moments, func(i, j int) bool { return moments[i] < moments[j] })
	line := &Timeline{}
	next := make([]int, len(lines)) // per line, the index after what applies
	for _, m := range slices.Compact(moments) {
		var row *telemetry.Rate
		for k, l := range lines {
			for next[k] < len(l.Moments) && l.Moments[next[k]] <= m {
				next[k]++
			}
			if row == nil && next[k] > 0 {
				row = l.Rows[next[k]-1]
			}
		}
		line.set(m, row)
	}
	return line
}
