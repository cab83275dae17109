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

// recovery is what a kill came to.
type recovery struct {
	ages      map[int32]time.Duration // of the checkpoints, when the kill came
	opened    map[int32]time.Duration // from the start to the open record: checkpoint read
	committed map[int32]time.Duration // to the first new commit
	caughtUp  time.Duration
	cpu       time.Duration // of the new processor until its last first commit
	load      string
	state     int64
	lagBefore float64
	verdict   string
}

// took is how long the slowest task took.
func (v *recovery) took() (slowest time.Duration) {
	for _, d := range v.committed {
		slowest = max(slowest, d)
	}
	return slowest
}

// Recover kills the processor of a live system and measures how long the next one
// takes to its first new commit in every task.
func Recover(ctx context.Context, o RecoveryOptions) (err error) {
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return fmt.Errorf("find binary: %w", err)
	}
	if o.Age < 0 || o.Down < 0 {
		return fmt.Errorf("age %s, down %s: not negative", o.Age, o.Down)
	}
	return o.with(ctx, o.Accelerators, func(ctx context.Context, r *rig) error {
		if _, err := r.consume(ctx); err != nil {
			return err
		}
		v, err := r.recover(ctx, o)
		if err != nil {
			return err
		}
		v.print(o)
		if o.Within > 0 && v.took() > o.Within {
			return fmt.Errorf("the processor was back after %s, the aim is %s", v.took().Round(time.Millisecond), o.Within)
		}
		return nil
	})
}

func (r *rig) recover(ctx context.Context, o RecoveryOptions) (*recovery, error) {
	v := &recovery{opened: map[int32]time.Duration{}, committed: map[int32]time.Duration{}}
	if err := r.gen.live(); err != nil {
		return nil, err
	}
	if err := r.awaitKill(ctx, v, o.Age); err != nil {
		return nil, err
	}
	var err error
	if v.state, err = r.state(ctx); err != nil {
		return nil, err
	}
	if v.lagBefore, err = r.lag(ctx); err != nil {
		return nil, err
	}
	before, _, err := r.log.now()
	if err != nil {
		return nil, err
	}
	if err := r.fleet.Kill(ctx, processor); err != nil {
		return nil, err
	}
	r.say("  killed; checkpoints of %s", gigabytes(v.state))
	time.Sleep(o.Down)
	began := time.Now()
	if err := r.fleet.Begin(ctx, processor); err != nil {
		return nil, err
	}
	if err := r.back(ctx, v, before, began); err != nil {
		return nil, err
	}
	use, err := r.fleet.Usage(processor)
	if err != nil {
		return nil, err
	}
	v.cpu, v.load = use.CPU, loadAverage()
	r.say("  recovered in %.1f s", v.took().Seconds())
	if err := r.catchUp(ctx, v, began); err != nil {
		return nil, err
	}
	return v, r.proof(ctx, v)
}

// awaitKill waits until every task has written a checkpoint while the load was
// live, and the oldest of them is as old as asked for.
func (r *rig) awaitKill(ctx context.Context, v *recovery, age time.Duration) error {
	newest, err := r.checkpoints(ctx)
	if err != nil {
		return err
	}
	seen := map[int32]time.Time{}
	return product.Until(ctx, func() (bool, error) {
		now, err := r.checkpoints(ctx)
		if err != nil {
			return false, err
		}
		for p, c := range now {
			if c != newest[p] {
				seen[p], newest[p] = time.Now(), c
			}
		}
		if err := r.unfinished(); err != nil {
			return false, err
		}
		v.ages = map[int32]time.Duration{}
		oldest := time.Duration(0)
		for p, at := range seen {
			v.ages[p] = time.Since(at)
			oldest = max(oldest, v.ages[p])
		}
		for p := range r.busy {
			if seen[p].IsZero() {
				return false, nil
			}
		}
		return oldest >= age, nil
	})
}

// unfinished fails when the live load is over, or a part has fallen.
func (r *rig) unfinished() error {
	select {
	case <-r.gen.done:
		return errors.New("the live load was over before the processor was killed and back: make it longer")
	default:
		return errors.Join(r.fleet.Fallen()...)
	}
}

// back waits for the first new commit of each task.
func (r *rig) back(ctx context.Context, v *recovery, before map[int32]standing, began time.Time) error {
	return product.Until(ctx, func() (bool, error) {
		tasks, _, err := r.log.now()
		if err != nil {
			return false, err
		}
		for p, s := range tasks {
			if s.epoch > before[p].epoch && !s.first.IsZero() {
				v.opened[p], v.committed[p] = s.opened.Sub(began), s.first.Sub(began)
			}
		}
		for p := range r.busy {
			if v.committed[p] == 0 {
				return false, r.unfinished()
			}
		}
		return true, nil
	})
}

// catchUp waits until the lag is what it was before the kill, or two seconds.
func (r *rig) catchUp(ctx context.Context, v *recovery, began time.Time) error {
	return product.Until(ctx, func() (bool, error) {
		lag, err := r.lag(ctx)
		if err != nil || lag > max(v.lagBefore, 2) {
			return false, errors.Join(err, r.unfinished())
		}
		v.caughtUp = time.Since(began)
		return true, nil
	})
}

// proof ends the load and lets the product verify itself.
func (r *rig) proof(ctx context.Context, v *recovery) error {
	r.gen.stop()
	ends, err := r.ends(ctx, record.Samples)
	if err != nil {
		return err
	}
	if err := r.processed(ctx, ends); err != nil {
		return err
	}
	if err := r.stored(ctx); err != nil {
		return err
	}
	v.verdict, err = r.fleet.System.Verify(ctx)
	return err
}
