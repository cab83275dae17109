package sink

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// letter is something of the log that cannot be used: a record at an offset,
// or a part of the step whose commit stands there.
type letter struct {
	offset  int64
	part    record.PartID // zero: the record itself
	payload []byte
	cause   error
}

// maxPayload bounds what a dead letter repeats of a part, in bytes.
const maxPayload = record.MaxRecordBytes / 2

// dead is the dead letter, and its ID.
func (l *letter) dead(partition int32) (d record.DeadLetter, id string) {
	d = record.DeadLetter{
		Reason: telemetry.Unparsable, Detail: l.cause.Error(), Origin: record.Facts, Partition: partition,
		Position: l.offset, Count: 1, Payload: l.payload,
	}
	id = fmt.Sprintf("%s/%d/%d/%s", record.Facts, partition, l.offset, d.Reason)
	if l.part.Part != 0 {
		d.Detail = fmt.Sprintf("part %s of the step committed here: %v", l.part.Token(), l.cause)
		id += fmt.Sprintf("/%d", l.part.Part)
	}
	d.Detail = clip(d.Detail, record.MaxText/2)
	if len(d.Payload) > maxPayload {
		d.Detail += fmt.Sprintf("; the first %d of %d bytes", maxPayload, len(d.Payload))
		d.Payload = d.Payload[:maxPayload]
	}
	return d, id
}

// setAside writes a dead letter and waits until it is kept. Written again after
// a crash it carries the same ID.
func (t *task) setAside(ctx context.Context, l letter) error {
	dead, id := l.dead(t.partition)
	envelope := record.Envelope{ID: id, Source: fmt.Sprintf("/sink/%d", t.partition), Type: record.TypeDeadLetter}
	out := &kgo.Record{Topic: record.DeadLetters, Key: []byte(fmt.Sprint(t.partition)), Value: dead.Append(nil), Headers: kafka.RecordHeaders(envelope.Headers())}
	err := lifecycle.Retry(ctx, retryBackoff, func(ctx context.Context) error {
		return kafka.Classify(t.env.client.ProduceSync(ctx, out).FirstErr())
	})
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	t.metrics.letters.WithLabelValues(t.label).Inc()
	t.env.set.Logger.Warn("record set aside", "task", t.partition, "offset", l.offset, "part", l.part.Part, "error", l.cause)
	return nil
}

// clip cuts s to at most n bytes without cutting a character in two.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
