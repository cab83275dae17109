package engine

import (
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Result is what a step produced.
type Result struct {
	Rows       []fact.Row                  // Origin empty but for Reason; sorted by window, node, device, placement; valid until the next call
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
	First, Last int64 // event times, ns
}
