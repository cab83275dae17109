package process

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// session is one epoch of a task: what its goroutine owns.
type session struct {
	task     *task
	source   string // ce_source of what it writes
	producer *kgo.Client
	core     core
	inputs   *inputs
	start    record.Offsets // of the checkpoint, or the topics' starts
	parts    partEncoder

	log        commitlog.Position // behind the last step that counts; ours to extend
	recordedAt int64              // of the last step
	watermark  int64
	totals     Totals
	replayed   int

	letters []*kgo.Record // of this step
	counts  refusals

	checkpointed time.Time          // when the last checkpoint was tried
	saved        commitlog.Position // what the last complete one holds
	previous     record.Manifest    // of the last complete one; without chunks: there is none

	archive        *archive
	historyRecords uint64    // written in this epoch
	evicted        int       // bytes of them since the last checkpoint
	historyEnd     int64     // behind the last record of history that is known to be ours
	carried        time.Time // when old history was looked for last
	stateEnd       int64     // of the state topic, when checkpoints were looked for
	stripped       bool      // a checkpoint was passed over whose history is not all there
}

func newSession(t *task) (*session, error) {
	// What a task appends is a batch already, and it waits for each: it gains nothing
	// by lingering.
	producer, err := kafka.NewClient(t.env.cfg.Kafka, t.logger, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	return &session{
		task: t, producer: producer, source: fmt.Sprintf("/process/task/%d", t.id),
		parts: partEncoder{builder: fact.NewBuilder()},
	}, nil
}

// close drops whatever has not been acknowledged.
func (s *session) close() {
	s.producer.Close()
	if s.archive != nil {
		s.archive.close()
	}
	if s.inputs != nil {
		s.inputs.close()
	}
}

// record builds a record for a partition of a topic.
func (s *session) record(topic string, partition int32, env record.Envelope, value []byte, more ...record.Header) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Headers: kafka.RecordHeaders(append(env.Headers(), more...)), Value: value}
}

// run steps until the task is asked to end or something fails. Asked to end, it
// finishes its step and writes a last checkpoint, so that the next owner has
// little to read.
func (s *session) run(ctx context.Context) error {
	feed := s.startFeed(ctx)
	defer feed.close()
	for {
		var in batch
		if !s.core.Pending() {
			var err error
			if in, err = feed.collect(s.task.stop, s.inputs.asking(ctx)); err != nil {
				return err
			}
		}
		if err := s.step(ctx, in); err != nil {
			return err
		}
		stopping := s.task.stopping()
		due := s.task.env.set.Clock().Sub(s.checkpointed) >= s.task.env.cfg.CheckpointInterval
		if (due || stopping) && s.saved != s.log {
			if err := s.checkpoint(ctx); err != nil {
				return fmt.Errorf("write checkpoint: %w", err)
			}
		}
		if due {
			s.checkpointed = s.task.env.set.Clock()
		}
		if stopping {
			return nil
		}
	}
}
