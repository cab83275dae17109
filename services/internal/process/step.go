package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// step applies samples and what else there is, and makes the outcome count.
func (s *session) step(ctx context.Context, in batch) error {
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
	if !changed && len(in.records) == 0 && !s.core.Pending() {
		s.publish(ends.Samples)
		return nil
	}
	out := s.output()
	if err := s.applySamples(ctx, in, out); err != nil {
		return err
	}
	result := s.core.EndStep()
	if err := s.recalled(); err != nil {
		return err
	}
	s.addLetters(result, origin)
	if err := out.take(ctx, result.Rows); err != nil {
		return err
	}
	if err := s.write(ctx, out, result); err != nil {
		return err
	}
	s.publish(max(ends.Samples, s.inputs.at.Samples))
	if err := s.makeRoom(ctx); err != nil {
		return err
	}
	s.task.env.metrics.stepSeconds.Observe(time.Since(began).Seconds())
	return nil
}

// applySamples applies the samples of a step.
func (s *session) applySamples(ctx context.Context, in batch, out *output) error {
	for len(in.records) > 0 {
		for _, r := range in.records {
			if !s.inputs.applySamples(s.core, r) {
				continue
			}
			if err := out.take(ctx, s.core.CloseWindows()); err != nil {
				return err
			}
		}
		in.records = nil
		if in.more == nil {
			break
		}
		var err error
		if in.records, err = in.more(); err != nil {
			return err
		}
	}
	s.inputs.applied = 0
	return nil
}

// output is what a step writes: parts, which go out while it goes on, so that it holds
// rows of minutes, where those of all its hours would have to be held.
type output struct {
	*session
	step   uint64
	sent   uint32 // parts
	rows   uint64
	sums   fact.Sums
	flight kgo.FirstErrPromise
}

// output begins the output of the next step.
func (s *session) output() *output {
	s.recordedAt = max(s.recordedAt, s.task.env.set.Clock().UTC().Truncate(time.Millisecond).UnixNano())
	return &output{session: s, step: s.log.Step + 1}
}

// take appends rows to the step's parts, and sends those that are full. It keeps no row.
func (o *output) take(ctx context.Context, rows []fact.Row) error {
	for i := range rows {
		origin := &rows[i].Origin
		origin.RecordedAt, origin.Task, origin.Epoch, origin.Step = o.recordedAt, o.task.id, o.log.Epoch, o.step
	}
	o.rows += uint64(len(rows))
	return lifecycle.Permanent(o.parts.add(rows, o.send(ctx))) // the same rows come again
}

// send returns a function that sends a part, and does not wait for it.
func (o *output) send(ctx context.Context) func([]byte, *fact.Sums) {
	return func(part []byte, sums *fact.Sums) {
		o.sent++
		o.sums.Add(sums)
		id := record.PartID{Task: o.task.id, Epoch: o.log.Epoch, Step: o.step, Part: o.sent}
		env := record.Envelope{ID: id.Token(), Source: o.source, Type: record.TypePart, Time: o.recordedAt}
		o.producer.Produce(ctx, o.record(record.Facts, o.task.id, env, part, id.Headers()...), o.flight.Promise())
	}
}

// write sends the step's dead letters and its last part, waits for all that was sent,
// and then appends its commit.
//
// The commit goes only when the parts are acknowledged. One connection keeps
// their order as long as it lives, but a broker that restarts without its
// memory of producers accepts the batches of a retry as they come.
func (s *session) write(ctx context.Context, out *output, result *engine.Result) error {
	if err := s.parts.finish(out.send(ctx)); err != nil {
		return lifecycle.Permanent(err)
	}
	letters := len(s.letters)
	for _, r := range s.letters {
		s.producer.Produce(ctx, r, out.flight.Promise())
	}
	s.letters = nil
	if err := kafka.Classify(out.flight.Err()); err != nil {
		return fmt.Errorf("append parts: %w", err)
	}
	s.task.env.metrics.deadLetters.Add(float64(letters))
	commit := s.commit(out, result)
	env := record.Envelope{
		ID:     record.PartID{Task: s.task.id, Epoch: s.log.Epoch, Step: out.step}.Token(),
		Source: s.source, Type: record.TypeCommit, Time: s.recordedAt,
	}
	rec := s.record(record.Facts, s.task.id, env, commit.Append(nil))
	if err := s.append(ctx, rec); err != nil {
		return fmt.Errorf("append commit: %w", err)
	}
	if err := s.confirm(ctx, rec.Offset, int(out.sent)); err != nil {
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

func (s *session) commit(out *output, result *engine.Result) *record.Commit {
	counts := result.Counts[:]
	for reason, n := range s.counts {
		counts[reason] += n
	}
	s.counts = refusals{}
	return &record.Commit{
		Task: s.task.id, Epoch: s.log.Epoch, Step: out.step, Parts: out.sent, Rows: out.rows,
		RecordedAt: s.recordedAt, Inputs: s.inputs.at, Sums: out.sums[:], Counts: counts,
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
