package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
)

// Generator writes a load to a broker.
type Generator struct {
	load    Load
	courses *courses
	client  *kgo.Client
	headers map[string][]kgo.RecordHeader
	next    int // slot

	bytes, records atomic.Int64 // of samples
	once           sync.Once
	failed         atomic.Pointer[error]
}

// NewGenerator connects to a broker; nothing is written yet.
func NewGenerator(l Load, brokers string) (*Generator, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.MaxBufferedBytes(64<<20), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	g := &Generator{load: l, courses: newCourses(l), client: client, headers: map[string][]kgo.RecordHeader{}}
	for _, kind := range []string{record.TypeRate, record.TypeDevice, record.TypePlacement, record.TypeSamples} {
		g.headers[kind] = topics.Headers(kind, source)
	}
	return g, nil
}

// Close ends the connection.
func (g *Generator) Close() { g.client.Close() }

// Written says how many records of samples have been handed over, and their
// bytes before compression.
func (g *Generator) Written() (records, bytes int64) { return g.records.Load(), g.bytes.Load() }

func (g *Generator) send(ctx context.Context, e topics.Entry) {
	if e.Topic == record.Samples {
		g.records.Add(1)
		g.bytes.Add(int64(len(e.Value)))
	}
	r := &kgo.Record{Topic: e.Topic, Key: []byte(e.Key), Value: e.Value, Headers: g.headers[e.Kind]}
	g.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err != nil {
			g.once.Do(func() { g.failed.Store(&err) })
		}
	})
}

// flush waits until everything is acknowledged.
func (g *Generator) flush(ctx context.Context) error {
	err := g.client.Flush(ctx)
	if first := g.failed.Load(); first != nil {
		err = errors.Join(err, *first)
	}
	if err != nil {
		return fmt.Errorf("write load: %w", err)
	}
	return nil
}

// Fill writes rates, inventory and the placements of a load of the given length,
// then the samples of its first part, as fast as the broker takes them.
func (g *Generator) Fill(ctx context.Context, history, length time.Duration) error {
	rates(func(e topics.Entry) { g.send(ctx, e) })
	for n := range g.load.Nodes() {
		g.load.node(n, length, func(e topics.Entry) { g.send(ctx, e) })
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	// Before the first sample: what is published first is known to the step that
	// takes the sample.
	if err := g.flush(ctx); err != nil {
		return err
	}
	for range g.load.Slots(history) {
		if err := g.slot(ctx, nil); err != nil {
			return err
		}
	}
	return g.flush(ctx)
}

// slot writes the next slot of all nodes, a share of them in each goroutine;
// before, if any, is called ahead of each node with its place in 0 to 1.
func (g *Generator) slot(ctx context.Context, before func(ctx context.Context, place float64) error) error {
	nodes, shares := g.load.Nodes(), runtime.GOMAXPROCS(0)
	group, gctx := errgroup.WithContext(ctx)
	for share := range shares {
		group.Go(func() error {
			var s scratch
			from, to := share*nodes/shares, (share+1)*nodes/shares
			for n := from; n < to; n++ {
				if before != nil {
					if err := before(gctx, float64(n-from)/float64(to-from)); err != nil {
						return err
					}
				}
				if gctx.Err() != nil || g.failed.Load() != nil {
					return errors.Join(context.Cause(gctx), g.flush(gctx))
				}
				g.send(ctx, g.courses.record(n, g.next, &s))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	g.next++
	return nil
}

// Live writes the slots of the next part of the load, each node's record at its
// moment. behind gets how late it is after each slot: a generator that does not
// keep up measures itself.
func (g *Generator) Live(ctx context.Context, length time.Duration, behind func(time.Duration)) error {
	began, slot := time.Now(), g.load.Slot()
	for i := range g.load.Slots(length) {
		due := began.Add(time.Duration(i) * slot)
		err := g.slot(ctx, func(ctx context.Context, place float64) error {
			return until(ctx, due.Add(time.Duration(place*float64(slot))))
		})
		if err != nil {
			return err
		}
		behind(max(0, time.Since(due.Add(slot))))
	}
	return g.flush(ctx)
}

// until waits for a moment; one that is near is waited for together with later
// ones, since a timer for each of thousands of nodes a second costs more than it
// says.
func until(ctx context.Context, at time.Time) error {
	const near = 20 * time.Millisecond
	wait := time.Until(at)
	if wait < near {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
