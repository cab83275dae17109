package record

import (
	"strconv"
	"time"
)

// Types of events: the ce_type of their envelopes.
const (
	TypeSamples   = "ntegral.samples.v1"
	TypeSeal      = "ntegral.seal.v1"
	TypePlacement = "ntegral.placement.v1"
	TypeDevice    = "ntegral.device.v1"
	TypeRate      = "ntegral.rate.v1"
	// A run of reconciliation begins in a task, and one record of what it found.
	TypeReconciliation = "ntegral.reconciliation.v1"
	TypeCorrection     = "ntegral.correction.v1"
	TypeBilling        = "ntegral.billing.v1"
	TypePart           = "ntegral.facts.part.v1"
	TypeCommit         = "ntegral.facts.commit.v1"
	TypeOpen           = "ntegral.facts.open.v1"
	TypeChunk          = "ntegral.state.chunk.v1"
	TypeHistory        = "ntegral.history.v1"
	TypeManifest       = "ntegral.state.manifest.v1"
	TypeReplay         = "ntegral.replay.v1"
	TypeDeadLetter     = "ntegral.dead_letter.v1"
)

// Header is a Kafka record header.
type Header struct {
	Key   string
	Value []byte
}

// Envelope is the CloudEvents context of a record in Kafka binary mode
// (CloudEvents 1.0.2, Kafka protocol binding 1.0.2 section 3.2).
type Envelope struct {
	ID     string
	Source string // URI reference of the writer, such as "/replay/5f2c"
	Type   string
	Time   int64 // when the event was taken in; 0: not said
}

// Headers returns the envelope as record headers.
func (e Envelope) Headers() []Header {
	hs := []Header{
		{"ce_specversion", []byte("1.0")},
		{"ce_id", []byte(e.ID)},
		{"ce_source", []byte(e.Source)},
		{"ce_type", []byte(e.Type)},
		{"content-type", []byte(contentType(e.Type))},
	}
	if e.Time != 0 {
		hs = append(hs, Header{"ce_time", time.Unix(0, e.Time).UTC().AppendFormat(nil, time.RFC3339Nano)})
	}
	return hs
}

func contentType(eventType string) string {
	switch eventType {
	case TypePart, TypeCorrection:
		return "application/vnd.apache.arrow.stream"
	case TypeBilling:
		return "application/json"
	}
	return "application/protobuf"
}

// TypeOf returns the ce_type among headers, "" if there is none.
func TypeOf(headers []Header) string { return value(headers, "ce_type") }

// PartID names a part of a step in a task's commit log.
type PartID struct {
	Task  int32
	Epoch uint64
	Step  uint64
	Part  uint32
}

// Token is the deduplication token of the part's block in ClickHouse: it names
// immutable bytes.
func (p PartID) Token() string {
	b := strconv.AppendInt(nil, int64(p.Task), 10)
	for _, n := range []uint64{p.Epoch, p.Step, uint64(p.Part)} {
		b = strconv.AppendUint(append(b, '/'), n, 10)
	}
	return string(b)
}

// Headers returns the part's identity as record headers.
func (p PartID) Headers() []Header {
	return []Header{
		{"task", strconv.AppendInt(nil, int64(p.Task), 10)},
		{"epoch", strconv.AppendUint(nil, p.Epoch, 10)},
		{"step", strconv.AppendUint(nil, p.Step, 10)},
		{"part", strconv.AppendUint(nil, uint64(p.Part), 10)},
	}
}

// PartIDOf reads the identity of a part back from its headers.
func PartIDOf(headers []Header) (PartID, error) {
	task, err1 := strconv.ParseInt(value(headers, "task"), 10, 32)
	epoch, err2 := strconv.ParseUint(value(headers, "epoch"), 10, 64)
	step, err3 := strconv.ParseUint(value(headers, "step"), 10, 64)
	part, err4 := strconv.ParseUint(value(headers, "part"), 10, 32)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || task < 0 {
		return PartID{}, malformed("part headers")
	}
	return PartID{Task: int32(task), Epoch: epoch, Step: step, Part: uint32(part)}, nil
}

func value(headers []Header, key string) string {
	for _, h := range headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
