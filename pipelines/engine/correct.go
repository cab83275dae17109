package engine

import (
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// A window has two writers that never meet. From a node's floor on the engine
// restates windows by itself; before it, it never writes again, because the
// floor only rises. There, and only there, corrections of a run of
// reconciliation are taken.
//
// A run begins with a record of its own. It then reads what had been written
// once that record was taken, reads the events again, and sends the differences.
// Meanwhile floors rise, and windows that lay above one may be restated once
// more before they come to lie below it: a difference to what the run had read
// would then be wrong. So what counts is the floor as it stood when the run
// began ("settled"). A later run moves it and reads again, which makes the
// differences of the earlier run wrong: of several runs the last one begun
// counts.

// maxCorrection bounds a figure of a correction: what a decimal of a fact holds,
// with room for sums. No window has more.
const maxCorrection = 100_000_000_000_000_000

// Correction is one record of differences, the sequence-th of a run.
type Correction struct {
	Run      string
	Sequence uint64
	Rows     []fact.Row
}

// ApplyReconciliation begins a run. A record that a producer sent twice begins
// nothing anew.
func (e *Engine) ApplyReconciliation(run string) {
	if run == e.run {
		return
	}
	e.run, e.sequence = run, 0
	for _, n := range e.nodes {
		n.settled = n.floor
	}
}

// ApplyCorrection takes the rows of a correction into the step's, but for those
// that are not a correction's to write. A record that comes again is passed over.
func (e *Engine) ApplyCorrection(c *Correction) {
	if c.Run != e.run {
		e.refuseCorrection(telemetry.Superseded, "", "correction of run "+c.Run+", which is not the last one", uint64(len(c.Rows)), 0, 0)
		return
	}
	if c.Sequence <= e.sequence {
		return
	}
	e.sequence = c.Sequence
	for i := range c.Rows {
		row := c.Rows[i]
		n := e.nodes[row.Node]
		start, end := row.WindowStart, row.WindowStart+row.WindowLength
		switch {
		case row.WindowLength != e.cfg.window || e.floor(start) != start || !plausible(&row.Sums) || row.LongestText() > record.MaxName:
			e.refuseCorrection(telemetry.OutOfRange, row.Node, "correction with a window, name or figure that cannot be", 1, start, end)
		case n == nil:
			e.refuseCorrection(telemetry.UnknownNode, row.Node, "correction of a node without an inventory row", 1, start, end)
		case n.settled == never || start >= n.settled:
			e.refuseCorrection(telemetry.TooNew, n.id, "correction of a window that the processor restates itself", 1, start, end)
		default:
			row.Origin = fact.Origin{Reason: fact.ReasonReconciled}
			e.result.Rows = append(e.result.Rows, row)
		}
	}
}

func (e *Engine) refuseCorrection(reason telemetry.Reason, node, detail string, count uint64, first, last int64) {
	e.addLetter(letterKey{reason: reason, node: node, correction: true}, detail, count, first, last)
}

func plausible(s *fact.Sums) bool {
	for _, v := range s {
		if v < -maxCorrection || v > maxCorrection {
			return false
		}
	}
	return true
}
