package engine

import (
	"slices"
	"testing"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// TestSeriesShareTimes: columns over one axis share its memory, one that goes its
// own way leaves the others as they are, and comes back once it is like them.
func TestSeriesShareTimes(t *testing.T) {
	e := New(DefaultConfig())
	e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
	e.ApplyDevice(&telemetry.Device{Node: "n", ID: "a", Kind: telemetry.KindGPU})
	d := e.nodes["n"].devices["a"]
	power, active := &d.Readings.Power, &d.Busy.SMActive
	var all []int64
	check := func(when string, want bool) {
		t.Helper()
		if got := &power.Times[0] == &active.Times[0]; got != want || !slices.Equal(power.Times, all) {
			t.Fatalf("%s: shared %t, want %t; %d times, want %d", when, got, want, power.Len(), len(all))
		}
	}
	for range 30 {
		all = tenMore(e, all)
		check("together", true)
	}
	odd := all[5] + 1
	active.Add(odd, 1)
	check("after a late reading of one", false)
	all = tenMore(e, all)
	check("with different readings", false)
	if want := slices.Insert(slices.Clone(all), 6, odd); !slices.Equal(active.Times, want) {
		t.Fatalf("the series with a late reading has %v, want %v", active.Times, want)
	}
	all = all[100:]
	for _, s := range deviceSeries(d) {
		s.Drop(s.Search(all[0]))
	}
	for range 400 {
		all = tenMore(e, all)
	}
	check("equal for long", true)
}

// tenMore sends ten readings of two metrics, and returns all times with theirs.
func tenMore(e *Engine, all []int64) []int64 {
	last := int64(1_700_000_040_000_000_000)
	if len(all) > 0 {
		last = all[len(all)-1]
	}
	b := &record.SampleBatch{Node: "n", TakenIn: telemetry.MaxTime, Axes: [][]int64{nil}}
	for i := range int64(10) {
		b.Axes[0] = append(b.Axes[0], last+(i+1)*1_000_000_000)
	}
	for _, m := range []telemetry.Metric{telemetry.PowerWatts, telemetry.SMActive} {
		b.Series = append(b.Series, record.SeriesColumn{Device: "a", Metric: m, Values: record.ColumnOf(make([]int64, 10)...)})
	}
	e.ApplySamples(b)
	return append(all, b.Axes[0]...)
}
