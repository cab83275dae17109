package report_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/report"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
)

// ends are where inputs end.
type ends map[int32]record.Offsets

func (e ends) Ends(context.Context) (map[int32]record.Offsets, error) { return e, nil }

// idle is where the test's ledger has reached the end of everything.
var idle = ends{0: {}, 1: {}}

type silent struct{}

func (silent) Ends(context.Context) (map[int32]record.Offsets, error) {
	return nil, errors.New("broker is away")
}

// testAsOf asks a store whose ledger has task 0 alone, with steps of first and
// second that have reached offset 0 of every input.
func testAsOf(t *testing.T, client *clickhouse.Client) {
	for _, tt := range []struct {
		name   string
		at     time.Time
		inputs report.Inputs
		want   string
	}{
		{"beyond the ledger", second.Add(1), idle, "the ledger ends at 2026-05-05T01:00:00Z"},
		{"the ledger's end, all idle", second, idle, ""},
		{"the ledger's end, samples left", second, ends{0: {Samples: 1}}, "task 0 has input that is not in the ledger yet; of it, times before 2026-05-05T01:00:00Z are settled"},
		{"the ledger's end, a rate left", second, ends{0: {Rates: 1}}, "task 0 has input"},
		{"the ledger's end, nobody tells", second, nil, "no Kafka is configured"},
		{"the ledger's end, no answer", second, silent{}, "task 0 has recorded nothing after 2026-05-05T01:00:00Z, and whether it still may cannot be told: broker is away"},
		{"the task has gone on", second.Add(-time.Millisecond), ends{0: {Samples: 1}}, ""},
		{"the task has gone on, no answer", second.Add(-time.Millisecond), silent{}, ""},
		{"before everything", first.Add(-time.Hour), ends{0: {Samples: 1}}, ""},
		{"a task has brought nothing yet", first, ends{0: {}, 3: {Inventory: 7}}, "task 3 has input and nothing in the ledger yet"},
		{"two tasks", second, ends{0: {Samples: 1}, 3: {Inventory: 7}}, "task 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := report.Write(t.Context(), report.Source{Store: client, Inputs: tt.inputs}, report.Query{By: "node", Format: "csv", AsOf: tt.at}, &bytes.Buffer{})
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestKafkaInputs(t *testing.T) {
	kafkatest.EachFresh(t, func(t *testing.T, b *kafkatest.Broker) {
		inputs := report.KafkaInputs(b.Config)
		if _, err := inputs.Ends(t.Context()); err == nil {
			t.Error("ends of topics that do not exist: got no error")
		}
		sinktest.Topics(t, b, 3)
		producer := sinktest.Producer(t, b)
		for i, topic := range []string{record.Samples, record.Placements, record.Inventory} {
			for range i + 1 {
				sinktest.Produce(t, producer, topic, 2, nil)
			}
		}
		for range 4 {
			sinktest.Produce(t, producer, record.Rates, 0, nil)
		}
		got, err := inputs.Ends(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for task, want := range map[int32]record.Offsets{0: {Rates: 4}, 1: {Rates: 4}, 2: {Samples: 1, Placements: 2, Inventory: 3, Rates: 4}} {
			if got[task] != want {
				t.Errorf("task %d: got %+v, want %+v", task, got[task], want)
			}
		}
	})
}
