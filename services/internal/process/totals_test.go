package process

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// TestNotedCountersNeverFall: what a restatement takes back is gone from the
// counts, and stays in the counter. What is only noted was not refused.
func TestNotedCountersNeverFall(t *testing.T) {
	var totals Totals
	step := func(reason telemetry.Reason, n int64) map[string]float64 {
		c := &record.Commit{Counts: make([]int64, telemetry.NumReasons)}
		c.Counts[reason] = n
		totals.add(c)
		return scrape(t, totals)
	}
	step(telemetry.Accepted, 7)
	step(telemetry.Late, 3)
	step(telemetry.Negative, 2)
	step(telemetry.BeyondHorizon, 1)
	step(telemetry.CounterHung, 5)
	before := step(telemetry.CounterReset, 1)
	after := step(telemetry.CounterHung, -4)
	want := map[string]float64{"refused negative": 2, "noted beyond_horizon": 1, "noted counter_hung": 5, "noted counter_reset": 1}
	if !maps.Equal(before, want) || !maps.Equal(after, want) {
		t.Errorf("counters %v, then %v; want both times %v", before, after, want)
	}
	if got := step(telemetry.CounterHung, 2)["noted counter_hung"]; got != 7 {
		t.Errorf("noted counter_hung %v, want 7", got)
	}

	// A checkpoint keeps both, and the status shows what holds now.
	text, err := json.Marshal(totals)
	if err != nil {
		t.Fatal(err)
	}
	var restored Totals
	if err := json.Unmarshal(text, &restored); err != nil || restored != totals {
		t.Errorf("restored %+v (%v), want %+v", restored, err, totals)
	}
	text, err = json.Marshal(&TaskStatus{Totals: totals})
	if err != nil {
		t.Fatal(err)
	}
	var status struct{ Rejected, Noted map[string]int64 }
	if err := json.Unmarshal(text, &status); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(status.Rejected, map[string]int64{"negative": 2}) || !maps.Equal(status.Noted, map[string]int64{"beyond_horizon": 1, "counter_hung": 3, "counter_reset": 1}) {
		t.Errorf("status %+v", status)
	}
}

// scrape returns the counters by reason that a task with these totals shows.
func scrape(t *testing.T, totals Totals) map[string]float64 {
	t.Helper()
	set := &taskSet{env: &environment{partitions: 1}, tasks: map[int32]*task{0: {}}}
	set.tasks[0].status.Store(&TaskStatus{Totals: totals})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(taskCollector{set})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		kind := map[string]string{"ntegral_process_events_refused_total": "refused", "ntegral_process_events_noted_total": "noted"}[family.GetName()]
		if kind == "" {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "reason" {
					out[kind+" "+label.GetValue()] = m.GetCounter().GetValue()
				}
			}
		}
	}
	return out
}
