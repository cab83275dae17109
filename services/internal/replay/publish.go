package replay

import (
	"context"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// publisher sends the records of one replay. Sending returns at once; settle
// waits for the acknowledgements. Its own methods belong to one goroutine.
type publisher struct {
	client *kgo.Client
	digest string
	source string

	// held are the records that the log holds already, by id, until they have
	// been passed over.
	held map[string]uint64
	seed maphash.Seed

	mu      sync.Mutex // guards what the client's goroutine writes
	err     error
	reached map[int32]int64 // by partition of the samples topic: the offset after our last record
	tail    map[int32]int64 // likewise, but where nothing of ours stands yet the end when the replay began
	sent    int64
}

func newPublisher(client *kgo.Client, digest string) *publisher {
	return &publisher{client: client, digest: digest, source: sourceOf(digest), seed: maphash.MakeSeed(), reached: make(map[int32]int64), tail: make(map[int32]int64)}
}

// replaySource begins the ce_source of every replay's records.
const replaySource = "/replay/"

// sourceOf is the ce_source of a replay's records.
func sourceOf(digest string) string { return replaySource + digest[:16] }

// id names a record of the replay for good: the same content has the same one.
func (p *publisher) id(kind string, chunk, n int64) string {
	b := append(append(make([]byte, 0, 48), p.digest[:16]...), '/')
	b = append(append(b, kind...), '/')
	b = strconv.AppendInt(b, chunk, 10)
	return string(strconv.AppendInt(append(b, '/'), n, 10))
}

// send hands one record to the client. It blocks while too much is under way.
func (p *publisher) send(ctx context.Context, topic, key string, e record.Envelope, value []byte) error {
	if err := p.failed(); err != nil {
		return err
	}
	if h, ok := p.held[e.ID]; ok && h == maphash.Bytes(p.seed, value) {
		delete(p.held, e.ID)
		return nil
	}
	e.Source = p.source
	r := &kgo.Record{Topic: topic, Value: value, Headers: kafka.RecordHeaders(e.Headers())}
	if key != "" {
		r.Key = []byte(key)
	}
	p.client.Produce(ctx, r, p.acknowledged)
	return nil
}

func (p *publisher) acknowledged(r *kgo.Record, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if p.err == nil {
			p.err = kafka.Classify(fmt.Errorf("publish to %s: %w", r.Topic, err))
		}
		return
	}
	p.sent++
	if r.Topic == record.Samples {
		p.reach(r.Partition, r.Offset+1)
	}
}

// reach notes that a record of ours stands before offset; p.mu is held.
func (p *publisher) reach(partition int32, offset int64) {
	p.reached[partition] = max(p.reached[partition], offset)
	p.tail[partition] = max(p.tail[partition], offset)
}

func (p *publisher) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// settle waits until all that was sent is acknowledged.
func (p *publisher) settle(ctx context.Context) error {
	if err := p.client.Flush(ctx); err != nil {
		return kafka.Classify(fmt.Errorf("await acknowledgements: %w", err))
	}
	return p.failed()
}
