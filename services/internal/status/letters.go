package status

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

const (
	// maxLetters is how many of the newest dead letters of a partition are read.
	maxLetters = 100_000
	// replaySource begins the source of what a replay has written.
	replaySource = "/replay/"
)

// letters counts what replays have refused or warned of: it never reached a processor, so
// the ledger does not know of it. A letter that was sent again counts once.
func (r *Report) letters(ctx context.Context, s Settings) error {
	if len(r.Topics) == 0 {
		return nil // Kafka does not answer, which has been said
	}
	client, err := kafka.NewClient(s.Kafka, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	starts, err := kafka.StartOffsets(ctx, client, record.DeadLetters)
	if err != nil {
		return err
	}
	ends, err := kafka.EndOffsets(ctx, client, record.DeadLetters)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for partition, end := range ends[record.DeadLetters] {
		from := max(starts[record.DeadLetters][partition], end-maxLetters)
		if from >= end {
			continue
		}
		err := readLetters(ctx, s.Kafka, partition, from, end, func(rec *kgo.Record) {
			source, id := kafka.Header(rec, "ce_source"), kafka.Header(rec, "ce_id")
			l, err := record.DecodeDeadLetter(rec.Value)
			if err != nil || !strings.HasPrefix(source, replaySource) || seen[source+" "+id] {
				return
			}
			seen[source+" "+id] = true
			if l.Reason.Warning() {
				r.Processing.Warnings[l.Reason.String()] += int64(l.Count)
				return
			}
			r.Processing.RefusedRows[l.Reason.String()] += int64(l.Count)
		})
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
	}
	return nil
}

func readLetters(ctx context.Context, cfg kafka.Config, partition int32, from, end int64, fn func(*kgo.Record)) error {
	reader, err := kafka.NewReader(cfg, nil, record.DeadLetters, partition, from)
	if err != nil {
		return err
	}
	defer reader.Close()
	take := func(rec *kgo.Record) error { fn(rec); return nil }
	err = reader.ReadTo(ctx, end, take)
	if gap, ok := errors.AsType[*kafka.GapError](err); ok && gap.Want < gap.Start { // forgotten meanwhile
		reader.SeekTo(gap.Start)
		err = reader.ReadTo(ctx, end, take)
	}
	return err
}
