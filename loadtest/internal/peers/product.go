package peers

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
)

// checkpointEvery is far below the default of 30 s, in which a run would be over
// without a single checkpoint.
const checkpointEvery = "1s"

// runProduct runs `ntegral process` with its defaults but for checkpointEvery,
// until its commits say that all samples are in.
func runProduct(ctx context.Context, c *contest) (result, error) {
	var r result
	listen, err := freePort(ctx)
	if err != nil {
		return r, err
	}
	follow, err := kgo.NewClient(kgo.SeedBrokers(c.broker.address), kgo.ConsumeTopics(record.Facts), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return r, fmt.Errorf("make client: %w", err)
	}
	defer follow.Close()
	began := time.Now()
	p, err := spawn("ntegral", filepath.Join(c.dir, "process.log"), []string{
		"NTEGRAL_KAFKA_BROKERS=" + c.broker.address, "NTEGRAL_PROCESS_LISTEN=" + listen, "NTEGRAL_PROCESS_CHECKPOINT_INTERVAL=" + checkpointEvery,
	}, c.Binary, "process")
	if err != nil {
		return r, err
	}
	defer p.stop()
	var first time.Duration
	err = r.measure(began, product.Usage{}, p, func() error {
		first, err = committedLog(ctx, follow, c.broker.ends, began, p)
		return err
	})
	if err != nil {
		return r, err
	}
	checkpoints, err := countCheckpoints(ctx, c.broker)
	if err != nil {
		return r, err
	}
	r.note = fmt.Sprintf("first commit after %.2f s, %d checkpoints", first.Seconds(), checkpoints)
	r.facts, err = productFacts(ctx, c.broker)
	return r, err
}

// countCheckpoints counts the manifests that are there. Older ones are trimmed,
// so at least as many were written.
func countCheckpoints(ctx context.Context, b *broker) (n int, err error) {
	err = b.consume(ctx, record.State, func(r *kgo.Record) error {
		if topics.EventType(r) == record.TypeManifest {
			n++
		}
		return nil
	})
	return n, err
}

// committedLog follows the commit logs until each has reached its end.
func committedLog(ctx context.Context, follow *kgo.Client, ends map[int32]int64, began time.Time, p *child) (first time.Duration, err error) {
	left := map[int32]bool{}
	for partition, end := range ends {
		if end > 0 {
			left[partition] = true
		}
	}
	for len(left) > 0 {
		poll, cancel := context.WithTimeout(ctx, time.Second)
		fetches := follow.PollFetches(poll)
		cancel()
		if ctx.Err() != nil {
			return first, context.Cause(ctx)
		}
		if err := p.ended(); err != nil {
			return first, err
		}
		for i := fetches.RecordIter(); !i.Done(); {
			r := i.Next()
			if topics.EventType(r) != record.TypeCommit {
				continue
			}
			commit, err := record.DecodeCommit(r.Value)
			if err != nil {
				return first, fmt.Errorf("read commit: %w", err)
			}
			if first == 0 {
				first = time.Since(began)
			}
			if commit.Inputs.Samples >= ends[r.Partition] && !commit.Pending {
				delete(left, r.Partition)
			}
		}
	}
	return first, nil
}

// productFacts sums the parts in the log. Only one processor has written, and
// it was not disturbed, so every part counts.
func productFacts(ctx context.Context, b *broker) (Facts, error) {
	facts := Facts{}
	err := b.consume(ctx, record.Facts, func(r *kgo.Record) error {
		if topics.EventType(r) != record.TypePart {
			return nil
		}
		rows, err := fact.Decode(r.Value, memory.DefaultAllocator)
		if err != nil {
			return fmt.Errorf("read part: %w", err)
		}
		for i := range rows {
			row := &rows[i]
			facts[Key{Minute: row.WindowStart / int64(time.Minute), Node: row.Node, Workload: row.Workload}] += row.Sums[fact.Energy]
		}
		return nil
	})
	return facts, err
}
