package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// insertion is one block on its way to the store.
type insertion struct {
	table, token string
	size         int64
	insert       func(ctx context.Context) error
	// readable decides, after the store has refused the block, whether the
	// block is in order. Nil: it is.
	readable func() error
}

// errUnreadable says that nobody can decode a part.
var errUnreadable = errors.New("unreadable part")

// Waits between attempts. A store that refuses what is in order needs an
// operator, so there is no hurry.
var (
	retryBackoff   = lifecycle.Backoff{Min: 100 * time.Millisecond, Max: 15 * time.Second}
	refusedBackoff = lifecycle.Backoff{Min: 2 * time.Second, Max: time.Minute}
)

// step brings a step to the store: its parts, side by side, then its ledger row.
func (t *task) step(ctx context.Context, step *commitlog.Step) error {
	c := &step.Commit
	unreadable := make([]bool, len(step.Parts))
	group, gctx := errgroup.WithContext(ctx)
	for i, part := range step.Parts {
		group.Go(func() error {
			id := record.PartID{Task: c.Task, Epoch: c.Epoch, Step: c.Step, Part: uint32(i + 1)}
			err := t.part(gctx, id, part)
			if errors.Is(err, errUnreadable) {
				unreadable[i] = true
				return t.setAside(gctx, letter{offset: step.Offset, part: id, payload: part, cause: err})
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("insert step %d: %w", c.Step, err)
	}
	var refused []uint32
	for i, bad := range unreadable {
		if bad {
			refused = append(refused, uint32(i+1))
			t.metrics.refused.WithLabelValues(t.label).Inc()
		}
	}
	columns, values := ledgerRow(step, refused)
	ledger := insertion{table: "ledger", token: ledgerToken(c), insert: func(ctx context.Context) error {
		return t.env.set.Store.InsertLedger(ctx, ledgerToken(c), columns, values)
	}}
	if err := t.insist(ctx, ledger); err != nil {
		return fmt.Errorf("insert ledger row of step %d: %w", c.Step, err)
	}
	t.arrived(step)
	return nil
}

func (t *task) part(ctx context.Context, id record.PartID, data []byte) error {
	err := t.insist(ctx, insertion{
		table: "facts", token: id.Token(), size: int64(len(data)),
		insert: func(ctx context.Context) error {
			if err := fact.Check(data); err != nil { // the store would take it without what it lacks
				return lifecycle.Permanent(err)
			}
			return t.env.set.Store.InsertPart(ctx, id.Token(), bytes.NewReader(data))
		},
		readable: func() error {
			_, err := fact.Decode(data, memory.DefaultAllocator)
			if errors.Is(err, fact.ErrUnknownColumn) {
				return nil // a newer sink can read it
			}
			return err
		},
	})
	if err == nil {
		t.metrics.parts.WithLabelValues(t.label).Inc()
		t.metrics.bytes.WithLabelValues(t.label).Add(float64(len(data)))
	}
	return err
}

// insist inserts until it succeeds, ctx ends, or the block proves unreadable.
func (t *task) insist(ctx context.Context, in insertion) error {
	backoff, refused := retryBackoff, refusedBackoff
	for {
		err := t.attempt(ctx, in)
		switch {
		case err == nil:
			t.recovered(in.token)
			return nil
		case ctx.Err() != nil:
			return lifecycle.Interrupted(err)
		}
		wait := backoff.Next()
		kind := "retryable"
		if lifecycle.IsPermanent(err) {
			if in.readable != nil {
				if decoding := in.readable(); decoding != nil {
					t.recovered(in.token)
					return fmt.Errorf("%w: %w (refused: %w)", errUnreadable, decoding, err)
				}
			}
			wait, kind = refused.Next(), "permanent"
		}
		t.metrics.retries.WithLabelValues(t.label, kind).Inc()
		t.failing(in.token, err, kind == "permanent")
		if err := lifecycle.Wait(ctx, wait); err != nil {
			return err
		}
	}
}

// attempt inserts once, within the budgets of all tasks.
func (t *task) attempt(ctx context.Context, in insertion) error {
	size := min(in.size, t.env.cfg.InFlightBytes)
	if err := t.env.bytes.Acquire(ctx, size); err != nil {
		return lifecycle.Interrupted(err)
	}
	defer t.env.bytes.Release(size)
	if err := t.env.inserts.Acquire(ctx, 1); err != nil {
		return lifecycle.Interrupted(err)
	}
	defer t.env.inserts.Release(1)
	t.metrics.inFlight.Add(float64(size))
	defer t.metrics.inFlight.Sub(float64(size))
	ctx, cancel := context.WithTimeout(ctx, t.env.cfg.InsertTimeout)
	defer cancel()
	began := time.Now()
	err := in.insert(ctx)
	if err == nil {
		t.metrics.insert.WithLabelValues(in.table).Observe(time.Since(began).Seconds())
	}
	return err
}
