package engine_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// TestLongPastClosesInBoundedSteps: a placement that began a month before the
// first reading closes its windows over several steps, none of them large; a
// skipped step leaves the same state, over a restart too; and nothing is lost.
func TestLongPastClosesInBoundedSteps(t *testing.T) {
	const now, month = int64(1_789_477_200_000_000_000), 30 * 24 * time.Hour
	e := engine.New(engine.DefaultConfig())
	for _, n := range []string{"a", "b"} {
		e.ApplyDevice(&telemetry.Device{Node: n, Kind: telemetry.KindWall})
		e.ApplyDevice(&telemetry.Device{Node: n, ID: "g", Kind: telemetry.KindGPU})
		e.ApplyPlacement(&telemetry.Placement{ID: "p", Node: n, Devices: []string{"*"}, Mode: telemetry.ModeWhole, Start: now - month.Nanoseconds(), End: now})
		e.ApplySeal(record.Seal{Node: n})
	}
	total, steps := int64(0), 0
	for first := true; first || e.Pending(); first = false {
		shadow := restored(t, engine.DefaultConfig(), snapshot(t, e))
		rows := 0
		count := func(some []fact.Row) {
			rows += len(some)
			for i := range some {
				total += some[i].Sums[fact.DeviceSeconds]
			}
		}
		for range steps % 3 { // all closings of a step share what it may close
			count(e.CloseWindows())
			shadow.SkipWindows()
		}
		count(e.EndStep().Rows)
		steps++
		if rows > 5000 {
			t.Fatalf("step %d has %d rows", steps, rows)
		}
		// Only a step between two others is a place to restart at.
		if !first {
			shadow.SkipStep()
			if !slices.EqualFunc(snapshot(t, shadow), snapshot(t, e), bytes.Equal) {
				t.Fatalf("step %d: skipped after a restart, the state differs", steps)
			}
		}
		if steps > 30 {
			t.Fatal("no end of steps")
		}
	}
	if want := 2 * month.Nanoseconds(); total != want || steps < 5 {
		t.Errorf("%d ns in %d steps, want %d in at least 5", total, steps, want)
	}
}
