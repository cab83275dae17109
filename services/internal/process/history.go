package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Readings of closed windows wait for late events, for the horizon at least. An
// engine keeps them packed, and a checkpoint moves what has come to them into the
// history topic, or a step does when it is much. It is written there once, and read again
// where a late event reaches.

// historyBytes is about what a record of history holds: what lies in one is read
// together.
const historyBytes = 128 << 10

// evict moves history of the engine into its topic.
func (s *session) evict(ctx context.Context) error {
	if s.stripped { // see open
		return nil
	}
	carry, err := s.carry(ctx)
	if err != nil {
		return err
	}
	w := &appender{session: s, ctx: ctx}
	moved, err := s.core.Evict(historyBytes, carry, func(value []byte) error {
		s.historyRecords++
		id := fmt.Sprintf("%d/%d/%d", s.log.Epoch, s.log.Step, s.historyRecords)
		return w.add(record.History, record.Envelope{ID: id, Type: record.TypeHistory}, value)
	})
	if err = cmp.Or(s.recalled(), err); err != nil {
		return fmt.Errorf("evict history: %w", err)
	}
	offsets, err := w.wait()
	if err != nil {
		return err
	}
	for i, offset := range offsets {
		if offset < 0 {
			return fmt.Errorf("evict history: the broker does not say where record %d lies", i)
		}
		s.historyEnd = max(s.historyEnd, offset+1)
	}
	moved.Placed(offsets, s.task.env.cfg.HistoryBytes)
	s.evicted += w.bytes
	return nil
}

// makeRoom moves history away where much of it waits.
func (s *session) makeRoom(ctx context.Context) error {
	if s.core.Packed() <= s.task.env.cfg.HistoryBytes {
		return nil
	}
	return s.evict(ctx)
}

// carry returns the offset before which nothing may lie: a node that has stopped
// keeps its history, which would keep the topic from being trimmed. That is where
// the topic ended two horizons ago; nearly all of what lies before is of such nodes.
// It is looked up once a horizon, and 0 otherwise.
func (s *session) carry(ctx context.Context) (int64, error) {
	now, horizon := s.task.env.set.Clock(), s.task.env.cfg.Horizon
	if now.Sub(s.carried) < horizon {
		return 0, nil
	}
	offsets, err := kafka.OffsetsAt(ctx, s.producer, now.Add(-2*horizon), record.History)
	if err != nil {
		return 0, fmt.Errorf("look for old history: %w", err)
	}
	s.carried = now
	return offsets[record.History][s.task.id], nil
}

// recalled returns why the core cannot go on, nil if it can. Another checkpoint may
// not need what is gone, and opening the task says what to do if none is left.
func (s *session) recalled() error {
	err := s.core.Err()
	if errors.Is(err, engine.ErrState) {
		return lifecycle.Permanent(fmt.Errorf("%w: %w; %s", errStateMismatch, err, startAnew))
	}
	return err
}
