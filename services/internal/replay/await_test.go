package replay

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// slow is a store that gets one side input of one task only when it has been
// asked for the third time.
type slow struct {
	ends
	lack  func(*record.Offsets)
	asked int
}

func (s *slow) Offsets(ctx context.Context) (map[int32]record.Offsets, error) {
	offsets, err := s.ends.Offsets(ctx)
	if s.asked++; s.asked < 3 {
		for task, o := range offsets {
			s.lack(&o)
			offsets[task] = o
		}
	}
	return offsets, err
}

// TestReplayWaitsForAllInputs: a rate concerns every task, whether the directory
// has readings for it or not; likewise what else is not readings.
func TestReplayWaitsForAllInputs(t *testing.T) {
	for name, lack := range map[string]func(*record.Offsets){
		"rates":      func(o *record.Offsets) { o.Rates = max(0, o.Rates-1) },
		"inventory":  func(o *record.Offsets) { o.Inventory = max(0, o.Inventory-1) },
		"placements": func(o *record.Offsets) { o.Placements = max(0, o.Placements-1) },
	} {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t)
			var out bytes.Buffer
			s := settings(t, b, &out)
			store := &slow{ends: ends{t, b}, lack: lack}
			s.Ledger = store
			cfg := configOf(fleet(t, 1, 20))
			for _, asked := range []int{3, 4} { // published, and found to be published
				if err := Run(t.Context(), cfg, s); err != nil {
					t.Fatal(err)
				}
				if store.asked != asked {
					t.Errorf("asked %d times, want %d: until nothing is missing", store.asked, asked)
				}
			}
			store.asked = 0
			if err := Run(t.Context(), cfg, s); err != nil || store.asked != 3 {
				t.Errorf("a second replay asked %d times, want 3 (%v)", store.asked, err)
			}
		})
	}
}

// unfed is a store whose tasks have steps only where they have input.
type unfed struct{ ends }

func (u unfed) Offsets(ctx context.Context) (map[int32]record.Offsets, error) {
	offsets, err := u.ends.Offsets(ctx)
	for task, o := range offsets {
		if o == (record.Offsets{}) {
			delete(offsets, task)
		}
	}
	return offsets, err
}

// TestReplayWaitsForNobodyWithoutInput: tasks that have nothing to read never
// commit a step.
func TestReplayWaitsForNobodyWithoutInput(t *testing.T) {
	b := startBroker(t)
	dir := writeFiles(t, "inventory.csv", inventoryHeader+"n0,,wall,,,,r,,,c,\n")
	var out bytes.Buffer
	s := settings(t, b, &out)
	s.Ledger = unfed{ends{t, b}}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := Run(ctx, configOf(dir), s); err != nil {
		t.Fatal(err)
	}
}

// hindered tells faults in turn, the last one again and again.
type hindered struct {
	b    *kafkatest.Broker
	told [][]TaskFault
}

func (h *hindered) Faults(context.Context) []TaskFault {
	now := h.told[0]
	if len(h.told) > 1 {
		h.told = h.told[1:]
	}
	return now
}

// never is a store to which nothing comes.
type never struct{}

func (never) Offsets(context.Context) (map[int32]record.Offsets, error) {
	return map[int32]record.Offsets{}, nil
}

// TestReplayEndsWhereAnOperatorIsNeeded: waiting for what never comes helps
// nobody; what passes by itself is told with the progress.
func TestReplayEndsWhereAnOperatorIsNeeded(t *testing.T) {
	b := startBroker(t)
	var out bytes.Buffer
	s := settings(t, b, &out)
	now := testNow
	s.Now = func() time.Time { now = now.Add(6 * time.Second); return now } // each look has its status
	s.Ledger = never{}
	var elsewhere []TaskFault
	for task := range int32(partitions) {
		elsewhere = append(elsewhere, TaskFault{Task: partitions + task, Text: "processor: a task that nobody waits for is down", Operator: true})
	}
	s.Tasks = &hindered{b, [][]TaskFault{
		elsewhere,
		{{Task: -1, Text: "processor: connection refused"}},
		{{Task: 1, Text: "sink: task 1 is retrying: timeout"}},
		{{Task: 1, Text: "processor: task 1 is down: stored state does not fit", Operator: true}},
	}}
	err := Run(t.Context(), configOf(fleet(t, 1, 20)), s)
	if !lifecycle.IsPermanent(err) || !strings.Contains(err.Error(), "processor: task 1 is down: stored state does not fit") || !strings.Contains(err.Error(), "see ntegral status") {
		t.Errorf("error %v, want the cause and what to do", err)
	}
	for _, want := range []string{"processor: connection refused (see ntegral status)", "sink: task 1 is retrying: timeout (see ntegral status)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("progress lacks %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "nobody waits for") {
		t.Errorf("a task that nobody waits for is told:\n%s", &out)
	}
}

func TestBehind(t *testing.T) {
	want := map[int32]record.Offsets{0: {Samples: 5, Rates: 2}, 1: {Rates: 2}, 2: {}, 3: {Inventory: 1, Placements: 4}}
	have := map[int32]record.Offsets{0: {Samples: 9, Rates: 2}, 3: {Inventory: 1, Placements: 1}}
	if tasks, records := behind(want, have); !slices.Equal(tasks, []int32{1, 3}) || records != 5 {
		t.Errorf("tasks %v lack %d records, want tasks 1 and 3, 5 records", tasks, records)
	}
}

// TestRefusedError: it names only what there is.
func TestRefusedError(t *testing.T) {
	for want, e := range map[string]*RefusedError{
		"1 fault in the directory":                                      {Rows: 1},
		"273 readings refused by the processor":                         {Readings: 273},
		"2 faults in the directory, 1 reading refused by the processor": {Rows: 2, Readings: 1},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
