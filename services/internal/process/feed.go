package process

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
)

// feed fetches samples ahead of the steps. It exists because a wait for records
// must have an end, while a reader's Poll must not be cut short: what it holds
// at that moment would have to be read again.
type feed struct {
	interval time.Duration
	bytes    int
	records  chan []*kgo.Record
	failed   chan error
	left     []*kgo.Record // of which a step took the first ones
	cancel   context.CancelFunc
	done     chan struct{}
}

func (s *session) startFeed(ctx context.Context) *feed {
	cfg := s.task.env.cfg
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{
		interval: cfg.StepInterval, bytes: cfg.StepBytes, records: make(chan []*kgo.Record, 1), failed: make(chan error, 1),
		cancel: cancel, done: make(chan struct{}),
	}
	samples := s.inputs.samples
	go func() {
		defer close(f.done)
		for {
			records, err := samples.Poll(ctx, cfg.StepBytes)
			if err != nil {
				f.failed <- fmt.Errorf("read samples: %w", err)
				return
			}
			select {
			case f.records <- records:
			case <-ctx.Done():
				f.failed <- fmt.Errorf("read samples: %w", context.Cause(ctx))
				return
			}
		}
	}()
	return f
}

// close ends the fetching; the reader is then nobody's.
func (f *feed) close() {
	f.cancel()
	<-f.done
}

// recordOverhead is about what a record takes beside its key and value.
const recordOverhead = 256

// lookInterval is how often a step that collects looks for rates, inventory,
// placements and corrections: they come seldom, and somebody waits for them.
const lookInterval = time.Second

// asking is what a collecting step wants to know of the topics.
type asking struct {
	waiting func() (bool, error)  // whether another one than that of the samples has something
	end     func() (int64, error) // of the samples
}

// batch is the input of a step.
type batch struct {
	records []*kgo.Record
	size    int                           // of them, in bytes
	more    func() ([]*kgo.Record, error) // those that follow them, some at a time; nil: none do
}

func (b *batch) add(records []*kgo.Record) {
	b.size += sizeOf(records)
	b.records = append(b.records, records...)
}

func sizeOf(records []*kgo.Record) (n int) {
	for _, r := range records {
		n += len(r.Key) + len(r.Value) + recordOverhead
	}
	return n
}

func sealed(records []*kgo.Record) bool {
	return slices.ContainsFunc(records, func(r *kgo.Record) bool { return eventType(r) == record.TypeSeal })
}

// nextOf is the offset behind the last record; 0: there is none.
func nextOf(records []*kgo.Record) int64 {
	if len(records) == 0 {
		return 0
	}
	return records[len(records)-1].Offset + 1
}

// collect returns the input of a step: what comes in within the step interval,
// at most about the step bytes, and no more waiting once a seal or another topic's
// record has come, for which somebody waits. A task that lags need not wait, nor hold
// what its step takes: the rest is fetched as the step goes on.
func (f *feed) collect(stop <-chan struct{}, ask asking) (batch, error) {
	var b batch
	timer, look := time.NewTimer(f.interval), time.NewTicker(lookInterval)
	defer timer.Stop()
	defer look.Stop()
	b.add(f.left)
	awaited, asked := sealed(f.left), 0 // whether somebody waits; the size at which the end was asked for
	f.left = nil
	for b.size < f.bytes && (!awaited || len(f.records) > 0) {
		if b.size-asked >= max(1, f.bytes/8) {
			asked = b.size
			end, err := ask.end()
			if err != nil {
				return b, err
			}
			if f.lags(&b, end) {
				b.more = f.upTo(end, &b, stop)
				return b, nil
			}
		}
		select {
		case <-look.C:
			if come, err := ask.waiting(); come || err != nil {
				return b, err
			}
		case err := <-f.failed:
			return b, err
		case more := <-f.records:
			b.add(more)
			awaited = awaited || sealed(more)
		case <-timer.C:
			return b, nil
		case <-stop:
			return b, nil
		}
	}
	return b, nil
}

// lags reports whether so much more waits that a step is worth its while, by what
// records have taken so far.
func (f *feed) lags(b *batch, end int64) bool {
	each := float64(b.size) / float64(len(b.records))
	return float64(end-nextOf(b.records))*each >= float64(f.bytes)/2
}

// upTo returns a function that returns samples before an offset until the step has
// its bytes or has gone on for a step interval.
//
// The end is asked for before those of the other topics, as samples have to be fetched
// before they are (see step): what was published before a sample is known to the step
// that applies it. A sample behind it is left to the next step.
func (f *feed) upTo(end int64, first *batch, stop <-chan struct{}) func() ([]*kgo.Record, error) {
	late := time.After(f.interval)
	size, next := first.size, nextOf(first.records)
	return func() ([]*kgo.Record, error) {
		if size >= f.bytes || next >= end {
			return nil, nil
		}
		select {
		case err := <-f.failed:
			return nil, err
		case records := <-f.records:
			n, _ := slices.BinarySearchFunc(records, end, func(r *kgo.Record, end int64) int { return int(r.Offset - end) })
			records, f.left = records[:n], records[n:]
			size, next = size+sizeOf(records), max(next, nextOf(records))
			if len(f.left) > 0 {
				next = end // the offsets before them hold no more
			}
			return records, nil
		case <-late: // the last offsets may hold no record
			return nil, nil
		case <-stop:
			return nil, nil
		}
	}
}
