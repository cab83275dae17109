package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// task runs one partition for as long as the group assigns it: it opens an
// epoch, steps until something fails, and opens the next one.
type task struct {
	env    *environment
	id     int32
	logger *slog.Logger
	status atomic.Pointer[TaskStatus]

	stop     chan struct{} // closed: end after a last step and checkpoint
	stopOnce sync.Once
	cancel   context.CancelFunc // end at once
	done     chan struct{}
}

func startTask(env *environment, id int32) *task {
	ctx, cancel := context.WithCancel(context.Background())
	t := &task{
		env: env, id: id, logger: env.set.Logger.With("task", id),
		stop: make(chan struct{}), cancel: cancel, done: make(chan struct{}),
	}
	t.status.Store(&TaskStatus{Task: id, State: StateOpening})
	go func() {
		defer close(t.done)
		defer cancel()
		t.run(ctx)
	}()
	return t
}

// end asks the task to end: at once if it has been lost, otherwise after a last
// step, for which it has StopTimeout.
func (t *task) end(lost bool) {
	if lost {
		t.cancel()
		return
	}
	t.stopOnce.Do(func() {
		close(t.stop)
		deadline := time.AfterFunc(t.env.cfg.StopTimeout, t.cancel)
		go func() {
			<-t.done
			deadline.Stop()
		}()
	})
}

func (t *task) stopping() bool {
	select {
	case <-t.stop:
		return true
	default:
		return false
	}
}

// messageDown is what operators (and tests) wait for in the log.
const messageDown = "task is down"

// run opens epochs until the task is asked to end or cannot go on.
func (t *task) run(ctx context.Context) {
	backoff := lifecycle.Backoff{Max: 10 * time.Second}
	for {
		err := t.epoch(ctx, &backoff)
		switch {
		case err == nil || ctx.Err() != nil || t.stopping():
			t.logger.Info("task ended")
			return
		case lifecycle.IsPermanent(err):
			t.fail(StateDown, err)
			t.logger.Error(messageDown, "error", err)
			t.env.metrics.failures.WithLabelValues(failurePermanent).Inc()
			t.wait(ctx, 0)
			return
		case errors.Is(err, errFenced):
			// The other one has the task by right, or the group is about to tell
			// it otherwise. Opening again at once would only fence each other.
			t.logger.Warn("task is fenced", "error", err)
			t.fail(StateOpening, err)
			t.env.metrics.failures.WithLabelValues(failureFenced).Inc()
			t.wait(ctx, t.env.cfg.SessionTimeout)
		default:
			t.logger.Warn("task is opened again", "error", err)
			t.fail(StateOpening, err)
			t.env.metrics.failures.WithLabelValues(failureRetryable).Inc()
			t.wait(ctx, backoff.Next())
		}
	}
}

// epoch opens the task and steps until something ends it.
func (t *task) epoch(ctx context.Context, backoff *lifecycle.Backoff) error {
	opening, cancel := context.WithCancel(ctx)
	defer cancel()
	opened := make(chan struct{})
	go func() { // asked to end while it opens: there is nothing to put away
		select {
		case <-t.stop:
			cancel()
		case <-opened:
		}
	}()
	began := time.Now()
	s, err := t.open(opening)
	close(opened)
	if err != nil {
		return fmt.Errorf("open task: %w", err)
	}
	defer s.close()
	backoff.Reset()
	t.logger.Info("task opened", "epoch", s.log.Epoch, "step", s.log.Step, "samples", s.inputs.at.Samples,
		"replayed_steps", s.replayed, "seconds", time.Since(began).Seconds())
	return s.run(ctx)
}

// wait waits for d, or with 0 until the task is asked to end.
func (t *task) wait(ctx context.Context, d time.Duration) {
	var passed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-ctx.Done():
	case <-t.stop:
	case <-passed:
	}
}

// fail publishes that the task does not run, keeping what it was last known at.
func (t *task) fail(state State, err error) {
	next := *t.status.Load()
	next.State, next.Error = state, err.Error()
	t.status.Store(&next)
}
