package process

import (
	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// core is what a task drives: package engine's Engine. It is an interface so
// that this package's tests can tell from the outcome alone in which order and
// how often events were applied, which the engine's idempotence hides.
type core interface {
	events
	// EndStep returns what the events since the last step gave, but for the rows that
	// CloseWindows has returned; SkipStep does the same for a step whose rows have been
	// written before.
	EndStep() *engine.Result
	SkipStep()
	// CloseWindows lets go of what the step no longer needs and returns the rows of it,
	// SkipWindows does the same for a step that will be skipped.
	CloseWindows() []fact.Row
	SkipWindows()
	// Pending reports whether another step has rows to write without any input.
	Pending() bool
	Snapshot(chunkBytes int, emit func([]byte) error) error

	UseArchive(engine.Archive)
	Evict(limit int, carry int64, put func([]byte) error) (*engine.Eviction, error)
	Packed() int
	OldestPlace() (offset int64, ok bool)
	// Err says why nothing that the core has returned since counts.
	Err() error
}

// events is the input side of a core.
type events interface {
	ApplyRate(*telemetry.Rate)
	ApplyDevice(*telemetry.Device)
	ApplyPlacement(*telemetry.Placement)
	ApplyReconciliation(run string)
	ApplyCorrection(*engine.Correction)
	ApplySamples(*record.SampleBatch)
	ApplySeal(record.Seal)
}

// coreFactory makes cores, new or from a checkpoint, whose chunks next returns
// in order, and an empty one at the end.
type coreFactory interface {
	New() core
	Restore(next func() ([]byte, error)) (core, error)
	// CloseAfter is the weight of samples after which windows are closed within a step.
	// The steps of a recovery close them at the same records, so this is no setting,
	// and another number needs another engine.StateVersion.
	CloseAfter() int
}

type engineFactory struct{ cfg engine.Config }

func (engineFactory) CloseAfter() int { return 2 << 20 }

func (f engineFactory) New() core { return engine.New(f.cfg) }

func (f engineFactory) Restore(next func() ([]byte, error)) (core, error) {
	e, err := engine.Restore(f.cfg, next)
	if err != nil {
		return nil, err
	}
	return e, nil
}
