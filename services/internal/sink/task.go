package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// pollBytes is how much of the log is taken at a time.
const pollBytes = 4 << 20

// logInterval bounds how often a failure that lasts is logged.
const logInterval = time.Minute

// task brings the log of one partition to the store.
type task struct {
	env       *environment
	metrics   *metrics
	partition int32
	label     string
	cancel    context.CancelFunc
	done      chan struct{}

	mu     sync.Mutex // what follows is read by status
	at     commitlog.Position
	next   int64 // offset to read next
	end    int64 // of the log, when it was looked at last
	rows   uint64
	faults map[string]fault // what fails now, by token, or "" for the task itself
	logged time.Time
}

// fault is a failure that lasts.
type fault struct {
	err     error
	since   time.Time
	blocked bool // an operator is needed
}

func startTask(env *environment, partition int32) *task {
	ctx, cancel := context.WithCancel(context.Background())
	t := &task{
		env: env, metrics: env.metrics, partition: partition, label: fmt.Sprint(partition), cancel: cancel,
		done: make(chan struct{}), faults: map[string]fault{},
	}
	go func() {
		defer close(t.done)
		t.run(ctx)
	}()
	return t
}

// run reads the log, and begins again from the ledger after each failure.
func (t *task) run(ctx context.Context) {
	backoff, refused := retryBackoff, refusedBackoff
	for ctx.Err() == nil {
		began := time.Now()
		err := t.session(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > time.Minute {
			backoff.Reset()
			refused.Reset()
		}
		wait := backoff.Next()
		blocked := lifecycle.IsPermanent(err)
		if blocked {
			wait = refused.Next()
		}
		t.failing("", err, blocked)
		if lifecycle.Wait(ctx, wait) != nil {
			break
		}
	}
	t.metrics.blocked.DeleteLabelValues(t.label)
	t.metrics.lag.DeleteLabelValues(t.label)
}

// session reads the log from the ledger's end on until something fails.
func (t *task) session(ctx context.Context) error {
	at, err := resume(ctx, t.env.set.Store, t.partition)
	if err != nil {
		return err
	}
	t.moved(at, at.Next)
	reader, err := kafka.NewReader(t.env.set.Kafka, t.env.set.Logger, record.Facts, t.partition, at.Next)
	if err != nil {
		return err
	}
	defer reader.Close()
	t.metrics.sessions.WithLabelValues(t.label).Inc()
	t.env.set.Logger.Info("reading commit log", "task", t.partition, "offset", at.Next, "epoch", at.Epoch, "step", at.Step)
	log := commitlog.NewReader(at)
	for {
		records, err := reader.Poll(ctx, pollBytes)
		if err != nil {
			return err
		}
		t.recovered("")
		for _, rec := range records {
			if err := t.read(ctx, log, rec); err != nil {
				return err
			}
		}
	}
}

// read takes one record of the log.
func (t *task) read(ctx context.Context, log *commitlog.Reader, rec *kgo.Record) error {
	step, err := log.Add(commitlog.Record{Offset: rec.Offset, Headers: kafka.Headers(rec), Value: rec.Value})
	switch {
	case errors.Is(err, record.ErrMalformed):
		err = t.setAside(ctx, letter{offset: rec.Offset, payload: rec.Value, cause: err})
	case err != nil:
		err = lifecycle.Permanent(fmt.Errorf("read commit log: %w", err))
	case step != nil:
		err = t.step(ctx, step)
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.next = rec.Offset + 1
	t.mu.Unlock()
	return nil
}

// arrived notes that a step is in the ledger.
func (t *task) arrived(step *commitlog.Step) {
	t.metrics.steps.WithLabelValues(t.label).Inc()
	t.metrics.rows.WithLabelValues(t.label).Add(float64(step.Commit.Rows))
	t.moved(step.After, step.After.Next)
	t.mu.Lock()
	t.rows += step.Commit.Rows
	t.mu.Unlock()
}

func (t *task) moved(at commitlog.Position, next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at, t.next = at, next
	t.metrics.step.WithLabelValues(t.label).Set(float64(at.Step))
}

// failing notes a failure and logs it, the first time at once and then at a
// bounded rate.
func (t *task) failing(token string, err error, blocked bool) {
	now := t.env.set.Clock()
	t.mu.Lock()
	f, before := t.faults[token]
	if !before {
		f.since = now
	}
	f.err, f.blocked = err, blocked
	t.faults[token] = f
	loud := !before || now.Sub(t.logged) >= logInterval
	if loud {
		t.logged = now
	}
	t.mu.Unlock()
	t.setBlocked()
	if loud {
		t.env.set.Logger.Warn("task cannot go on and tries again", "task", t.partition, "block", token, "needs_operator", blocked,
			"since", f.since, "error", err)
	}
}

// recovered forgets a failure that has passed.
func (t *task) recovered(token string) {
	t.mu.Lock()
	_, failed := t.faults[token]
	delete(t.faults, token)
	t.mu.Unlock()
	if failed {
		t.setBlocked()
		t.env.set.Logger.Info("task goes on", "task", t.partition, "block", token)
	}
}

func (t *task) setBlocked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	blocked := 0.0
	for _, f := range t.faults {
		if f.blocked {
			blocked = 1
		}
	}
	t.metrics.blocked.WithLabelValues(t.label).Set(blocked)
}

// worst returns the failure that an operator should see first.
func (t *task) worst() (fault, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.SortedFunc(maps.Values(t.faults), func(a, b fault) int {
		if a.blocked != b.blocked {
			if a.blocked {
				return -1
			}
			return 1
		}
		return a.since.Compare(b.since)
	})
	if len(all) == 0 {
		return fault{}, false
	}
	return all[0], true
}
