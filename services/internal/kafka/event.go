package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
)

// Header is the value of a record's header, "" where it has none of that key.
func Header(r *kgo.Record, key string) string {
	for i := range r.Headers {
		if r.Headers[i].Key == key {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}

// EventType is the CloudEvents type of a record, "" where it has none.
func EventType(r *kgo.Record) string { return Header(r, "ce_type") }

// Headers are a record's headers as package record reads them.
func Headers(r *kgo.Record) []record.Header {
	out := make([]record.Header, len(r.Headers))
	for i, h := range r.Headers {
		out[i] = record.Header{Key: h.Key, Value: h.Value}
	}
	return out
}

// RecordHeaders are headers as the client sends them.
func RecordHeaders(headers []record.Header) []kgo.RecordHeader {
	out := make([]kgo.RecordHeader, len(headers))
	for i, h := range headers {
		out[i] = kgo.RecordHeader(h)
	}
	return out
}
