package attribution

import (
	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/pipelines/rate"
)

// never reports whether a timeline has no rate at any time.
func never(l *rate.Timeline) bool {
	for _, r := range l.Rows {
		if r != nil {
			return false
		}
	}
	return true
}

// appendGaps appends the stretches of [lo, hi) beside spans.
func appendGaps(dst []Interval, spans []meter.Span, lo, hi int64) []Interval {
	at := lo
	for i := range spans {
		if spans[i].From > at {
			dst = append(dst, Interval{at, spans[i].From})
		}
		at = spans[i].To
	}
	if at < hi {
		dst = append(dst, Interval{at, hi})
	}
	return dst
}

// model adds energy for the time at which no rung covers an accelerator and a
// busy ratio does, where its idle and its full power are known: the last rung,
// an estimate.
func (c *Calculator) model(a *acceleratorLines, e *meterEnergy, busy []meter.Span) {
	for i := range c.intervals {
		idle, _ := at(a.idle, c.intervals[i].from)
		full, _ := at(a.full, c.intervals[i].from)
		if idle == nil || full == nil {
			continue
		}
		time, used := c.within(e.gaps, busy, i)
		slope := max(0, full.Value-idle.Value)
		v := int64(exact.Mul(uint64(idle.Value), uint64(time)).Add(exact.Mul(uint64(slope), uint64(used))).DivRound(exact.Uint128{Lo: 1_000_000_000}))
		e.read[i] += v
		e.estimated[i] += v
		e.modelled[i] = v
	}
}

// within returns the time of interval i that lies in gaps and that spans cover,
// and what they give in it.
func (c *Calculator) within(gaps []Interval, spans []meter.Span, i int) (time, amount int64) {
	from, to := c.intervals[i].from, c.intervals[i].to
	for _, g := range gaps {
		if g.To <= from || g.From >= to {
			continue
		}
		for k := range spans {
			s := &spans[k]
			a, b := max(s.From, g.From, from), min(s.To, g.To, to)
			if a < b {
				time += b - a
				amount += s.Amount(a, b)
			}
		}
	}
	return time, amount
}
