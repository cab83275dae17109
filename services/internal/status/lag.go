package status

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// lags finds out how long the oldest record that a task has not used has been
// waiting. Kafka knows: it is the time of the record at the task's offset.
func (r *Report) lags(ctx context.Context, s Settings) error {
	if len(r.Topics) == 0 {
		return nil // Kafka does not answer, which has been said
	}
	client, err := kafka.NewClient(s.Kafka, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kafka.EndOffsets(ctx, client, record.Samples, record.Facts)
	if err != nil {
		return err
	}
	behind := map[string]map[int32]kgo.Offset{record.Samples: {}, record.Facts: {}}
	for _, t := range r.Tasks {
		if t.Lag > 0 && t.samplesOffset < ends[record.Samples][t.Task] {
			behind[record.Samples][t.Task] = kgo.NewOffset().At(t.samplesOffset)
		}
		if t.SinkLag > 0 && t.sinkOffset < ends[record.Facts][t.Task] {
			behind[record.Facts][t.Task] = kgo.NewOffset().At(t.sinkOffset)
		}
	}
	waiting, err := oldest(ctx, s.Kafka, behind)
	if err != nil {
		return fmt.Errorf("look at the oldest records: %w", err)
	}
	now := s.Clock()
	for i := range r.Tasks {
		t := &r.Tasks[i]
		for _, side := range []struct {
			topic, who string
			since      **time.Time
		}{{record.Samples, "processor", &t.LagSince}, {record.Facts, "sink", &t.SinkLagSince}} {
			at, found := waiting[side.topic][t.Task]
			if !found {
				continue
			}
			*side.since = &at
			if age := now.Sub(at); s.Config.MaxLag > 0 && age > s.Config.MaxLag {
				r.problem("%s: task %d is behind: its next record has waited for %s, the bound is %s", side.who, t.Task, age.Round(time.Second), s.Config.MaxLag)
			}
		}
	}
	return nil
}

// oldest returns the time of the first record at or after each offset; there is
// one for each.
func oldest(ctx context.Context, cfg kafka.Config, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]time.Time, error) {
	found := map[string]map[int32]time.Time{}
	left := 0
	for topic, partitions := range offsets {
		found[topic] = map[int32]time.Time{}
		left += len(partitions)
	}
	if left == 0 {
		return found, nil
	}
	client, err := kafka.NewClient(cfg, nil, kgo.ConsumePartitions(offsets), kgo.FetchMaxPartitionBytes(64<<10), kgo.MaxConcurrentFetches(1))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if _, seen := found[rec.Topic][rec.Partition]; !seen {
				found[rec.Topic][rec.Partition] = rec.Timestamp.UTC()
				left--
			}
		})
	}
	return found, nil
}
