package process

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
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
		parts: partEncoder{builder: fact.NewBuilder(memory.DefaultAllocator)},
	}, nil
}

// close drops whatever has not been acknowledged.
func (s *session) close() {
	s.producer.Close()
	s.parts.builder.Release()
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
		var records []*kgo.Record
		if !s.core.Pending() {
			var err error
			if records, err = feed.collect(s.task.stop, func() (bool, error) { return s.inputs.waiting(ctx) }); err != nil {
				return err
			}
		}
		if err := s.step(ctx, records); err != nil {
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

// feed fetches samples ahead of the steps. It exists because a wait for records
// must have an end, while a reader's Poll must not be cut short: what it holds
// at that moment would have to be read again.
type feed struct {
	interval time.Duration
	bytes    int
	records  chan []*kgo.Record
	failed   chan error
	cancel   context.CancelFunc
	done     chan struct{}
}

func (s *session) startFeed(ctx context.Context) *feed {
	cfg := s.task.env.cfg
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{
		interval: cfg.StepInterval, bytes: cfg.StepBytes, records: make(chan []*kgo.Record, 1), failed: make(chan error, 1),
		cancel: cancel, done: make(chan struct{}),
	}
	samples := s.inputs.samples
	go func() {
		defer close(f.done)
		for {
			records, err := samples.Poll(ctx, cfg.StepBytes)
			if err != nil {
				f.failed <- fmt.Errorf("read samples: %w", err)
				return
			}
			select {
			case f.records <- records:
			case <-ctx.Done():
				f.failed <- fmt.Errorf("read samples: %w", context.Cause(ctx))
				return
			}
		}
	}()
	return f
}

// close ends the fetching; the reader is then nobody's.
func (f *feed) close() {
	f.cancel()
	<-f.done
}

// recordOverhead is about what a record takes beside its key and value.
const recordOverhead = 256

// lookInterval is how often a step that collects looks for rates, inventory,
// placements and corrections: they come seldom, and somebody waits for them.
const lookInterval = time.Second

// collect returns the input of a step: what comes in within the step interval,
// at most about the step bytes, and no more waiting once a seal or another topic's
// record has come, for which somebody waits.
func (f *feed) collect(stop <-chan struct{}, waiting func() (bool, error)) ([]*kgo.Record, error) {
	var records []*kgo.Record
	size, sealed := 0, false
	timer, look := time.NewTimer(f.interval), time.NewTicker(lookInterval)
	defer timer.Stop()
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if come, err := waiting(); come || err != nil {
				return records, err
			}
		case err := <-f.failed:
			return nil, err
		case more := <-f.records:
			for _, r := range more {
				size += len(r.Key) + len(r.Value) + recordOverhead
				sealed = sealed || eventType(r) == record.TypeSeal
			}
			records = append(records, more...)
			if size >= f.bytes || sealed && len(f.records) == 0 {
				return records, nil
			}
		case <-timer.C:
			return records, nil
		case <-stop:
			return records, nil
		}
	}
}
