package process

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// TestCollect says when a step has its input: after the interval, with enough bytes,
// once somebody waits, when the task is to stop, when fetching fails.
func TestCollect(t *testing.T) {
	typed := func(kind string, bytes int) []*kgo.Record {
		return []*kgo.Record{{Headers: kafka.RecordHeaders(record.Envelope{Type: kind}.Headers()), Value: make([]byte, bytes)}}
	}
	samples, seal := typed(record.TypeSamples, 10), typed(record.TypeSeal, 10)
	failed := errors.New("failed")
	for _, tc := range []struct {
		name    string
		batches [][]*kgo.Record // 100 ms apart, but for the first two
		look    int             // which look finds something; 0: none
		lookErr error
		failure error
		stop    time.Duration // 0: never
		after   time.Duration
		records int
	}{
		{name: "nothing", after: 5 * time.Second},
		{name: "samples", batches: [][]*kgo.Record{samples, samples}, after: 5 * time.Second, records: 2},
		{name: "many bytes", batches: [][]*kgo.Record{samples, typed(record.TypeSamples, 1<<20), samples}, after: 0, records: 2},
		{name: "many records", batches: [][]*kgo.Record{slices.Repeat(samples, 100), slices.Repeat(samples, 100)}, after: 0, records: 200},
		{name: "seal", batches: [][]*kgo.Record{samples, samples, seal}, after: 100 * time.Millisecond, records: 3},
		{name: "seal with samples behind", batches: [][]*kgo.Record{seal, samples}, after: 0, records: 2},
		{name: "a rate", batches: [][]*kgo.Record{samples}, look: 2, after: 2 * time.Second, records: 1},
		{name: "broker gone", look: 1, lookErr: failed, after: time.Second},
		{name: "fetch fails", failure: failed, after: 0},
		{name: "stop", batches: [][]*kgo.Record{samples}, stop: 300 * time.Millisecond, after: 300 * time.Millisecond, records: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &feed{interval: 5 * time.Second, bytes: 1 << 15, records: make(chan []*kgo.Record, 1), failed: make(chan error, 1)}
				stop := make(chan struct{})
				if tc.stop > 0 {
					time.AfterFunc(tc.stop, func() { close(stop) })
				}
				if tc.failure != nil {
					f.failed <- tc.failure
				}
				done := make(chan struct{})
				var feeding sync.WaitGroup
				defer feeding.Wait()
				defer close(done)
				feeding.Go(func() {
					pause := time.NewTicker(100 * time.Millisecond)
					defer pause.Stop()
					for i, batch := range tc.batches {
						if i > 1 {
							<-pause.C
						}
						select {
						case f.records <- batch:
						case <-done:
							return
						}
					}
				})
				synctest.Wait()
				looks, began := 0, time.Now()
				in, err := f.collect(stop, asking{
					waiting: func() (bool, error) { looks++; return looks == tc.look, tc.lookErr },
					end:     func() (int64, error) { return 0, nil },
				})
				if want := errors.Join(tc.failure, tc.lookErr); (err != nil) != (want != nil) || err != nil && !errors.Is(want, err) {
					t.Errorf("got %v, want %v", err, want)
				}
				if took := time.Since(began); took != tc.after || len(in.records) != tc.records {
					t.Errorf("got %d records after %v, want %d after %v", len(in.records), took, tc.records, tc.after)
				}
			})
		})
	}
}

// TestCollectOfALaggard: a step of a task that lags begins with an eighth of its bytes,
// and goes on with what was there when it asked, as far as its bytes and its interval do.
func TestCollectOfALaggard(t *testing.T) {
	const size = 1 << 15
	offsets := func(from, to int64) (records []*kgo.Record) {
		for ; from < to; from++ {
			records = append(records, &kgo.Record{Offset: from, Value: make([]byte, size/16-recordOverhead)})
		}
		return records
	}
	failed := errors.New("failed")
	for _, tc := range []struct {
		name   string
		end    int64
		endErr error
		chunks [][]*kgo.Record // the first one is collected
		held   int             // records that are collected
		taken  int64           // the offset up to which the step goes
		after  time.Duration   // that it takes
		left   int
		fail   bool // once the chunks are through
		stop   bool // likewise
	}{
		{name: "up to the end", end: 11, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 7), offsets(7, 11)}, held: 2, taken: 11},
		{name: "no further", end: 11, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 9), offsets(9, 14)}, held: 2, taken: 11, left: 3},
		{name: "none before the end", end: 11, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 9), offsets(12, 14)}, held: 2, taken: 9, left: 2},
		{name: "gap before the end", end: 11, chunks: [][]*kgo.Record{offsets(0, 2), append(offsets(2, 9), offsets(12, 14)...), offsets(14, 17)}, held: 2, taken: 9, left: 2},
		{name: "its bytes", end: 100, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 9), offsets(9, 17), offsets(17, 20)}, held: 2, taken: 17},
		{name: "no record at the end", end: 11, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 10)}, held: 2, taken: 10, after: 5 * time.Second},
		{name: "fetch fails", end: 100, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 5)}, held: 2, taken: 5, fail: true},
		{name: "stop", end: 100, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 5)}, held: 2, taken: 5, stop: true},
		{name: "little waits", end: 9, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 9)}, held: 9, taken: 9, after: 5 * time.Second},
		{name: "half waits", end: 10, chunks: [][]*kgo.Record{offsets(0, 2), offsets(2, 10)}, held: 2, taken: 10},
		{name: "less than an eighth", end: 100, chunks: [][]*kgo.Record{offsets(0, 1)}, held: 1, taken: 1, after: 5 * time.Second},
		{name: "broker gone", endErr: failed, chunks: [][]*kgo.Record{offsets(0, 2)}, held: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &feed{interval: 5 * time.Second, bytes: size, records: make(chan []*kgo.Record, 1), failed: make(chan error, 1)}
				stop, done := make(chan struct{}), make(chan struct{})
				var feeding sync.WaitGroup
				defer feeding.Wait()
				defer close(done)
				feeding.Go(func() {
					for _, c := range tc.chunks {
						select {
						case f.records <- c:
						case <-done:
							return
						}
					}
					if !tc.fail && !tc.stop {
						return
					}
					synctest.Wait() // until they are taken
					if tc.fail {
						f.failed <- failed
						return
					}
					close(stop)
				})
				began := time.Now()
				in, err := f.collect(stop, asking{
					waiting: func() (bool, error) { return false, nil },
					end:     func() (int64, error) { return tc.end, tc.endErr },
				})
				if !errors.Is(err, tc.endErr) || len(in.records) != tc.held {
					t.Fatalf("got %d records, error %v", len(in.records), err)
				}
				next := nextOf(in.records)
				for err == nil && in.more != nil {
					var more []*kgo.Record
					if more, err = in.more(); len(more) == 0 {
						break
					}
					if more[0].Offset != next {
						t.Fatalf("offset %d follows %d", more[0].Offset, next)
					}
					next = nextOf(more)
				}
				if tc.fail != errors.Is(err, failed) && tc.endErr == nil {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began).Truncate(time.Second); tc.endErr == nil && (next != tc.taken || took != tc.after || len(f.left) != tc.left) {
					t.Errorf("got to %d after %v, %d left; want %d after %v, %d", next, took, len(f.left), tc.taken, tc.after, tc.left)
				}
				if again, err := f.collect(closed(), asking{end: func() (int64, error) { return 0, nil }}); tc.left > 0 && (err != nil || len(again.records) < tc.left) {
					t.Errorf("then got %d records, %v", len(again.records), err)
				}
			})
		})
	}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestSidesBehind(t *testing.T) {
	at := record.Offsets{Samples: 5, Placements: 5, Inventory: 5, Rates: 5, Corrections: 5}
	for _, tc := range []struct {
		name string
		edit func(*record.Offsets)
		want bool
	}{
		{"nothing new", func(*record.Offsets) {}, false},
		{"samples alone", func(o *record.Offsets) { o.Samples = 9 }, false},
		{"a broker that lost its end", func(o *record.Offsets) { o.Rates, o.Placements = 3, 0 }, false},
		{"placements", func(o *record.Offsets) { o.Placements = 6 }, true},
		{"inventory", func(o *record.Offsets) { o.Inventory = 6 }, true},
		{"rates", func(o *record.Offsets) { o.Rates = 6 }, true},
		{"corrections", func(o *record.Offsets) { o.Corrections = 6 }, true},
	} {
		ends := at
		tc.edit(&ends)
		if got := sidesBehind(at, ends); got != tc.want {
			t.Errorf("%s: got %t, want %t", tc.name, got, tc.want)
		}
	}
}
