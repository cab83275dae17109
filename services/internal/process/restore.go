package process

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// startAnew is what to do with state that cannot be gone on with.
const startAnew = "use a new data folder and replay the recorded telemetry again"

// complete is a checkpoint all of which is there.
type complete struct {
	manifest   record.Manifest
	chunks     [][]byte
	historyEnd int64 // of the history topic
}

// loadCheckpoint builds the engine from the complete checkpoint with the
// highest step, or a new one if there is none.
func (s *session) loadCheckpoint(ctx context.Context) (found bool, err error) {
	cp, err := s.findCheckpoint(ctx)
	if err != nil {
		return false, err
	}
	if cp == nil {
		s.core = s.task.env.cores.New()
		return false, nil
	}
	m := &cp.manifest
	var header stateHeader
	if err := json.Unmarshal(cp.chunks[0], &header); err != nil {
		return false, lifecycle.Permanent(fmt.Errorf("decode state header: %w", err))
	}
	if header.Partitions != s.task.env.partitions {
		return false, lifecycle.Permanent(fmt.Errorf("%w: it was written with %d partitions, the topics have %d",
			errStateMismatch, header.Partitions, s.task.env.partitions))
	}
	if have := s.task.env.cfg.Config; header.Definitions != have {
		return false, lifecycle.Permanent(fmt.Errorf("%w: the facts were made with %s, this processor is set to %s; set it likewise, or use a new system",
			errStateMismatch, header.Definitions.Describe(), have.Describe()))
	}
	rest := cp.chunks[1:]
	s.core, err = s.task.env.cores.Restore(func() ([]byte, error) {
		if len(rest) == 0 {
			return nil, nil
		}
		chunk := rest[0]
		rest = rest[1:]
		return chunk, nil
	})
	if err != nil {
		return false, lifecycle.Permanent(fmt.Errorf("restore engine: %w", err))
	}
	s.start, s.recordedAt, s.watermark, s.totals = m.Inputs, header.RecordedAt, header.Watermark, header.Totals
	s.log = commitlog.Position{Epoch: m.Epoch, Step: m.Step, Next: m.FactsFrom}
	s.previous, s.historyEnd = *m, min(m.HistoryTo, cp.historyEnd)
	s.previous.HistoryFrom = min(m.HistoryFrom, s.historyEnd)
	return true, nil
}

// findCheckpoint reads the task's state partition. A task that was fenced may
// have written the last manifest in it, of an older step; it is as true as any,
// but the higher step leaves less to read again.
func (s *session) findCheckpoint(ctx context.Context) (*complete, error) {
	id := s.task.id
	starts, err := kafka.StartOffsets(ctx, s.producer, record.State, record.History)
	if err != nil {
		return nil, err
	}
	ends, err := kafka.EndOffsets(ctx, s.producer, record.State, record.History)
	if err != nil {
		return nil, err
	}
	start, end := starts[record.State][id], ends[record.State][id]
	s.stateEnd = end
	if start == end {
		return nil, nil
	}
	reader, err := kafka.NewReader(s.task.env.cfg.Kafka, s.task.logger, record.State, id, start)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	scan := checkpointScan{chunks: map[uint64]map[uint64][]byte{}, historyFrom: starts[record.History][id], historyTo: ends[record.History][id]}
	if err := reader.ReadTo(ctx, end, scan.add); err != nil {
		return nil, err
	}
	if scan.torn > 0 || scan.foreign > 0 || scan.stripped > 0 {
		s.task.logger.Warn("checkpoints passed over", "torn", scan.torn, "other_version", scan.foreign, "without_history", scan.stripped)
	}
	if scan.best == nil && scan.stripped > 0 {
		return nil, lifecycle.Permanent(fmt.Errorf("%w: history that the checkpoints need is gone: %s/%d holds offsets %d to %d; %s",
			errStateMismatch, record.History, id, scan.historyFrom, scan.historyTo, startAnew))
	}
	s.stripped = scan.stripped > 0
	if scan.best == nil && scan.foreign > 0 {
		return nil, lifecycle.Permanent(fmt.Errorf("%w: it was written by version %d of the engine's state, this program has %d; "+
			"go on with the version of the program that wrote it, or %s",
			errStateMismatch, scan.foreignVersion, stateVersion, startAnew))
	}
	return scan.best, nil
}

// checkpointScan collects checkpoints record by record.
type checkpointScan struct {
	chunks        map[uint64]map[uint64][]byte // by checkpoint and place
	best          *complete
	torn, foreign int
	stripped      int // whose history is not all there

	historyFrom, historyTo int64 // offsets that the history topic holds

	foreignVersion uint64 // of the last foreign one
}

func (c *checkpointScan) add(r *kgo.Record) error {
	switch kind := kafka.EventType(r); kind {
	case record.TypeChunk:
		c.addChunk(r)
	case record.TypeManifest:
		m, err := record.DecodeManifest(r.Value)
		if err != nil {
			c.torn++
			return nil
		}
		c.addManifest(m)
	default:
		c.torn++
	}
	return nil
}

// addChunk keeps a chunk in its place: a producer's retry can repeat chunks.
func (c *checkpointScan) addChunk(r *kgo.Record) {
	var id, n uint64
	var err1, err2 error
	for _, h := range r.Headers {
		switch h.Key {
		case headerCheckpoint:
			id, err1 = strconv.ParseUint(string(h.Value), 10, 64)
		case headerChunk:
			n, err2 = strconv.ParseUint(string(h.Value), 10, 64)
		}
	}
	if err1 != nil || err2 != nil {
		c.torn++
		return
	}
	if c.chunks[id] == nil {
		c.chunks[id] = map[uint64][]byte{}
	}
	c.chunks[id][n] = r.Value
}

func (c *checkpointScan) addManifest(m record.Manifest) {
	places := c.chunks[m.Checkpoint]
	delete(c.chunks, m.Checkpoint)
	if m.Version != stateVersion {
		c.foreign++
		c.foreignVersion = m.Version
		return
	}
	sum := xxhash.New()
	chunks := make([][]byte, 0, len(places))
	for n := range uint64(len(places)) {
		chunks = append(chunks, places[n]) // nil where one is missing: the sum tells
		_, _ = sum.Write(places[n])        // a hash takes everything
	}
	if len(chunks) == 0 || uint64(len(chunks)) != m.Chunks || sum.Sum64() != m.Checksum {
		c.torn++
		return
	}
	if m.HistoryFrom < m.HistoryTo && (m.HistoryFrom < c.historyFrom || m.HistoryTo > c.historyTo) {
		c.stripped++
		return
	}
	if c.best == nil || m.Step > c.best.manifest.Step || m.Step == c.best.manifest.Step && m.FactsFrom >= c.best.manifest.FactsFrom {
		c.best = &complete{manifest: m, chunks: chunks, historyEnd: c.historyTo}
	}
}
