package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ntegral/ntegral/pipelines/meter"
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
	power, active, counter := &d.Readings.Power, &d.Busy.SMActive, &d.Readings.Counter
	var all []int64
	check := func(when string, want bool) {
		t.Helper()
		if got := &power.Times[0] == &active.Times[0]; got != want || !slices.Equal(power.Times, all) {
			t.Fatalf("%s: shared %t, want %t; %d times, want %d", when, got, want, power.Len(), len(all))
		}
		if &power.Times[0] != &counter.Times[0] {
			t.Fatalf("%s: series on both sides of another do not share", when)
		}
	}
	moved, at := 0, (*int64)(nil)
	for range 30 {
		all = tenMore(e, all)
		check("together", true)
		if at != &power.Times[0] {
			moved, at = moved+1, &power.Times[0]
		}
	}
	if moved > 15 {
		t.Errorf("times of 30 records moved %d times", moved)
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

// tenMore sends ten readings of three metrics, and returns all times with theirs.
func tenMore(e *Engine, all []int64) []int64 {
	last := int64(1_700_000_040_000_000_000)
	if len(all) > 0 {
		last = all[len(all)-1]
	}
	b := &record.SampleBatch{Node: "n", TakenIn: telemetry.MaxTime, Axes: [][]int64{nil}}
	for i := range int64(10) {
		b.Axes[0] = append(b.Axes[0], last+(i+1)*1_000_000_000)
	}
	for _, m := range []telemetry.Metric{telemetry.PowerWatts, telemetry.SMActive, telemetry.EnergyJoules} {
		b.Series = append(b.Series, record.SeriesColumn{Device: "a", Metric: m, Values: record.ColumnOf(make([]int64, 10)...)})
	}
	e.ApplySamples(b)
	return append(all, b.Axes[0]...)
}

// TestTimesWhoeverSharesThem: whatever records have of a device's series, over one axis or
// two, and whatever a series drops meanwhile, each keeps its own times.
func TestTimesWhoeverSharesThem(t *testing.T) {
	metrics := []telemetry.Metric{telemetry.PowerWatts, telemetry.SMActive, telemetry.EnergyJoules}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 5))
		e := New(DefaultConfig())
		e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
		e.ApplyDevice(&telemetry.Device{Node: "n", ID: "a", Kind: telemetry.KindGPU})
		d := e.nodes["n"].devices["a"]
		series := []*meter.Series{&d.Readings.Power, &d.Busy.SMActive, &d.Readings.Counter}
		want := make([][]int64, len(series))
		rare := []int{4, 400, 10_000}[seed%3] // how seldom a record lacks a series, or has it over another axis
		for k := range int64(400) {
			at := 1_700_000_040_000_000_000 + k*3_000_000_000
			b := &record.SampleBatch{Node: "n", TakenIn: telemetry.MaxTime, Axes: [][]int64{nil, nil}}
			for i := range int64(3) {
				b.Axes[0], b.Axes[1] = append(b.Axes[0], at+i*1_000_000_000), append(b.Axes[1], at+i*1_000_000_000+7)
			}
			for i, m := range metrics {
				if r.IntN(rare) == 0 {
					continue
				}
				axis := 0
				if r.IntN(10*rare) == 0 {
					axis = 1
				}
				b.Series = append(b.Series, record.SeriesColumn{Device: "a", Metric: m, Axis: axis, Values: record.ColumnOf(k, k+1, k+2)})
				want[i] = append(want[i], b.Axes[axis]...)
			}
			e.ApplySamples(b)
			if i := r.IntN(3 * len(series)); i < len(series) && r.IntN(10) == 0 {
				gone := r.IntN(len(want[i]) + 1)
				series[i].Drop(gone)
				want[i] = want[i][gone:]
			}
			for i, s := range series {
				if !slices.Equal(s.Times, want[i]) {
					t.Fatalf("seed %d, record %d: series %d has %d times that are not the %d of its own", seed, k, i, len(s.Times), len(want[i]))
				}
			}
		}
	}
}
