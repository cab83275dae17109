package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// Kept says of which windows a task's samples topic still has every reading.
//
// While nothing has been deleted it has all there ever were. After that, the
// deleted records were published before the oldest that is left, and no reading
// of theirs is dated further ahead of that than the future skew: what comes
// after this moment is whole. Nothing better can be said, as a record tells
// nothing of those before it; a recording of long ago that is replayed is
// published today, so once records of it are gone, nothing of it is whole.
type Kept struct {
	Task    int32     `json:"task"`
	Start   int64     `json:"start_offset"`
	Whole   bool      `json:"whole"`         // nothing was deleted
	Nothing bool      `json:"nothing"`       // everything was
	From    time.Time `json:"from,omitzero"` // else the first window all of whose readings are there
}

// covers returns the part of [from, to) all of whose readings are there.
func (k Kept) covers(from, to int64) (int64, int64) {
	switch {
	case k.Whole:
		return from, to
	case k.Nothing:
		return to, to
	}
	return min(max(from, k.From.UnixNano()), to), to
}

func (k Kept) String() string {
	switch {
	case k.Whole:
		return "the samples topic holds every reading there was"
	case k.Nothing:
		return "the samples topic holds no reading any more"
	}
	return fmt.Sprintf("the samples topic is kept from offset %d on, which suffices for windows from %s", k.Start, k.From.Format(time.RFC3339))
}

func (r *run) kept(ctx context.Context, task int32) (Kept, error) {
	starts, err := kafka.StartOffsets(ctx, r.client, record.Samples)
	if err != nil {
		return Kept{}, err
	}
	k := Kept{Task: task, Start: starts[record.Samples][task]}
	end := r.inputs.samplesEnd[task]
	switch {
	case k.Start == 0:
		k.Whole = true
		return k, nil
	case k.Start >= end:
		k.Nothing = true
		return k, nil
	}
	oldest, err := r.oldest(ctx, task, k.Start, end)
	if err != nil {
		return Kept{}, fmt.Errorf("read the oldest samples: %w", err)
	}
	published := oldest.Timestamp.UnixNano()
	if takenIn, ok := takenInOf(oldest); ok {
		published = max(published, takenIn)
	}
	cfg := r.set.Engine
	window := cfg.Window.Nanoseconds()
	// Twice the skew: clocks of writers differ, too.
	k.From = time.Unix(0, floorTo(published+2*cfg.MaxFutureSkew.Nanoseconds()+cfg.Margin()+window-1, window)).UTC()
	return k, nil
}

// oldest reads the first record of a partition.
func (r *run) oldest(ctx context.Context, task int32, start, end int64) (*kgo.Record, error) {
	reader, err := kafka.NewReader(r.set.Kafka, r.set.Logger, record.Samples, task, start)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var first *kgo.Record
	err = reader.ReadTo(ctx, min(end, start+1), func(rec *kgo.Record) error { first = rec; return nil })
	if err == nil && first == nil {
		err = fmt.Errorf("offset %d holds no record", start)
	}
	return first, err
}

func takenInOf(r *kgo.Record) (int64, bool) {
	switch kafka.EventType(r) {
	case record.TypeSamples:
		var d record.SamplesDecoder
		b, err := d.Decode(r.Value)
		if err != nil {
			return 0, false
		}
		return b.TakenIn, true
	case record.TypeSeal:
		s, err := record.DecodeSeal(r.Value)
		return s.TakenIn, err == nil
	}
	return 0, false
}
