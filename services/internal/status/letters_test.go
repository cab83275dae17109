package status_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/status"
)

// TestReplaysAreCounted: what replays refused stands apart from what they warned
// of; a letter that was sent again counts once, and others' letters do not.
func TestReplaysAreCounted(t *testing.T) {
	b := kafkatest.InProcess(t)
	sinktest.Topics(t, b, 2)
	client := b.Client(t)
	for i, l := range []struct {
		source, id string
		reason     telemetry.Reason
		count      uint64
	}{
		{"/replay/a", "1", telemetry.Negative, 1},
		{"/replay/a", "1", telemetry.Negative, 1},
		{"/replay/a", "2", telemetry.PlacementOverlap, 1},
		{"/replay/b", "2", telemetry.PlacementOverlap, 4},
		{"/replay/b", "3", telemetry.CurrencyMixed, 1},
		{"/process/task/0", "4", telemetry.BeyondHorizon, 9},
	} {
		letter := record.DeadLetter{Reason: l.reason, Count: l.count, Detail: fmt.Sprint(i)}
		r := &kgo.Record{Topic: record.DeadLetters, Value: letter.Append(nil)}
		for _, h := range (record.Envelope{ID: l.id, Source: l.source, Type: record.TypeDeadLetter}).Headers() {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	r := status.Collect(t.Context(), status.Settings{Kafka: b.Config, Store: row(soundLedger), Process: service(t, soundProcess, ""), Sink: service(t, soundSink, "")})
	if got, want := r.Processing.RefusedRows, map[string]int64{"negative": 1}; !maps.Equal(got, want) {
		t.Errorf("refused rows %v, want %v", got, want)
	}
	if got, want := r.Processing.Warnings, map[string]int64{"placement_overlap": 5, "currency_mixed": 1}; !maps.Equal(got, want) {
		t.Errorf("warnings %v, want %v", got, want)
	}
	var text bytes.Buffer
	if err := r.Write(&text, "table"); err != nil || !strings.Contains(text.String(), "currency_mixed 1, placement_overlap 5") {
		t.Errorf("no counts of warnings (%v) in:\n%s", err, &text)
	}
}

// TestFaults: who waits for facts learns what keeps a task, and whether an
// operator is needed.
func TestFaults(t *testing.T) {
	got := status.Faults(t.Context(), status.Settings{
		Process: service(t, `{"tasks":[{"task":0,"state":"down","error":"stored state does not fit"},{"task":1,"state":"opening","error":"broker is away"},{"task":2,"state":"running"}]}`, ""),
		Sink:    service(t, `{"tasks":[{"task":0,"state":"retrying","error":"timeout"},{"task":1,"state":"blocked","error":"no such column"}]}`, ""),
	})
	want := []status.Fault{
		{Task: 0, Text: "processor: task 0 is down: stored state does not fit", Operator: true},
		{Task: 1, Text: "processor: task 1 is opening: broker is away"},
		{Task: 0, Text: "sink: task 0 is retrying: timeout"},
		{Task: 1, Text: "sink: task 1 is blocked: no such column", Operator: true},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("faults %v, want %v", got, want)
	}
	if got := status.Faults(t.Context(), status.Settings{Process: service(t, "{}", "")}); len(got) != 1 || got[0].Task != -1 || got[0].Operator {
		t.Errorf("faults %v, want that the sink does not answer", got)
	}
}
