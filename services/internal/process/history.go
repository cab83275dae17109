package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Readings of closed windows wait for late events, for the horizon at least. An
// engine keeps them packed, and a checkpoint moves what has come to them since the
// last one into the history topic. It is written there once, and read again where
// a late event reaches.

// historyBytes is about what a record of history holds: what lies in one is read
// together.
const historyBytes = 128 << 10

// evict moves history of the engine into its topic and returns how many bytes.
func (s *session) evict(ctx context.Context) (int, error) {
	w := &appender{session: s, ctx: ctx}
	moved, err := s.core.Evict(historyBytes, s.ends.carry(s.task.env.cfg), func(value []byte) error {
		id := fmt.Sprintf("%d/%d/%d", s.log.Epoch, s.log.Step, len(w.pending))
		return w.add(record.History, record.Envelope{ID: id, Type: record.TypeHistory}, value)
	})
	if recall := s.recalled(); recall != nil {
		err = recall
	}
	if err != nil {
		return 0, fmt.Errorf("evict history: %w", err)
	}
	offsets, err := w.wait()
	if err != nil {
		return 0, err
	}
	for i, offset := range offsets {
		if offset < 0 {
			return 0, fmt.Errorf("evict history: the broker does not say where record %d lies", i)
		}
		s.historyEnd = offset + 1
	}
	moved.Placed(offsets)
	s.ends = append(s.ends, s.historyEnd)
	return w.bytes, nil
}

// recalled returns why the core cannot go on, nil if it can. What is not there, or
// is something else, will not be there the next time.
func (s *session) recalled() error {
	err := s.core.Err()
	if _, gap := errors.AsType[*kafka.GapError](err); gap || errors.Is(err, engine.ErrState) {
		return lifecycle.Permanent(fmt.Errorf("%w: %w", errStateMismatch, err))
	}
	return err
}

// historyEnds are the ends of the history topic at the last checkpoints.
type historyEnds []int64

// carry returns the offset before which nothing may lie for long: a node that has
// stopped keeps its history, which would keep the topic from being trimmed. That
// is where the topic ended some horizons ago, in wall time: nearly all of what lies
// before is of nodes that have stopped.
func (h *historyEnds) carry(cfg Config) int64 {
	keep := 16 + int(2*cfg.Horizon/cfg.CheckpointInterval)
	if len(*h) > keep {
		*h = (*h)[len(*h)-keep:]
	}
	if len(*h) < keep {
		return 0
	}
	return (*h)[0]
}

// archive reads history back from its topic. Nodes are restated one after the
// other, in the order in which their blocks were written, so what was read last is
// kept.
type archive struct {
	ctx     context.Context // of the session
	cfg     kafka.Config
	logger  *slog.Logger
	task    int32
	metrics *metrics

	reader *kafka.Reader // nil: nothing has been recalled yet
	values map[int64][]byte
	order  []int64 // of the values, the oldest first
	bytes  int
}

// cachedHistory bounds what an archive keeps, in bytes.
const cachedHistory = 32 << 20

// Recall implements engine.Archive.
func (a *archive) Recall(p engine.Place) ([]byte, error) {
	a.metrics.recalls.Inc()
	value, ok := a.values[p.Offset]
	if !ok {
		if err := a.read(p.Offset); err != nil {
			return nil, err
		}
		value = a.values[p.Offset]
	}
	if uint64(p.At)+uint64(p.Size) > uint64(len(value)) {
		return nil, lifecycle.Permanent(fmt.Errorf("%w: %s/%d has no %d bytes at offset %d", errStateMismatch, record.History, a.task, p.At+p.Size, p.Offset))
	}
	return value[p.At : p.At+p.Size], nil
}

// read reads the record at an offset, and keeps what comes with it.
func (a *archive) read(offset int64) error {
	if a.reader == nil {
		reader, err := kafka.NewReader(a.cfg, a.logger, record.History, a.task, offset)
		if err != nil {
			return err
		}
		a.reader, a.values = reader, map[int64][]byte{}
	} else if a.reader.Next() != offset {
		a.reader.SeekTo(offset)
	}
	records, err := a.reader.Poll(a.ctx, 0)
	if err != nil {
		return err
	}
	for _, r := range records {
		a.keep(r)
	}
	// What was asked for came first, and may have been dropped if the rest is a lot.
	a.keep(records[0])
	if records[0].Offset != offset {
		return lifecycle.Permanent(fmt.Errorf("%w: %s/%d has no record at offset %d", errStateMismatch, record.History, a.task, offset))
	}
	return nil
}

func (a *archive) keep(r *kgo.Record) {
	if _, ok := a.values[r.Offset]; ok {
		return
	}
	a.values[r.Offset] = r.Value
	a.order = append(a.order, r.Offset)
	a.bytes += len(r.Value)
	for a.bytes > cachedHistory && len(a.order) > 1 {
		a.bytes -= len(a.values[a.order[0]])
		delete(a.values, a.order[0])
		a.order = a.order[1:]
	}
}

func (a *archive) close() {
	if a.reader != nil {
		a.reader.Close()
	}
}
