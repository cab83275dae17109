package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Offsets holds an offset for each partition of each topic.
type Offsets map[string]map[int32]int64

// EndOffsets returns the ends of all partitions of topics: the offset that the
// next record of each will get.
func EndOffsets(ctx context.Context, client *kgo.Client, topics ...string) (Offsets, error) {
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	return collect("list end offsets", listed, err)
}

// StartOffsets returns the offsets of the oldest records of topics.
func StartOffsets(ctx context.Context, client *kgo.Client, topics ...string) (Offsets, error) {
	listed, err := kadm.NewClient(client).ListStartOffsets(ctx, topics...)
	return collect("list start offsets", listed, err)
}

// OffsetsAt returns, for each partition, the offset of the first record that was
// written at t or later; its end if there is none.
func OffsetsAt(ctx context.Context, client *kgo.Client, t time.Time, topics ...string) (Offsets, error) {
	listed, err := kadm.NewClient(client).ListOffsetsAfterMilli(ctx, t.UnixMilli(), topics...)
	return collect("list offsets by time", listed, err)
}

func collect(what string, listed kadm.ListedOffsets, err error) (Offsets, error) {
	if err = errors.Join(err, listed.Error()); err != nil {
		return nil, Classify(fmt.Errorf("%s: %w", what, err))
	}
	offsets := make(Offsets)
	listed.Each(func(o kadm.ListedOffset) {
		if offsets[o.Topic] == nil {
			offsets[o.Topic] = make(map[int32]int64)
		}
		offsets[o.Topic][o.Partition] = o.Offset
	})
	return offsets, nil
}

// Trim lets the broker forget the records of one partition before offset. It
// keeps the newest record whatever offset says: an empty partition would lose
// its place on the embedded broker. Trimming what is gone already does nothing.
func Trim(ctx context.Context, client *kgo.Client, topic string, partition int32, offset int64) error {
	start, end, err := bounds(ctx, client, topic, partition)
	if err != nil {
		return fmt.Errorf("trim %s/%d: %w", topic, partition, err)
	}
	offset = min(offset, end-1)
	if offset <= start {
		return nil
	}
	var to kadm.Offsets
	to.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset, LeaderEpoch: -1})
	deleted, err := kadm.NewClient(client).DeleteRecords(ctx, to)
	if err = errors.Join(err, deleted.Error()); err != nil {
		return Classify(fmt.Errorf("trim %s/%d: %w", topic, partition, err))
	}
	return nil
}

// bounds returns the start and the end of one partition.
func bounds(ctx context.Context, client *kgo.Client, topic string, partition int32) (start, end int64, err error) {
	starts, err := StartOffsets(ctx, client, topic)
	if err != nil {
		return 0, 0, err
	}
	ends, err := EndOffsets(ctx, client, topic)
	if err != nil {
		return 0, 0, err
	}
	start, ok := starts[topic][partition]
	end, both := ends[topic][partition]
	if !ok || !both {
		return 0, 0, fmt.Errorf("topic %s has no partition %d", topic, partition)
	}
	return start, end, nil
}
