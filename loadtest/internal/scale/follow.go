package scale

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
)

// standing is where the log of a task stands.
type standing struct {
	epoch, step uint64
	samples     int64 // offset that the last commit has used
	pending     bool
	opened      time.Time // when the newest epoch's open record was seen
	first       time.Time // when its first commit was seen
}

// tally is what the logs hold.
type tally struct {
	commits, parts, rows, bytes, readings int64
}

func (t tally) minus(o tally) tally {
	return tally{t.commits - o.commits, t.parts - o.parts, t.rows - o.rows, t.bytes - o.bytes, t.readings - o.readings}
}

// follower reads the commit logs as they grow. Its tally takes every record for
// one that counts, which is so unless a processor was disturbed.
type follower struct {
	client *kgo.Client
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	tasks map[int32]standing
	sum   tally
	err   error
}

func follow(brokers string) (*follower, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(record.Facts), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{client: client, cancel: cancel, done: make(chan struct{}), tasks: map[int32]standing{}}
	go func() {
		defer close(f.done)
		for ctx.Err() == nil {
			fetches := client.PollFetches(ctx)
			now := time.Now()
			f.mu.Lock()
			fetches.EachRecord(func(r *kgo.Record) {
				if err := f.add(r, now); err != nil && f.err == nil {
					f.err = err
				}
			})
			f.mu.Unlock()
		}
	}()
	return f, nil
}

func (f *follower) close() {
	f.cancel()
	<-f.done
	f.client.Close()
}

// add needs the lock.
func (f *follower) add(r *kgo.Record, now time.Time) error {
	s := f.tasks[r.Partition]
	switch topics.EventType(r) {
	case record.TypeOpen:
		open, err := record.DecodeOpen(r.Value)
		if err != nil {
			return fmt.Errorf("read open record: %w", err)
		}
		s.epoch, s.opened, s.first = open.Epoch, now, time.Time{}
	case record.TypePart:
		f.sum.parts++
		f.sum.bytes += int64(len(r.Value))
	case record.TypeCommit:
		c, err := record.DecodeCommit(r.Value)
		if err != nil {
			return fmt.Errorf("read commit: %w", err)
		}
		s.step, s.samples, s.pending = c.Step, c.Inputs.Samples, c.Pending
		if s.first.IsZero() {
			s.first = now
		}
		f.sum.commits++
		f.sum.rows += int64(c.Rows)
		f.sum.readings += int64(c.Readings)
	}
	f.tasks[r.Partition] = s
	return nil
}

// now returns where the logs stand.
func (f *follower) now() (map[int32]standing, tally, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tasks := make(map[int32]standing, len(f.tasks))
	for id, s := range f.tasks {
		tasks[id] = s
	}
	return tasks, f.sum, f.err
}
