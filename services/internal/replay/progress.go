package replay

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// Phases of record.ReplayProgress.
const (
	phaseBegun = iota
	phaseDimensions
	phaseSamples
	phaseSealed
)

// headerOffsets is the header of a progress record that says from where on the
// samples topic may hold records of chunks that are not recorded, and, when all
// is sealed, where those of the replay end: "partition:offset" for each
// partition, separated by commas.
const headerOffsets = "samples_offsets"

// headerChunk is the header that says how many rows a chunk has: it stays what
// it was when the replay began, whatever is configured since.
const headerChunk = "chunk_rows"

// headerLetters is the header that says where the dead-letter topic stood when
// the replay began: what the processor refused before an interruption belongs to
// its outcome, too.
const headerLetters = "dead_letters_offsets"

// progress is what is known of a replay when it begins.
type progress struct {
	record.ReplayProgress
	found   bool
	rows    int64           // of a chunk
	offsets map[int32]int64 // of headerOffsets
	letters map[int32]int64 // of headerLetters
}

// readProgress returns the last progress recorded for a digest.
func readProgress(ctx context.Context, s Settings, ends kafka.Offsets, digest string) (progress, error) {
	var p progress
	err := readTopic(ctx, s, record.Replays, ends, func(r *kgo.Record) error {
		if string(r.Key) != digest {
			return nil
		}
		got, err := record.DecodeReplayProgress(r.Value)
		if err != nil {
			s.Logger.Warn("progress record cannot be read", "offset", r.Offset, "error", err)
			return nil
		}
		rows, err := strconv.ParseInt(kafka.Header(r, headerChunk), 10, 64)
		if err != nil || rows < 1 {
			s.Logger.Warn("progress record says no chunk size", "offset", r.Offset)
			return nil
		}
		p = progress{ReplayProgress: got, found: true, rows: rows, offsets: parseOffsets(kafka.Header(r, headerOffsets)), letters: parseOffsets(kafka.Header(r, headerLetters))}
		return nil
	})
	return p, err
}

// readTopic calls fn for every record of a topic up to its end.
func readTopic(ctx context.Context, s Settings, topic string, ends kafka.Offsets, fn func(*kgo.Record) error) error {
	for _, p := range slices.Sorted(maps.Keys(ends[topic])) {
		if err := readPartition(ctx, s, topic, p, 0, ends[topic][p], fn); err != nil {
			return err
		}
	}
	return nil
}

// readPartition calls fn for the records of [from, end). What is no longer
// there is passed over: it has been kept for as long as it was meant to be.
func readPartition(ctx context.Context, s Settings, topic string, partition int32, from, end int64, fn func(*kgo.Record) error) error {
	if from >= end {
		return nil
	}
	reader, err := kafka.NewReader(s.Kafka, s.Logger, topic, partition, from)
	if err != nil {
		return err
	}
	defer reader.Close()
	err = reader.ReadTo(ctx, end, fn)
	if gap, ok := errors.AsType[*kafka.GapError](err); ok && gap.Want < gap.Start {
		reader.SeekTo(gap.Start)
		err = reader.ReadTo(ctx, end, fn)
	}
	return err
}

// record writes how far the replay is, and waits until that is acknowledged.
func (p *publisher) record(ctx context.Context, at progress) error {
	p.mu.Lock()
	offsets := formatOffsets(p.tail)
	if at.Phase == phaseSealed {
		offsets = formatOffsets(p.reached)
	}
	p.mu.Unlock()
	e := record.Envelope{ID: p.id("progress", int64(at.Phase), int64(at.Chunks)), Source: p.source, Type: record.TypeReplay, Time: at.TakenIn}
	r := &kgo.Record{
		Topic: record.Replays, Key: []byte(p.digest), Value: at.Append(nil),
		Headers: append(kafka.RecordHeaders(e.Headers()),
			kgo.RecordHeader{Key: headerOffsets, Value: []byte(offsets)},
			kgo.RecordHeader{Key: headerLetters, Value: []byte(formatOffsets(at.letters))},
			kgo.RecordHeader{Key: headerChunk, Value: strconv.AppendInt(nil, at.rows, 10)}),
	}
	if err := p.client.ProduceSync(ctx, r).FirstErr(); err != nil {
		return kafka.Classify(fmt.Errorf("record progress: %w", err))
	}
	return nil
}

// lookUp finds the records of the chunk under way that the log holds already.
func (p *publisher) lookUp(ctx context.Context, s Settings, from map[int32]int64, ends kafka.Offsets) error {
	p.held = make(map[string]uint64)
	p.mu.Lock()
	defer p.mu.Unlock()
	for partition, end := range ends[record.Samples] {
		err := readPartition(ctx, s, record.Samples, partition, from[partition], end, func(r *kgo.Record) error {
			if kafka.Header(r, "ce_source") != p.source {
				return nil
			}
			p.held[kafka.Header(r, "ce_id")] = maphash.Bytes(p.seed, r.Value)
			p.reach(partition, r.Offset+1)
			return nil
		})
		if err != nil {
			return fmt.Errorf("look up what is published: %w", err)
		}
	}
	return nil
}

// readKnown makes known what the system's own inventory says.
func readKnown(ctx context.Context, s Settings, ends kafka.Offsets, put func(telemetry.Device)) error {
	err := readTopic(ctx, s, record.Inventory, ends, func(r *kgo.Record) error {
		if d, err := record.DecodeDevice(r.Value); err == nil {
			put(d)
		}
		return nil // what cannot be read is the processor's to report
	})
	if err != nil {
		return fmt.Errorf("read known devices: %w", err)
	}
	return nil
}

// readRates returns the rates that are published already.
func readRates(ctx context.Context, s Settings, ends kafka.Offsets) (rates []telemetry.Rate, err error) {
	err = readTopic(ctx, s, record.Rates, ends, func(r *kgo.Record) error {
		if rate, err := record.DecodeRate(r.Value); err == nil {
			rates = append(rates, rate)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read known rates: %w", err)
	}
	return rates, nil
}

func formatOffsets(offsets map[int32]int64) string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(offsets)) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d:%d", p, offsets[p])
	}
	return b.String()
}

// parseOffsets leaves out what it cannot read: reading from an earlier offset
// costs time and nothing else.
func parseOffsets(text string) map[int32]int64 {
	offsets := make(map[int32]int64)
	for part := range strings.SplitSeq(text, ",") {
		p, o, _ := strings.Cut(part, ":")
		partition, err1 := strconv.ParseInt(p, 10, 32)
		offset, err2 := strconv.ParseInt(o, 10, 64)
		if err1 == nil && err2 == nil && partition >= 0 && offset >= 0 {
			offsets[int32(partition)] = offset
		}
	}
	return offsets
}
