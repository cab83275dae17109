// Package engine is the pure core of a task: from events of its nodes to fact
// rows, exactly and incrementally.
//
// Words. A step is a batch of events; between steps the engine's state is a
// function of the events so far. A window is closed once its node's watermark
// has passed it, the node was sealed, or it fell silent. Rows of closed windows
// are written once; what changes them later restates them by the differences.
//
// Invariant. After every EndStep the sum of all rows returned so far for a
// closed window is docs/methodology.md applied to the set of events read so
// far. It holds by construction: before an event changes anything that reaches
// into windows whose rows are out, those rows are computed once more from the
// state as it is ("touch"); when windows are closed next, at the step's end at the
// latest, they are computed from the state as it has become, and the difference goes
// out. Nothing that was written has to be kept. How far back an event can reach follows from the horizon and the
// readings that are there, so those before that are forgotten ("trim"). Windows
// before that are never written again but by a correction, whose figures come
// from a Past: an engine that has read everything once more (see correct.go).
//
// An Engine has no clock, does no I/O and is not safe for concurrent use. Inputs
// of a step come in the order rates, inventory, placements, corrections, then
// samples and seals in the order of their offsets.
package engine

import (
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Result is what a step produced, but for the rows that CloseWindows has returned.
type Result struct {
	Rows       []fact.Row                  // Origin empty but for Reason; day by day, in no other order to rely on, though the same each time; valid until the next call
	Counts     [telemetry.NumReasons]int64 // events refused or kept out, by reason
	Readings   uint64                      // accepted
	Duplicates uint64                      // readings of a series at a time that was known
	Watermark  int64                       // the largest of the nodes', ns; 0: none

	RejectedEnergy, UnplacedEnergy, InconsistentEnergy int64 // µJ
	ResidualEnergy, ResidualMoney, ResidualTime        int64 // 0 unless an invariant broke
	Letters                                            []Letter
}

// Letter is what a dead letter says: events of one node (or kind of event)
// that were refused for one reason in this step.
type Letter struct {
	Reason      telemetry.Reason
	Node        string
	Detail      string // the first one, for people
	Count       uint64
	First, Last int64 // event times, ns; of corrections those of their windows
	Correction  bool  // it is about corrections
}
