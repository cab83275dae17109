package engine_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// oneCard is an engine that knows node n with the card g.
func oneCard() *engine.Engine {
	e := engine.New(engine.DefaultConfig())
	e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
	e.ApplyDevice(&telemetry.Device{Node: "n", ID: "g", Kind: telemetry.KindGPU, Model: "H100"})
	return e
}

// read applies a record of one series of g, a reading a second.
func read(e *engine.Engine, m telemetry.Metric, from int64, values ...int64) {
	axis := make([]int64, len(values))
	for i := range axis {
		axis[i] = from + int64(i)*second
	}
	e.ApplySamples(&record.SampleBatch{
		Node: "n", TakenIn: from + 3*3600*second, Axes: [][]int64{axis},
		Series: []record.SeriesColumn{{Device: "g", Metric: m, Values: record.ColumnOf(values...)}},
	})
}

// TestBoundsOfColumnsBehindASeries: whatever a series holds, and from whatever base, of
// a column behind it what is out of bounds is refused, and nothing else.
func TestBoundsOfColumnsBehindASeries(t *testing.T) {
	for _, tc := range []struct {
		name     string
		metric   telemetry.Metric
		before   []int64
		column   []int64
		refused  uint64
		negative int64
	}{
		{"below zero beside zero", telemetry.PowerWatts, []int64{0, 100, 3}, []int64{7, -5, 9}, 1, 1},
		{"below zero alone", telemetry.PowerWatts, []int64{0, 100, 3}, []int64{-5}, 1, 1},
		{"a ratio above its bound", telemetry.SMActive, []int64{900_000, 990_000}, []int64{900_000, 1_060_000}, 1, 0},
		{"a ratio at its bound", telemetry.SMActive, []int64{900_000, 990_000}, []int64{900_000, 1_000_000}, 0, 0},
		{"power above its bound, within the width", telemetry.PowerWatts, []int64{4_990_000_000, 5_000_000_000}, []int64{5_000_001_000, 4_999_000_000}, 1, 0},
		{"equal values above the bound", telemetry.PowerWatts, []int64{5_000_000_000, 5_000_000_000}, []int64{5_000_000_001, 5_000_000_001}, 2, 0},
	} {
		e := oneCard()
		read(e, tc.metric, scriptStart, tc.before...)
		read(e, tc.metric, scriptStart+10*second, tc.column...)
		r := e.EndStep()
		if want := uint64(len(tc.before)+len(tc.column)) - tc.refused; r.Readings != want {
			t.Errorf("%s: %d readings were taken, want %d", tc.name, r.Readings, want)
		}
		if got := r.Counts[telemetry.Negative]; got != tc.negative {
			t.Errorf("%s: %d were negative, want %d", tc.name, got, tc.negative)
		}
	}
}

// TestNewsConfirmsAJump: of two records far ahead the second moves the watermark if it
// says something new, also where both end at one time.
func TestNewsConfirmsAJump(t *testing.T) {
	const ahead = 2 * 3600 * second
	for metric, moves := range map[telemetry.Metric]bool{telemetry.PowerWatts: false, telemetry.SMActive: true} {
		e := oneCard()
		read(e, telemetry.PowerWatts, scriptStart, 100_000_000, 100_001_000)
		read(e, telemetry.SMActive, scriptStart, 500_000, 500_100)
		before := e.EndStep().Watermark
		read(e, telemetry.PowerWatts, scriptStart+ahead, 100_002_000)
		read(e, metric, scriptStart+ahead, map[telemetry.Metric]int64{telemetry.PowerWatts: 100_002_000, telemetry.SMActive: 500_100}[metric])
		if got := e.EndStep().Watermark; (got > before) != moves {
			t.Errorf("%s: the watermark went from %d to %d, want that it moves: %t", metric, before, got, moves)
		}
	}
}

// TestLayoutsOfWhatWasForgotten: series that a record brings back after they were silent for
// longer than they are kept are found anew.
func TestLayoutsOfWhatWasForgotten(t *testing.T) {
	for _, c := range []record.SeriesColumn{{Device: "g/p", Metric: telemetry.SMActive}, {Device: "g/p", Metric: telemetry.TokensInput}} {
		told, looks := oneCard(), oneCard()
		for k := range int64(200) {
			power := record.SeriesColumn{Device: "g", Metric: telemetry.PowerWatts, Values: record.ColumnOf(k)}
			c.Values = record.ColumnOf(k)
			b := &record.SampleBatch{Node: "n", TakenIn: telemetry.MaxTime, Axes: [][]int64{{scriptStart + k*60*second}}, Series: []record.SeriesColumn{power, c}}
			layout := uint64(1)
			if k > 20 && k < 150 {
				b.Series, layout = b.Series[:1], 2
			}
			looks.ForgetLayouts()
			looks.ApplySamples(b)
			b.Layout = layout
			told.ApplySamples(b)
			told.EndStep()
			looks.EndStep()
		}
		if diff := cmp.Diff(snapshot(t, told), snapshot(t, looks)); diff != "" {
			t.Errorf("%s: state (-told +looks):\n%s", c.Metric, diff)
		}
	}
}

// TestLayoutsChangeNothing: an engine that is told which records have the same series does
// what one does that looks at each of them, whatever becomes of the series meanwhile.
func TestLayoutsChangeNothing(t *testing.T) {
	type place struct {
		device string
		metric telemetry.Metric
	}
	all := []place{
		{"g", telemetry.PowerWatts},
		{"g", telemetry.EnergyJoules},
		{"g", telemetry.SMActive},
		{"g", telemetry.TokensInput},
		{"h", telemetry.PowerWatts},
		{"h", telemetry.PowerLimit},
		{"g/p", telemetry.SMActive},
		{"g/q", telemetry.TokensOutput},
		{"", telemetry.PowerWatts},
		{"no such", telemetry.PowerWatts},
		{"m", telemetry.GPUUtil},
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 23))
		var layouts [][]place
		for range 3 {
			layout := []place{}
			for _, k := range r.Perm(len(all))[:1+r.IntN(len(all))] {
				layout = append(layout, all[k])
			}
			layouts = append(layouts, layout, layout[:1+r.IntN(len(layout))])
		}
		told, looks := oneCard(), oneCard()
		for k := range int64(300) {
			at := scriptStart + k*60*second
			if kind := []telemetry.Kind{telemetry.KindGPU, telemetry.KindMIG}[r.IntN(2)]; r.IntN(20) == 0 {
				id := []string{"h", "m"}[r.IntN(2)]
				for _, e := range []*engine.Engine{told, looks} {
					e.ApplyDevice(&telemetry.Device{Node: "n", ID: id, Kind: kind, Parent: "g", Model: "H100"})
				}
			}
			b := &record.SampleBatch{Node: "n", TakenIn: telemetry.MaxTime, Axes: [][]int64{{at, at + 20*second}, {at + second, at + 21*second}}}
			if r.IntN(10) == 0 { // late
				b.Axes[0][0] -= 300 * second
			}
			which := r.IntN(1 + r.IntN(len(layouts)))
			for _, p := range layouts[which] {
				b.Series = append(b.Series, record.SeriesColumn{Device: p.device, Metric: p.metric, Axis: len(b.Series) & 1, Values: record.ColumnOf(k*1000, k*1000+r.Int64N(2000))})
			}
			looks.ForgetLayouts()
			looks.ApplySamples(b)
			b.Layout = 1 + uint64(which)
			told.ApplySamples(b)
			if r.IntN(3) > 0 {
				continue
			}
			if diff := cmp.Diff(told.EndStep(), looks.EndStep()); diff != "" {
				t.Fatalf("seed %d, record %d: (-told +looks):\n%s", seed, k, diff)
			}
		}
		if diff := cmp.Diff(snapshot(t, told), snapshot(t, looks)); diff != "" {
			t.Errorf("seed %d: state (-told +looks):\n%s", seed, diff)
		}
	}
}
