package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Reader reads one partition from an exact offset on, in order and without a
// consumer group. It waits through lost connections and restarts of the broker.
// Where the partition does not hold the next offset it returns a *GapError, and
// again at each call, until SeekTo chooses another offset.
type Reader struct {
	client    *kgo.Client
	topic     string
	partition int32
	next      int64         // the offset after the last record that was handed out
	buffered  []*kgo.Record // fetched and not yet handed out, all at next or later
	failed    error         // why the client's cursor stands still
}

// NewReader makes a reader of one partition that starts at offset.
func NewReader(cfg Config, logger *slog.Logger, topic string, partition int32, offset int64, opts ...kgo.Opt) (*Reader, error) {
	if offset < 0 {
		return nil, lifecycle.Permanent(fmt.Errorf("read %s/%d: offset %d is negative", topic, partition, offset))
	}
	all := []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}}),
		// Never move to another offset unasked: a skipped range must be seen.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}
	client, err := NewClient(cfg, logger, append(all, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("read %s/%d: %w", topic, partition, err)
	}
	return &Reader{client: client, topic: topic, partition: partition, next: offset}, nil
}

// Next returns the offset of the record that comes next.
func (r *Reader) Next() int64 { return r.next }

// Client returns the reader's client, for asking the broker about its topics.
func (r *Reader) Client() *kgo.Client { return r.client }

// Close ends the reader. What it has handed out stays valid.
func (r *Reader) Close() { r.client.Close() }

// SeekTo makes the record at offset the next one.
func (r *Reader) SeekTo(offset int64) {
	r.client.RemoveConsumePartitions(map[string][]int32{r.topic: {r.partition}})
	r.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: {r.partition: kgo.NewOffset().At(offset)}})
	r.next, r.buffered, r.failed = offset, nil, nil
}

// Poll waits for records and returns those at hand, in order: at least one, and
// no more than maxBytes of them beyond the first (0: all). The records stay
// valid. When ctx ends first it returns an interrupted error.
func (r *Reader) Poll(ctx context.Context, maxBytes int) ([]*kgo.Record, error) {
	for len(r.buffered) == 0 {
		if err := r.fetch(ctx); err != nil {
			return nil, err
		}
	}
	n, size := 1, recordBytes(r.buffered[0])
	for ; n < len(r.buffered); n++ {
		size += recordBytes(r.buffered[n])
		if maxBytes > 0 && size > maxBytes {
			break
		}
	}
	records := r.buffered[:n:n]
	r.buffered = r.buffered[n:]
	r.next = records[n-1].Offset + 1
	return records, nil
}

// ReadTo calls fn for each record before offset end, in order, and returns when
// there is none left; end is one that EndOffsets has returned. An error of fn
// ends it and is returned; the record it was about counts as read.
func (r *Reader) ReadTo(ctx context.Context, end int64, fn func(*kgo.Record) error) error {
	for r.next < end {
		for len(r.buffered) == 0 {
			if err := r.fetch(ctx); err != nil {
				return err
			}
		}
		rec := r.buffered[0]
		if rec.Offset >= end {
			r.next = end // the offsets up to end hold no records
			return nil
		}
		r.buffered, r.next = r.buffered[1:], rec.Offset+1
		if err := fn(rec); err != nil {
			return err
		}
	}
	return nil
}

// fetch waits for one answer of the broker and buffers its records.
func (r *Reader) fetch(ctx context.Context) error {
	if r.failed != nil {
		if err := r.locate(ctx); err != nil {
			return err
		}
	}
	var err error
	fetches := r.client.PollFetches(ctx)
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for _, rec := range p.Records {
			if rec.Offset >= r.next {
				r.buffered = append(r.buffered, rec)
			}
		}
		if p.Err != nil {
			err = p.Err
		}
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.OffsetOutOfRange) || isDataLoss(err):
		r.failed = err
		r.buffered = nil // read them again, once it is known where they stand
		return r.locate(ctx)
	case len(r.buffered) > 0:
		return nil // the cursor is behind them; the error comes back with the next fetch
	case ctx.Err() != nil:
		// The deadline of a caller is its wish to stop waiting, as much as a cancel is.
		return lifecycle.Interrupted(fmt.Errorf("read %s/%d: %w", r.topic, r.partition, context.Cause(ctx)))
	}
	return Classify(fmt.Errorf("read %s/%d: %w", r.topic, r.partition, err))
}

// locate finds out which offsets the partition holds and returns a GapError, or
// puts the cursor back where the offset is there after all (a broker that has
// just restarted may have answered before its log was whole).
func (r *Reader) locate(ctx context.Context) error {
	start, end, err := bounds(ctx, r.client, r.topic, r.partition)
	if err != nil {
		return fmt.Errorf("read %s/%d: %w", r.topic, r.partition, err)
	}
	if r.next < start || r.next > end {
		return Classify(&GapError{Topic: r.topic, Partition: r.partition, Want: r.next, Start: start, End: end})
	}
	r.SeekTo(r.next)
	return nil
}

func isDataLoss(err error) bool {
	_, ok := errors.AsType[*kgo.ErrDataLoss](err)
	return ok
}

func recordBytes(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
