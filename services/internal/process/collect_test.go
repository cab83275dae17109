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
