package engine

import (
	"slices"
	"time"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// jump is how far one record alone can move a watermark ahead.
const jump = int64(time.Hour)

// clock is how far a node's readings have come.
type clock struct {
	newest int64 // largest reading time that moves the watermark
	ahead  int64 // a reading time more than jump ahead that waits for a second record
}

// watermark is how far the node's readings are thought to be complete.
func (c *clock) watermark(cfg *limits) int64 {
	if c.newest == never {
		return never
	}
	return c.newest - cfg.maxDelay
}

// see joins a reading's time to the node's islands.
func (e *Engine) see(n *node, t int64) {
	n.lastReading = max(n.lastReading, t)
	k := len(n.islands) - 1
	for k >= 0 && n.islands[k].From > t {
		k--
	}
	if k >= 0 && t <= n.islands[k].To {
		return
	}
	joins := k >= 0 && t-n.islands[k].To <= e.cfg.maxSilence
	from := t - e.cfg.maxSilence
	if joins {
		from = n.islands[k].To
	}
	if n.emitted != never && from < n.emitted {
		e.touch(n, from)
	}
	n.islands = joinIslands(n.islands, k, joins, t, e.cfg.maxSilence)
}

// joinIslands adds time t behind island k, joining neighbours within limit.
func joinIslands(all []attribution.Interval, k int, joins bool, t, limit int64) []attribution.Interval {
	if joins {
		all[k].To = t
	} else {
		k++
		all = append(all, attribution.Interval{})
		copy(all[k+1:], all[k:])
		all[k] = attribution.Interval{From: t, To: t}
	}
	if k+1 < len(all) && all[k+1].From-all[k].To <= limit {
		all[k].To = all[k+1].To
		all = append(all[:k+1], all[k+2:]...)
	}
	return all
}

// advance moves the node's watermark, closes what it has passed and moves the
// partition's time.
func (e *Engine) advance(n *node, newest int64) {
	if !n.moves(newest, e.fresh) {
		return
	}
	w := n.watermark(&e.cfg)
	e.moveFrontier(n, w)
	n.closeTo = max(n.closeTo, e.floor(w))
	if w > e.partition {
		e.partition = w
	}
	n.heard = e.partition
}

// moves takes the largest reading time of a record into the node's own, and
// reports whether that moved.
func (c *clock) moves(newest int64, fresh bool) bool {
	switch {
	case c.newest == never:
		c.newest = newest
	case newest <= c.newest:
		c.ahead = never
		return false
	case newest-c.newest <= jump:
		c.newest, c.ahead = newest, never
	case c.ahead == never:
		c.ahead = newest
		return false
	case newest == c.ahead && !fresh:
		return false // the same record once more confirms nothing
	default:
		c.newest, c.ahead = min(newest, c.ahead), never
	}
	return true
}

// moveFrontier moves the end of placements that have none.
func (e *Engine) moveFrontier(n *node, to int64) {
	if to <= n.frontier {
		return
	}
	if n.frontier < n.emitted && n.holdsOpen() {
		e.touch(n, n.frontier)
	}
	n.frontier = to
}

func (n *node) holdsOpen() bool {
	for _, versions := range n.placements {
		if slices.ContainsFunc(versions, (*telemetry.Placement).Open) {
			return true
		}
	}
	return false
}
