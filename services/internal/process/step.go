package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// step applies records and what else there is, and makes the outcome count.
func (s *session) step(ctx context.Context, records []*kgo.Record) error {
	// The ends are asked for after the samples were polled: what was published
	// before a reading that we hold is below them.
	ends, err := s.inputs.ends(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	origin := s.inputs.at.Samples
	changed, err := s.inputs.applySides(ctx, s.core, ends)
	if err != nil {
		return err
	}
	if !changed && len(records) == 0 && !s.core.Pending() {
		s.publish(ends.Samples)
		return nil
	}
	for _, r := range records {
		if s.inputs.applySamples(s.core, r) {
			s.core.CloseWindows()
		}
	}
	s.inputs.applied = 0
	result := s.core.EndStep()
	if err := s.recalled(); err != nil {
		return err
	}
	s.addLetters(result, origin)
	if err := s.write(ctx, result); err != nil {
		return err
	}
	s.publish(max(ends.Samples, s.inputs.at.Samples))
	if err := s.makeRoom(ctx); err != nil {
		return err
	}
	s.task.env.metrics.stepSeconds.Observe(time.Since(began).Seconds())
	return nil
}

// write appends the step's dead letters and parts, waits for them, and then
// appends its commit.
//
// The commit goes only when the parts are acknowledged. One connection keeps
// their order as long as it lives, but a broker that restarts without its
// memory of producers accepts the batches of a retry as they come.
func (s *session) write(ctx context.Context, result *engine.Result) error {
	step := s.log.Step + 1
	s.recordedAt = max(s.recordedAt, s.task.env.set.Clock().UTC().Truncate(time.Millisecond).UnixNano())
	for i := range result.Rows {
		o := &result.Rows[i].Origin
		o.RecordedAt, o.Task, o.Epoch, o.Step = s.recordedAt, s.task.id, s.log.Epoch, step
	}
	parts, sums, err := s.parts.encode(result.Rows)
	if err != nil {
		return lifecycle.Permanent(err) // the same rows come again
	}
	batch := s.letters
	s.letters = nil
	letters := len(batch)
	for i, part := range parts {
		id := record.PartID{Task: s.task.id, Epoch: s.log.Epoch, Step: step, Part: uint32(i + 1)}
		env := record.Envelope{ID: id.Token(), Source: s.source, Type: record.TypePart, Time: s.recordedAt}
		batch = append(batch, s.record(record.Facts, s.task.id, env, part, id.Headers()...))
	}
	if err := s.append(ctx, batch...); err != nil {
		return fmt.Errorf("append parts: %w", err)
	}
	s.task.env.metrics.deadLetters.Add(float64(letters))
	commit := s.commit(result, step, len(parts), sums)
	env := record.Envelope{
		ID:     record.PartID{Task: s.task.id, Epoch: s.log.Epoch, Step: step}.Token(),
		Source: s.source, Type: record.TypeCommit, Time: s.recordedAt,
	}
	rec := s.record(record.Facts, s.task.id, env, commit.Append(nil))
	if err := s.append(ctx, rec); err != nil {
		return fmt.Errorf("append commit: %w", err)
	}
	if err := s.confirm(ctx, rec.Offset, len(parts)); err != nil {
		return err
	}
	s.totals.add(commit)
	s.watermark = commit.Watermark
	return nil
}

// append produces records in order and waits until all are acknowledged.
func (s *session) append(ctx context.Context, records ...*kgo.Record) error {
	if len(records) == 0 {
		return nil
	}
	return kafka.Classify(s.producer.ProduceSync(ctx, records...).FirstErr())
}

func (s *session) commit(result *engine.Result, step uint64, parts int, sums []int64) *record.Commit {
	counts := result.Counts[:]
	for reason, n := range s.counts {
		counts[reason] += n
	}
	s.counts = refusals{}
	return &record.Commit{
		Task: s.task.id, Epoch: s.log.Epoch, Step: step, Parts: uint32(parts), Rows: uint64(len(result.Rows)),
		RecordedAt: s.recordedAt, Inputs: s.inputs.at, Sums: sums, Counts: counts,
		Readings: result.Readings, Duplicates: result.Duplicates, Watermark: result.Watermark,
		RejectedEnergy: result.RejectedEnergy, UnplacedEnergy: result.UnplacedEnergy, InconsistentEnergy: result.InconsistentEnergy,
		ResidualEnergy: result.ResidualEnergy, ResidualMoney: result.ResidualMoney, ResidualTime: result.ResidualTime,
		Pending: s.core.Pending(),
	}
}

// confirm sees that nobody else has written to the log since the last step, or
// that what they wrote leaves the step counting.
//
// If our records lie one after the other behind what we knew, nobody has: that
// costs nothing to see. Otherwise the log says what counts. A task that is
// fenced stops here, early; correctness does not need it: readers of the log
// ignore what a lower epoch writes after an open record, however long its
// writer goes on. What does need it is the checkpoint, which may only hold
// steps that count, or a new owner could start from a state that nobody's
// facts agree with.
func (s *session) confirm(ctx context.Context, commitOffset int64, parts int) error {
	step := s.log.Step + 1
	if commitOffset == s.log.Next+int64(parts) {
		s.log.Step, s.log.Next = step, commitOffset+1
		return nil
	}
	reader, err := kafka.NewReader(s.task.env.cfg.Kafka, s.task.logger, record.Facts, s.task.id, s.log.Next)
	if err != nil {
		return err
	}
	defer reader.Close()
	log := commitlog.NewReader(s.log)
	counts := false
	err = s.readLog(ctx, reader, log, commitOffset+1, func(read *commitlog.Step) {
		counts = counts || read.Commit.Step == step && read.Commit.Epoch == s.log.Epoch && read.After.Owner == s.log.Owner
	})
	if err != nil {
		return fmt.Errorf("confirm step %d: %w", step, err)
	}
	after := log.Position()
	if !counts || after.Epoch != s.log.Epoch || after.Owner != s.log.Owner {
		return fmt.Errorf("%w: epoch %d, ours is %d", errFenced, after.Epoch, s.log.Epoch)
	}
	if after.Step != step {
		return fmt.Errorf("confirm step %d: %w", step, errors.New("the log has gone on without us"))
	}
	s.log = after
	return nil
}
