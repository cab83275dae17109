package engine

import (
	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// mention lists a node for when windows are closed next.
func (e *Engine) mention(n *node) {
	if !n.mentioned {
		n.mentioned = true
		e.touched = append(e.touched, n)
	}
}

// touch says that an event is about to change figures of n from time from on.
// Rows that are out for windows from there on are computed once more from the
// state as it is, so that the difference can be written when windows are closed next.
func (e *Engine) touch(n *node, from int64) {
	e.mention(n)
	if n.emitted == never || from >= n.emitted || !n.known() {
		return
	}
	edge := int64(never)
	if from != never {
		edge = e.floor(from)
	}
	if edge < n.floor {
		if edge == never { // a rate without a begin, or a row of the inventory
			edge = e.firstWindow(n)
		}
		if edge < n.floor {
			e.refuse(telemetry.BeyondHorizon, n.id, "windows too old to restate", 1, edge, n.floor)
		}
		edge = n.floor
	}
	until := min(n.beforeFrom, n.emitted)
	if edge >= until {
		return
	}
	n.needWindows(edge)
	n.before = e.rows(n.before, n, edge, until, &n.outsideBefore)
	n.beforeFrom = edge
}

// firstWindow returns the first window in which n was present, as far as is
// known.
func (e *Engine) firstWindow(n *node) int64 {
	if p := n.presence(e.cfg.maxSilence); len(p) > 0 {
		return e.floor(p[0].From)
	}
	return n.floor
}

// emit appends the rows that n's closed windows gained, and the differences of
// those that changed.
func (e *Engine) emit(dst []fact.Row, n *node, budget *int64) []fact.Row {
	if !n.known() {
		return dst
	}
	restated := min(n.beforeFrom, n.emitted)
	t := attribution.Totals{}
	first := len(dst)
	if restated < n.emitted {
		dst = e.rows(dst, n, restated, n.emitted, &t)
		dst = difference(dst, first, n.before, fact.ReasonCorrected)
	}
	if edge := e.closable(n, budget); edge > n.emitted {
		closed := len(dst)
		dst = e.rows(dst, n, n.emitted, edge, &t)
		for i := range dst[closed:] {
			dst[closed+i].Reason = fact.ReasonClosed
		}
		n.emitted = edge
	}
	r, b := &e.result, &n.outsideBefore
	r.RejectedEnergy += t.Rejected - b.Rejected
	r.UnplacedEnergy += t.Unplaced - b.Unplaced
	e.note(n, telemetry.CounterReset, "energy counters of the node", t.Resets-b.Resets)
	e.note(n, telemetry.CounterHung, "energy counters of the node", t.Hung-b.Hung)
	e.note(n, telemetry.ServedUnplaced, "tokens and requests of placements that hold nothing of the node", t.ServedUnplaced-b.ServedUnplaced)
	r.InconsistentEnergy += t.Inconsistent - b.Inconsistent
	r.ResidualEnergy += t.MeterEnergy - t.RowEnergy
	r.ResidualMoney += t.OwedMoney - t.RowMoney
	r.ResidualTime += t.PresenceTime - t.RowTime
	return dst
}

// note counts what was taken but is worth knowing. A restatement can take some
// of it back, which no letter says.
func (e *Engine) note(n *node, reason telemetry.Reason, detail string, count int64) {
	switch {
	case count > 0:
		e.refuse(reason, n.id, detail, uint64(count), n.lastReading, n.lastReading)
	case count < 0:
		e.result.Counts[reason] += count
	}
}

// maxClosing bounds how many windows of nodes a step closes, and so its memory:
// a placement that began months before the first reading closes as many windows
// as there are in them. The rest follows in the next steps.
//
// Another number needs another StateVersion: recovery closes what the step had closed.
const maxClosing = 4096

// closable returns up to which edge the step may close n's windows, and takes
// them off the step's budget.
func (e *Engine) closable(n *node, budget *int64) int64 {
	if n.closeTo <= n.emitted {
		return n.emitted
	}
	done := n.emitted
	for _, p := range n.presence(e.cfg.maxSilence) {
		from, to := max(done, e.floor(back(p.From, 1))), min(n.closeTo, e.ceiling(p.To))
		if from >= to {
			continue
		}
		count := (to - from) / e.cfg.window
		if count > *budget {
			edge := from + *budget*e.cfg.window
			*budget = 0
			return edge
		}
		*budget -= count
		done = to
	}
	return n.closeTo
}

// difference turns the rows of dst from first on, the figures as they are now,
// into what must be added to before, the figures as they were. Rows that did
// not change go away.
func difference(dst []fact.Row, first int, before []fact.Row, reason string) []fact.Row {
	type identity struct {
		fact.Key
		fact.Dimensions
	}
	at := make(map[identity]int, len(dst)-first)
	for i := first; i < len(dst); i++ {
		at[identity{dst[i].Key, dst[i].Dimensions}] = i
	}
	for i := range before {
		row := before[i]
		j, ok := at[identity{row.Key, row.Dimensions}]
		if ok {
			dst[j].Sums.Sub(&row.Sums)
			continue
		}
		now := row.Sums
		row.Sums = fact.Sums{}
		row.Sums.Sub(&now)
		dst = append(dst, row)
	}
	kept := dst[:first]
	for _, row := range dst[first:] {
		if !row.Sums.Zero() {
			row.Reason = reason
			kept = append(kept, row)
		}
	}
	return kept
}

// maxSpan bounds how many windows are computed at once, and so the memory.
const maxSpan = 64

// rows appends the rows of n's windows of [lo, hi), window edges both. A
// counter segment that is in no row counts where it ends: that can be an
// instant without presence, or the edge at which presence begins, which is in
// the window before.
func (e *Engine) rows(dst []fact.Row, n *node, lo, hi int64, t *attribution.Totals) []fact.Row {
	presence := n.presence(e.cfg.maxSilence)
	done := lo
	for _, p := range presence {
		if p.To <= done || p.From > hi {
			continue
		}
		from := max(done, e.floor(p.From-1))
		to := min(hi, e.ceiling(p.To))
		for from < to {
			until := min(to, from+maxSpan*e.cfg.window)
			holding := n.overlapping(from, until)
			dst = e.calc.Rows(dst, n.tree, e.rates, holding, presence, from, until, t)
			from = until
		}
		done = max(done, to)
	}
	return dst
}

// overlapping returns the placements that hold within [lo, hi), by ID.
func (n *node) overlapping(lo, hi int64) []attribution.Placement {
	all := true
	for i := range n.holding {
		all = all && n.holding[i].Start < hi && n.holding[i].End > lo
	}
	if all {
		return n.holding
	}
	var some []attribution.Placement
	for _, p := range n.holding {
		if p.Start < hi && p.End > lo {
			some = append(some, p)
		}
	}
	return some
}
