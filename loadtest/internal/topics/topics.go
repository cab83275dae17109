// Package topics is what the load tests that speak Kafka share: making the
// product's topics, and records as they stand in them.
package topics

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
)

// Make makes the product's topics, kept as the product keeps them.
func Make(ctx context.Context, admin *kadm.Client, partitions int32) error {
	for _, t := range record.Topics() {
		n := partitions
		if t.Single {
			n = 1
		}
		configs := map[string]*string{}
		for k, v := range t.Configs() {
			configs[k] = &v
		}
		if _, err := admin.CreateTopic(ctx, n, 1, configs, t.Name); err != nil {
			return fmt.Errorf("make topic %s: %w", t.Name, err)
		}
	}
	return nil
}

// Entry is one record that is to be written.
type Entry struct {
	Topic, Key, Kind string // Kind is the CloudEvents type
	Value            []byte
}

// Headers are those of a record of a kind, from a source.
func Headers(kind, source string) (out []kgo.RecordHeader) {
	for _, h := range (record.Envelope{ID: "1", Source: source, Type: kind}).Headers() {
		out = append(out, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return out
}

// EventType is the CloudEvents type of a record, "" where it has none.
func EventType(r *kgo.Record) string {
	for i := range r.Headers {
		if r.Headers[i].Key == "ce_type" {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}
