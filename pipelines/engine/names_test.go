package engine_test

import (
	"fmt"
	"testing"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// TestNamesOfANodeAreBounded sends readings of ever new placements. Those beyond
// the bound are counted; those that are known go on.
func TestNamesOfANodeAreBounded(t *testing.T) {
	const bound, sent = 65_536, 70_000
	e := engine.New(engine.DefaultConfig())
	e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
	e.ApplyDevice(&telemetry.Device{Node: "n", ID: "g", Kind: telemetry.KindGPU})
	send := func(at int64, names ...string) {
		b := record.SampleBatch{Node: "n", TakenIn: telemetry.MaxTime, Axes: [][]int64{{at}}}
		for _, name := range names {
			b.Series = append(b.Series, record.SeriesColumn{Device: "g/" + name, Metric: telemetry.SMActive, Values: record.ColumnOf(1)})
		}
		e.ApplySamples(&b)
	}
	names := make([]string, sent)
	for i := range names {
		names[i] = fmt.Sprint("p", i)
	}
	send(scriptStart, names...)
	r := e.EndStep()
	if got := r.Counts[telemetry.TooLarge]; got != sent-bound || r.Readings != bound {
		t.Errorf("%d readings accepted and %d refused, want %d and %d", r.Readings, got, bound, sent-bound)
	}
	send(scriptStart+second, names[0], names[sent-1])
	r = e.EndStep()
	if got := r.Counts[telemetry.TooLarge]; got != 1 || r.Readings != 1 {
		t.Errorf("of one known and one new name %d were accepted and %d refused", r.Readings, got)
	}
}
