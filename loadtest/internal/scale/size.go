package scale

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/schemas/record"
)

// figures are what one size took.
type figures struct {
	accelerators      int
	readings          int64
	span              time.Duration // event time
	processed, stored time.Duration // from the start of processor and sink
	before, after     map[string]product.Usage
	together          int64 // most memory of all parts at a time
	log               tally
	topic             int64 // bytes of the samples' values
	state             int64 // bytes of the newest checkpoints
	stall             stall
	load              string  // average of the machine
	live              *course // nil: none
}

// cpu is what a part used from its start, or the beginning of the measurement.
func (f *figures) cpu(part string) time.Duration { return f.after[part].CPU - f.before[part].CPU }

// Sizes measures one size after the other and prints the table.
func Sizes(ctx context.Context, o SizeOptions) (err error) {
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return fmt.Errorf("find binary: %w", err)
	}
	if len(o.Sizes) == 0 {
		return errors.New("no sizes given")
	}
	for _, n := range o.Sizes {
		if err := o.validate(n); err != nil {
			return err
		}
	}
	var all []*figures
	for _, n := range o.Sizes {
		f, failed := o.size(ctx, n)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%d accelerators: %w", n, failed))
			continue
		}
		all = append(all, f)
	}
	printSizes(o.Out, all)
	for _, f := range all {
		if f.live != nil && !f.live.sustained() {
			err = errors.Join(err, fmt.Errorf("%d accelerators every %s are not sustained", f.accelerators, o.Interval))
		}
	}
	return err
}

func (o Options) size(ctx context.Context, accelerators int) (f *figures, err error) {
	err = o.with(ctx, accelerators, func(ctx context.Context, r *rig) error {
		if f, err = r.consume(ctx); err != nil {
			return err
		}
		if o.Live > 0 {
			if f.live, err = r.liven(ctx); err != nil {
				return err
			}
		}
		// Told to end, it writes a last checkpoint: a short run has no other.
		if err = r.fleet.Leave(ctx, processor); err != nil {
			return err
		}
		f.state, err = r.state(ctx)
		return err
	})
	return f, err
}

// consume starts processor and sink and waits until all of the history is in
// the store.
func (r *rig) consume(ctx context.Context) (*figures, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Limit, fmt.Errorf("the history is not consumed within %s", r.Limit))
	defer cancel()
	f := &figures{accelerators: r.load.Accelerators, readings: r.load.Readings(r.History), topic: r.written.Bytes}
	f.span = time.Duration(r.load.Slots(r.History)) * r.load.Slot()
	ends, err := r.ends(ctx, record.Samples)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	// Processor and sink are new: what broker and store used before is what does not count.
	if f.before, err = r.usages(); err != nil {
		return nil, err
	}
	f.before[processor], f.before[sink] = product.Usage{}, product.Usage{}
	if err := r.processed(ctx, ends); err != nil {
		return nil, err
	}
	f.processed = time.Since(began)
	if err := r.stored(ctx); err != nil {
		return nil, err
	}
	f.stored = time.Since(began)
	if err := r.finish(ctx, f); err != nil {
		return nil, err
	}
	r.say("  consumed in %.1f s, stored in %.1f s: %.0f readings/s; %s of disk used", f.processed.Seconds(), f.stored.Seconds(), float64(f.readings)/f.stored.Seconds(), gigabytes(diskUsed(r.dir)))
	return f, nil
}

// finish takes the figures when all is stored.
func (r *rig) finish(ctx context.Context, f *figures) (err error) {
	if f.after, err = r.usages(); err != nil {
		return err
	}
	f.together, f.load = r.memory.peak(), loadAverage()
	if _, f.log, err = r.log.now(); err != nil {
		return err
	}
	if f.log.readings != f.readings {
		return fmt.Errorf("the processor accepted %d readings, %d were written", f.log.readings, f.readings)
	}
	f.stall, err = r.stalls(ctx)
	return err
}

// state is what the newest checkpoints of all tasks take.
func (r *rig) state(ctx context.Context) (total int64, err error) {
	checkpoints, err := r.checkpoints(ctx)
	for _, c := range checkpoints {
		total += c.bytes()
	}
	return total, err
}

// processed waits until the commits have used the samples up to ends.
func (r *rig) processed(ctx context.Context, ends map[int32]int64) error {
	return product.Until(ctx, func() (bool, error) {
		tasks, _, err := r.log.now()
		if err != nil {
			return false, err
		}
		for p, end := range ends {
			if s := tasks[p]; s.samples < end || s.pending {
				return false, errors.Join(r.fleet.Fallen()...)
			}
		}
		return true, nil
	})
}

// storedEvery is between two questions to the store: each is a process.
const storedEvery = 250 * time.Millisecond

// stored waits until the ledger has the steps of the log.
func (r *rig) stored(ctx context.Context) error {
	tasks, _, err := r.log.now()
	if err != nil {
		return err
	}
	for {
		have, err := r.ledger(ctx)
		if err != nil {
			return err
		}
		missing := false
		for p, s := range tasks {
			missing = missing || have[p] < s.step
		}
		if !missing {
			return nil
		}
		if err := errors.Join(r.fleet.Fallen()...); err != nil {
			return err
		}
		pause := time.NewTimer(storedEvery)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-pause.C:
		}
	}
}
