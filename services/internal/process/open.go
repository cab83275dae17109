package process

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// open begins an epoch of the task: it loads the last checkpoint, claims the
// log, reads in the log which steps count since, and applies their input again.
// Then its engine is what the previous owner's was after the last step that
// counts.
func (t *task) open(ctx context.Context) (*session, error) {
	next := *t.status.Load()
	next.State = StateOpening
	t.status.Store(&next)

	s, err := newSession(t)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) open(ctx context.Context) error {
	found, err := s.loadCheckpoint(ctx)
	if err != nil {
		return fmt.Errorf("load checkpoint: %w", err)
	}
	return s.takeOver(ctx, found)
}

// takeOver goes on from the checkpoint that was loaded, or from nothing.
func (s *session) takeOver(ctx context.Context, found bool) error {
	t := s.task
	s.archive = &archive{ctx: ctx, cfg: t.env.cfg.Kafka, logger: t.logger, task: t.id, metrics: t.env.metrics}
	s.core.UseArchive(s.archive)
	steps, err := s.claim(ctx)
	if err != nil {
		return fmt.Errorf("claim log: %w", err)
	}
	if err := s.unsurpassed(ctx); err != nil {
		return err
	}
	if !found && len(steps) == 0 {
		if err := s.begin(ctx); err != nil {
			return fmt.Errorf("begin task: %w", err)
		}
	}
	s.inputs, err = openInputs(t.env, t.logger, t.id, s.start)
	if err != nil {
		return err
	}
	if err := s.replay(ctx, steps); err != nil {
		return err
	}
	s.inputs.refused = s.refuse
	if !found && len(steps) == 0 || s.stripped {
		// From here on there is always a checkpoint, which says where the
		// task's input began: the topics' starts move on. And a stripped one would
		// look whole as soon as other history lay where its own did: one that moves
		// no history comes before that, and is preferred.
		if err := s.checkpoint(ctx); err != nil {
			return fmt.Errorf("write first checkpoint: %w", err)
		}
	}
	s.checkpointed = t.env.set.Clock().Add(-t.env.phase(t.id))
	s.publish(s.inputs.at.Samples)
	return nil
}

// unsurpassed returns an error if a checkpoint has been written between the look for
// the last one and the claim. Its writer lets go of history that only older ones
// need, such as the one that was loaded. Once the log is claimed he completes one
// at most, which spares the history of the one before it: that was found.
func (s *session) unsurpassed(ctx context.Context) error {
	ends, err := kafka.EndOffsets(ctx, s.producer, record.State)
	if err != nil {
		return err
	}
	if end := ends[record.State][s.task.id]; end != s.stateEnd {
		return fmt.Errorf("another owner has written a checkpoint meanwhile: %s/%d ended at %d and now at %d", record.State, s.task.id, s.stateEnd, end)
	}
	return nil
}

// begin sets where a task without a past starts: where its topics do.
func (s *session) begin(ctx context.Context) error {
	starts, err := kafka.StartOffsets(ctx, s.producer, record.Samples, record.Placements, record.Inventory, record.Rates, record.Corrections)
	if err != nil {
		return err
	}
	id := s.task.id
	s.start = record.Offsets{
		Samples: starts[record.Samples][id], Placements: starts[record.Placements][id],
		Inventory: starts[record.Inventory][id], Rates: starts[record.Rates][0],
		Corrections: starts[record.Corrections][id],
	}
	return nil
}

// claimAttempts bounds how often two openers may outbid each other in a row.
const claimAttempts = 16

// claim appends an open record and reads the log from s.log to beyond it. It
// returns the commits that count, in order.
func (s *session) claim(ctx context.Context) ([]record.Commit, error) {
	t := s.task
	if err := s.checkLog(ctx); err != nil {
		return nil, err
	}
	reader, err := kafka.NewReader(t.env.cfg.Kafka, t.logger, record.Facts, t.id, s.log.Next)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	ends, err := kafka.EndOffsets(ctx, s.producer, record.Facts)
	if err != nil {
		return nil, err
	}
	log := commitlog.NewReader(s.log)
	var steps []record.Commit
	readTo := func(end int64) error {
		return s.readLog(ctx, reader, log, end, func(step *commitlog.Step) { steps = append(steps, step.Commit) })
	}
	// First to the end as it is, to learn the highest epoch; whatever an earlier
	// owner still adds before our open record counts, too.
	if err := readTo(ends[record.Facts][t.id]); err != nil {
		return nil, err
	}
	backoff := lifecycle.Backoff{Min: 20 * time.Millisecond, Max: time.Second}
	for range claimAttempts {
		open := record.Open{Task: t.id, Epoch: log.Position().Epoch + 1, ID: rand.Text()}
		offset, err := s.appendOpen(ctx, &open)
		if err != nil {
			return nil, err
		}
		if err := readTo(offset + 1); err != nil {
			return nil, err
		}
		if s.log = log.Position(); s.log.Epoch == open.Epoch && s.log.Owner == open.ID {
			t.env.metrics.opens.Inc()
			return steps, nil
		}
		// Somebody else's open record came first. Wait a random time, so that
		// two openers do not outbid each other for ever.
		if err := lifecycle.Wait(ctx, backoff.Next()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: lost %d claims", errFenced, claimAttempts)
}

// checkLog refuses a log that does not hold what follows the checkpoint.
func (s *session) checkLog(ctx context.Context) error {
	starts, err := kafka.StartOffsets(ctx, s.producer, record.Facts)
	if err != nil {
		return err
	}
	ends, err := kafka.EndOffsets(ctx, s.producer, record.Facts)
	if err != nil {
		return err
	}
	start, end := starts[record.Facts][s.task.id], ends[record.Facts][s.task.id]
	if s.log.Next < start || s.log.Next > end {
		return lifecycle.Permanent(fmt.Errorf("%w: the last checkpoint is of step %d (0: none) and continues at offset %d of %s/%d, which holds %d to %d",
			errStateMismatch, s.log.Step, s.log.Next, record.Facts, s.task.id, start, end))
	}
	return nil
}

// readLog reads the log up to end and calls fn for every step that counts.
func (s *session) readLog(ctx context.Context, r *kafka.Reader, log *commitlog.Reader, end int64, fn func(*commitlog.Step)) error {
	return r.ReadTo(ctx, end, func(rec *kgo.Record) error {
		step, err := log.Add(commitlog.Record{Offset: rec.Offset, Headers: kafka.Headers(rec), Value: rec.Value})
		switch {
		case errors.Is(err, record.ErrMalformed):
			// Not ours: a foreign writer's. The rules pass over it.
			s.task.logger.Warn("malformed record in commit log", "offset", rec.Offset, "error", err)
			return nil
		case err != nil:
			return lifecycle.Permanent(err)
		case step != nil:
			fn(step)
		}
		return nil
	})
}

func (s *session) appendOpen(ctx context.Context, open *record.Open) (offset int64, err error) {
	env := record.Envelope{ID: open.ID, Source: s.source, Type: record.TypeOpen}
	rec := s.record(record.Facts, s.task.id, env, open.Append(nil))
	if err := s.producer.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return 0, kafka.Classify(fmt.Errorf("append open record: %w", err))
	}
	return rec.Offset, nil
}

// replay applies the input of steps that count since the checkpoint, cut as
// they were cut, and drops the rows, which are in the log.
func (s *session) replay(ctx context.Context, steps []record.Commit) error {
	for i := range steps {
		c := &steps[i]
		if err := s.inputs.replay(ctx, s.core, c.Inputs); err != nil {
			if gap, ok := errors.AsType[*kafka.GapError](err); ok {
				err = lifecycle.Permanent(fmt.Errorf("input that is needed to recover is gone: %w", gap))
			}
			return fmt.Errorf("replay step %d: %w", c.Step, err)
		}
		s.core.SkipStep()
		if err := s.recalled(); err != nil {
			return fmt.Errorf("replay step %d: %w", c.Step, err)
		}
		if err := s.makeRoom(ctx); err != nil {
			return fmt.Errorf("replay step %d: %w", c.Step, err)
		}
		s.totals.add(c)
		s.recordedAt = max(s.recordedAt, c.RecordedAt)
		s.watermark = c.Watermark
		s.replayed++
	}
	return nil
}
