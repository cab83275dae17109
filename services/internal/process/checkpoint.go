package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

const (
	// stateVersion is of the encoding: of the first chunk (the thousands) and of
	// the engine's chunks.
	stateVersion = 1000 + engine.StateVersion
	// chunkBytes leaves a batch of 1 MiB room for its framing.
	chunkBytes = 900 << 10
)

// stateHeader is the first chunk of a checkpoint: what a task knows beside its
// engine's state.
type stateHeader struct {
	Partitions int `json:"partitions"`
	// Definitions are the settings on which figures depend: state that was
	// built with others cannot be gone on with.
	Definitions engine.Config `json:"definitions"`
	RecordedAt  int64         `json:"recorded_at"`
	Watermark   int64         `json:"watermark"`
	Totals      Totals        `json:"totals"`
}

// chunkHeaders name the checkpoint that a chunk belongs to and its place.
const (
	headerCheckpoint = "checkpoint"
	headerChunk      = "chunk"
)

// checkpoint writes the state after the last step: history that lies nowhere yet,
// chunks, then the manifest that makes them count; then it lets go of what lies
// before the checkpoint before this one. The task stands still meanwhile.
func (s *session) checkpoint(ctx context.Context) error {
	began := time.Now()
	if err := s.evict(ctx); err != nil {
		return err
	}
	w := &chunkWriter{appender: appender{session: s, ctx: ctx}, id: rand.Uint64(), sum: xxhash.New()}
	header, err := json.Marshal(stateHeader{Partitions: s.task.env.partitions, Definitions: s.task.env.cfg.Config, RecordedAt: s.recordedAt, Watermark: s.watermark, Totals: s.totals})
	if err != nil {
		return fmt.Errorf("encode state header: %w", err)
	}
	if err := w.emit(header); err != nil {
		return err
	}
	if err := s.core.Snapshot(chunkBytes, w.emit); err != nil {
		return fmt.Errorf("snapshot engine: %w", err)
	}
	offsets, err := w.wait()
	if err != nil {
		return err
	}
	m := record.Manifest{
		Task: s.task.id, Epoch: s.log.Epoch, Step: s.log.Step, Checkpoint: w.id, Chunks: w.chunks,
		FirstChunk: slices.Min(offsets), FactsFrom: s.log.Next, Inputs: s.inputs.at, Checksum: w.sum.Sum64(), Version: stateVersion,
		HistoryFrom: s.historyEnd, HistoryTo: s.historyEnd,
	}
	if oldest, ok := s.core.OldestPlace(); ok {
		m.HistoryFrom = oldest
	}
	env := record.Envelope{ID: strconv.FormatUint(w.id, 10), Source: s.source, Type: record.TypeManifest, Time: s.recordedAt}
	if err := s.append(ctx, s.record(record.State, s.task.id, env, m.Append(nil))); err != nil {
		return fmt.Errorf("append manifest: %w", err)
	}
	s.task.env.metrics.checkpointSeconds.Observe(time.Since(began).Seconds())
	s.task.env.metrics.checkpointBytes.Set(float64(w.bytes + s.evicted))
	s.evicted = 0
	s.trim(ctx)
	s.previous, s.saved, s.stripped = m, s.log, false
	s.archive.close()
	return nil
}

// phase is how far into its interval a task's checkpoints begin. Tasks that are
// opened together would otherwise all write at the same time.
func (e *environment) phase(task int32) time.Duration {
	return e.cfg.CheckpointInterval * time.Duration(task) / time.Duration(e.partitions)
}

// trim drops what lies before the previous complete checkpoint, and history that
// it does not need. Two stay: the newest may be the one that a broker loses when
// power fails. It is no reason to give the task up when it does not work.
func (s *session) trim(ctx context.Context) {
	if s.previous.Chunks == 0 {
		return
	}
	err := errors.Join(
		kafka.Trim(ctx, s.producer, record.State, s.task.id, s.previous.FirstChunk),
		kafka.Trim(ctx, s.producer, record.History, s.task.id, s.previous.HistoryFrom),
	)
	if err != nil {
		s.task.logger.Warn("old checkpoints stay", "error", err)
	}
}

// chunkWriter produces the chunks of one checkpoint as they are emitted.
type chunkWriter struct {
	appender
	id     uint64
	chunks uint64
	sum    *xxhash.Digest
}

// emit appends a chunk and keeps it.
func (w *chunkWriter) emit(chunk []byte) error {
	id := strconv.FormatUint(w.id, 10)
	n := strconv.FormatUint(w.chunks, 10)
	_, _ = w.sum.Write(chunk) // a hash takes everything
	w.chunks++
	return w.add(record.State, record.Envelope{ID: id + "/" + n, Type: record.TypeChunk}, chunk,
		record.Header{Key: headerCheckpoint, Value: []byte(id)}, record.Header{Key: headerChunk, Value: []byte(n)})
}

// appender produces records of a task one after the other, without waiting for
// each.
type appender struct {
	session *session
	ctx     context.Context
	bytes   int
	pending []chan produced
}

type produced struct {
	offset int64
	err    error
}

// add appends a record and keeps its value.
func (w *appender) add(topic string, env record.Envelope, value []byte, more ...record.Header) error {
	s := w.session
	env.Source = s.source
	w.bytes += len(value)
	done := make(chan produced, 1)
	w.pending = append(w.pending, done)
	s.producer.Produce(w.ctx, s.record(topic, s.task.id, env, value, more...), func(r *kgo.Record, err error) { done <- produced{r.Offset, err} })
	return w.ctx.Err()
}

// wait waits for the acknowledgements and returns the offsets.
func (w *appender) wait() ([]int64, error) {
	offsets := make([]int64, 0, len(w.pending))
	for _, done := range w.pending {
		p := <-done
		if p.err != nil {
			return nil, kafka.Classify(fmt.Errorf("append history or checkpoint: %w", p.err))
		}
		offsets = append(offsets, p.offset)
	}
	return offsets, nil
}
