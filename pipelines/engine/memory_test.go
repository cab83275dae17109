package engine_test

import (
	"fmt"
	"testing"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// day is a node of two accelerators over a simulated day; each of its parts
// adds to the events of a minute.
type day struct {
	e      *engine.Engine
	minute int64
}

func (d *day) at(offset int64) int64 { return scriptStart + d.minute*60*second + offset }

func (d *day) readings() []telemetry.Reading {
	var out []telemetry.Reading
	for _, device := range []string{"", "a", "b"} {
		for k := range int64(2) {
			t := d.at(k * 30 * second)
			out = append(out, telemetry.Reading{Device: device, Metric: telemetry.PowerWatts, Time: t, Value: 300_000_000 + t%7_000_000},
				telemetry.Reading{Device: device, Metric: telemetry.EnergyJoules, Time: t, Value: (t - scriptStart) / 1000 * 300})
			if device != "" {
				out = append(out, telemetry.Reading{Device: device, Metric: telemetry.SMActive, Time: t, Value: t % 1_000_000})
			}
		}
	}
	return out
}

// comings are placements that come and go, every ten minutes a new one, that
// runs for half an hour; its end becomes known when it ends.
func (d *day) comings() {
	if d.minute%10 != 0 {
		return
	}
	id := func(k int64) string { return fmt.Sprintf("job-%06d", k) }
	p := telemetry.Placement{ID: id(d.minute), Node: "n", Revision: 1, Mode: telemetry.ModeWhole, Devices: []string{"a"}, Start: d.at(0), End: telemetry.MaxTime}
	d.e.ApplyPlacement(&p)
	if d.minute >= 30 {
		p.ID, p.Revision, p.Start, p.End = id(d.minute-30), 2, d.at(-30*60*second), d.at(0)
		d.e.ApplyPlacement(&p)
	}
	// One that nothing fits, with an end, and one that can never hold.
	p.ID, p.Devices = "x"+p.ID, []string{"nowhere"}
	d.e.ApplyPlacement(&p)
	p.ID, p.Devices, p.Share, p.End = "y"+p.ID, nil, "7", telemetry.MaxTime
	d.e.ApplyPlacement(&p)
}

// TestStateStaysFlat runs a day: what the state takes in its last quarter is
// what it took in its second.
func TestStateStaysFlat(t *testing.T) {
	for name, extra := range map[string]func(*day) []telemetry.Reading{
		"readings":   func(*day) []telemetry.Reading { return nil },
		"placements": func(d *day) []telemetry.Reading { d.comings(); return nil },
		"activities": func(d *day) []telemetry.Reading {
			var out []telemetry.Reading
			for k := range int64(2) {
				device := fmt.Sprintf("b/job-%06d", d.minute/10*10)
				out = append(out, telemetry.Reading{Device: device, Metric: telemetry.SMActive, Time: d.at(k * 30 * second), Value: d.minute})
			}
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			sizes := runDay(t, extra)
			second, last := largest(sizes[6:12]), largest(sizes[18:24])
			t.Logf("bytes at each hour's end: %v", sizes)
			if last > second+second/20 {
				t.Errorf("the state grew from %d to %d bytes", second, last)
			}
		})
	}
}

// TestRatesAreKept: rates are kept whatever their age, since a node may come
// with older readings; what one takes is bounded.
func TestRatesAreKept(t *testing.T) {
	without := runDay(t, func(*day) []telemetry.Reading { return nil })
	with := runDay(t, func(d *day) []telemetry.Reading {
		if d.minute%60 == 0 {
			d.e.ApplyRate(&telemetry.Rate{
				Kind: telemetry.RateGridLocation, Key: "region-1", Value: 400_000_000 + d.minute, From: d.at(0), To: d.at(3600 * second), Source: "forecast",
			})
		}
		return nil
	})
	const rates, most = 24, 64
	if got := with[23] - without[23]; got <= 0 || got > rates*most {
		t.Errorf("%d rates take %d bytes, want at most %d each", rates, got, most)
	}
}

// runDay returns the snapshot's size at each hour's end. The state of a node
// of two accelerators, a wall and eight series.
func runDay(t *testing.T, extra func(*day) []telemetry.Reading) (sizes []int) {
	d := day{e: engine.New(engine.DefaultConfig())}
	for _, device := range []telemetry.Device{
		{Node: "n", Kind: telemetry.KindWall, Region: "region-1"}, {Node: "n", ID: "a", Kind: telemetry.KindGPU}, {Node: "n", ID: "b", Kind: telemetry.KindGPU},
	} {
		d.e.ApplyDevice(&device)
	}
	for ; d.minute < 24*60; d.minute++ {
		readings := append(extra(&d), d.readings()...)
		d.e.ApplySamples(batchOf("n", telemetry.MaxTime, readings))
		r := d.e.EndStep()
		if r.ResidualEnergy != 0 || r.ResidualTime != 0 || r.Counts[telemetry.BeyondHorizon] != 0 {
			t.Fatalf("minute %d: residuals %d, %d, %d too old", d.minute, r.ResidualEnergy, r.ResidualTime, r.Counts[telemetry.BeyondHorizon])
		}
		if d.minute%60 == 59 {
			size := 0
			for _, chunk := range snapshot(t, d.e) {
				size += len(chunk)
			}
			sizes = append(sizes, size)
		}
	}
	return sizes
}

func largest(sizes []int) int {
	n := 0
	for _, s := range sizes {
		n = max(n, s)
	}
	return n
}
