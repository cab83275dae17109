package record_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/record"
)

func TestEnvelopeHeaders(t *testing.T) {
	texts := func(hs []record.Header) map[string]string {
		m := map[string]string{}
		for _, h := range hs {
			m[h.Key] = string(h.Value)
		}
		return m
	}
	for _, tc := range []struct {
		name string
		e    record.Envelope
		want map[string]string
	}{
		{
			"without a time",
			record.Envelope{ID: "7", Source: "/replay/5f2c", Type: record.TypeSamples},
			map[string]string{
				"ce_specversion": "1.0", "ce_id": "7", "ce_source": "/replay/5f2c", "ce_type": "ntegral.samples.v1",
				"content-type": "application/protobuf",
			},
		},
		{
			"a part, with a time to the ns",
			record.Envelope{ID: "0/1/2/3", Source: "/task/0", Type: record.TypePart, Time: 1_757_941_200_000_000_001},
			map[string]string{
				"ce_specversion": "1.0", "ce_id": "0/1/2/3", "ce_source": "/task/0", "ce_type": "ntegral.facts.part.v1",
				"content-type": "application/vnd.apache.arrow.stream", "ce_time": "2025-09-15T13:00:00.000000001Z",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hs := tc.e.Headers()
			if diff := cmp.Diff(tc.want, texts(hs)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if got := record.TypeOf(hs); got != tc.e.Type {
				t.Errorf("TypeOf = %q, want %q", got, tc.e.Type)
			}
		})
	}
}

func TestPartIDNamesABlock(t *testing.T) {
	id := record.PartID{Task: 3, Epoch: 18_446_744_073_709_551_615, Step: 12, Part: 0}
	if got, want := id.Token(), "3/18446744073709551615/12/0"; got != want {
		t.Errorf("Token = %s, want %s", got, want)
	}
	if got, err := record.PartIDOf(id.Headers()); err != nil || got != id {
		t.Errorf("PartIDOf(Headers()) = %v, %v, want %v", got, err, id)
	}
	if _, err := record.PartIDOf(nil); err == nil {
		t.Error("PartIDOf without headers: no error")
	}
}

func TestTopicsAreKeptExplicitly(t *testing.T) {
	seen := map[string]bool{}
	for _, topic := range record.Topics() {
		if seen[topic.Name] {
			t.Errorf("%s is listed twice", topic.Name)
		}
		seen[topic.Name] = true
		configs := topic.Configs()
		// The embedded broker expires only what sets these itself.
		for _, name := range []string{"retention.ms", "retention.bytes", "cleanup.policy", "max.message.bytes"} {
			if configs[name] == "" {
				t.Errorf("%s does not set %s", topic.Name, name)
			}
		}
		if configs["cleanup.policy"] != "delete" {
			t.Errorf("%s is compacted; the embedded broker's compaction is not safe", topic.Name)
		}
	}
}

// TestCorrectionID: what identifies a correction survives its headers, and what
// does not identify one is refused.
func TestCorrectionID(t *testing.T) {
	for _, kind := range []string{record.TypeReconciliation, record.TypeCorrection} {
		want := record.CorrectionID{Run: "5f2c"}
		if kind == record.TypeCorrection {
			want.Sequence = 1<<63 + 7
		}
		headers := append(record.Envelope{ID: "x", Source: "/reconcile/5f2c", Type: kind}.Headers(), want.Headers()...)
		got, err := record.CorrectionIDOf(headers)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", kind, got, err, want)
		}
	}
	for name, headers := range map[string][]record.Header{
		"no run":               {{Key: "ce_type", Value: []byte(record.TypeCorrection)}, {Key: "sequence", Value: []byte("1")}},
		"no sequence":          {{Key: "ce_type", Value: []byte(record.TypeCorrection)}, {Key: "run", Value: []byte("a")}},
		"negative":             {{Key: "ce_type", Value: []byte(record.TypeCorrection)}, {Key: "run", Value: []byte("a")}, {Key: "sequence", Value: []byte("-1")}},
		"a begin with a place": {{Key: "ce_type", Value: []byte(record.TypeReconciliation)}, {Key: "run", Value: []byte("a")}, {Key: "sequence", Value: []byte("1")}},
		"rows without a place": {{Key: "ce_type", Value: []byte(record.TypeCorrection)}, {Key: "run", Value: []byte("a")}, {Key: "sequence", Value: []byte("0")}},
		"a long run":           {{Key: "ce_type", Value: []byte(record.TypeCorrection)}, {Key: "run", Value: make([]byte, 600)}, {Key: "sequence", Value: []byte("1")}},
	} {
		if got, err := record.CorrectionIDOf(headers); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
}
