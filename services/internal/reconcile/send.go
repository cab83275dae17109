package reconcile

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// sentTo is what a run has sent to a task.
type sentTo struct {
	rows    int64
	next    int64           // the offset after the last record
	records map[int64]int64 // rows by offset
}

// guessedRows fill about a record.
const guessedRows = 4096

// send publishes the differences of a task, one record after the other: their
// order is what tells a record from its repetition.
func (r *run) send(ctx context.Context, task int32, rows []fact.Row) error {
	for n := r.perRecord; len(rows) > 0; {
		n = min(n, len(rows), fact.MaxRows)
		value, _, err := r.builder.Encode(rows[:n])
		if err != nil {
			return fmt.Errorf("encode corrections: %w", err)
		}
		if len(value) > fact.MaxBytes {
			if n == 1 {
				return lifecycle.Permanent(fmt.Errorf("encode corrections: a row takes %d bytes, at most %d", len(value), fact.MaxBytes))
			}
			n /= 2
			continue
		}
		r.sequence[task]++
		offset, err := r.publish(ctx, task, record.TypeCorrection, r.sequence[task], value)
		if err != nil {
			return err
		}
		to := r.sent[task]
		if to == nil {
			to = &sentTo{records: map[int64]int64{}}
			r.sent[task] = to
		}
		to.rows, to.next, to.records[offset] = to.rows+int64(n), offset+1, int64(n)
		rows = rows[n:]
	}
	return nil
}

// publish appends one record to a task's corrections and returns its offset.
func (r *run) publish(ctx context.Context, task int32, kind string, sequence uint64, value []byte) (int64, error) {
	id := record.CorrectionID{Run: r.id, Sequence: sequence}
	env := record.Envelope{ID: fmt.Sprintf("%s/%d/%d", r.id, task, sequence), Source: "/reconcile/" + r.id, Type: kind}
	rec := &kgo.Record{
		Topic: record.Corrections, Partition: task, Value: value, Headers: kafka.RecordHeaders(append(env.Headers(), id.Headers()...)),
	}
	if err := r.client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return 0, kafka.Classify(fmt.Errorf("publish to %s: %w", record.Corrections, err))
	}
	return rec.Offset, nil
}
