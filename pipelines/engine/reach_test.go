package engine_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// TestReach: under a short horizon, whatever a late reading changes is still
// there: sparse series, bridges, resets, hung counters and silences of many
// lengths, each reading as late as it may be.
func TestReach(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 60
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 43))
		cfg := engine.DefaultConfig()
		cfg.Window, cfg.MaxGap, cfg.MaxSilence, cfg.Hold = 10*time.Second, 35*time.Second, 150*time.Second, 4*time.Second
		cfg.Horizon, cfg.MaxDelay, cfg.IdleAfter = time.Duration(5+r.IntN(60))*time.Second, time.Duration(1+r.IntN(5))*time.Second, time.Duration(10+r.IntN(100))*time.Second
		sorted := sparse(r)
		late := slices.Clone(sorted)
		lag := (cfg.Horizon + cfg.MaxDelay).Nanoseconds()
		for i := range late {
			if late[i].dim == nil {
				late[i].at += r.Int64N(lag + 1)
			}
		}
		slices.SortStableFunc(late, func(a, b event) int { return cmp.Compare(a.at, b.at) })
		seals := []event{{dim: record.Seal{Node: "n"}}, {dim: record.Seal{Node: "m"}}}
		want := deliver(t, cfg, append(sorted, seals...), seed, 0, 0)
		got := deliver(t, cfg, append(late, seals...), seed, 1+r.IntN(5), 20)
		if diff := gocmp.Diff(named(got), named(want)); diff != "" || got.Late != 0 || want.Late != 0 || got.TooOld != 0 {
			t.Fatalf("seed %d: %d and %d late, %d too old; got before want (-got +want):\n%s", seed, got.Late, want.Late, got.TooOld, diff)
		}
	}
}

// sparse returns the rows of two nodes and readings of theirs, one an event.
func sparse(r *rand.Rand) []event {
	var events []event
	for _, node := range []string{"n", "m"} {
		events = append(events, event{dim: telemetry.Device{Node: node, Kind: telemetry.KindWall}})
		for _, d := range []string{"g", "h"} {
			events = append(events, event{dim: telemetry.Device{Node: node, ID: d, Kind: telemetry.KindGPU}})
		}
		for _, d := range []string{"", "g", "h", "g/p"} {
			for _, m := range []telemetry.Metric{telemetry.EnergyJoules, telemetry.PowerWatts, telemetry.SMActive, telemetry.GPUUtil, telemetry.PowerLimit, telemetry.Temperature} {
				if r.IntN(3) == 0 {
					continue
				}
				value, steps := int64(0), []int64{1, 5, 12, 30, 34, 40, 90, 140}
				step := steps[r.IntN(len(steps))]
				for at := r.Int64N(100); at < 900; at += 1 + r.Int64N(2*step) {
					if r.IntN(15) == 0 {
						step = steps[r.IntN(len(steps))]
					}
					switch {
					case m == telemetry.EnergyJoules && r.IntN(12) == 0:
						value = r.Int64N(1000) * 1000
					case m == telemetry.EnergyJoules && r.IntN(4) != 0:
						value += step * r.Int64N(300_000_000)
					case m == telemetry.PowerWatts, m == telemetry.PowerLimit:
						value = r.Int64N(400_000_000)
					case m == telemetry.SMActive, m == telemetry.GPUUtil:
						value = r.Int64N(1_000_001)
					}
					when := scriptStart + at*second + r.Int64N(3)*second/2
					events = append(events, event{at: when, node: node, batch: []telemetry.Reading{{Device: d, Metric: m, Time: when, Value: value}}})
				}
			}
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return events
}

// TestLateReadingThatRepeatsTheNextOne: the one behind it counts no longer then, so that
// the segment to the reading after that begins in a window that is out. What was found
// harmless before the late reading came is so no more.
func TestLateReadingThatRepeatsTheNextOne(t *testing.T) {
	const joule, edge = 1_000_000, 600
	cfg := engine.DefaultConfig()
	delay := int64(cfg.MaxDelay / time.Second)
	run := func(late bool) outcome {
		e, o := engine.New(cfg), outcome{Rows: map[identity]fact.Sums{}}
		e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
		e.ApplyDevice(&telemetry.Device{Node: "n", ID: "g", Kind: telemetry.KindGPU, Model: "H100"})
		b := record.SampleBatch{Node: "n", TakenIn: telemetry.MaxTime}
		add := func(device string, m telemetry.Metric, at, value int64) {
			b.Series = append(b.Series, record.SeriesColumn{Device: device, Metric: m, Axis: len(b.Axes), Values: record.ColumnOf(value)})
			b.Axes = append(b.Axes, []int64{scriptStart + at*second})
		}
		send := func() {
			e.ApplySamples(&b)
			b.Axes, b.Series = nil, nil
			o.add(t, e.EndStep())
		}
		for at := int64(edge - 120); at < edge; at += 10 {
			add("g", telemetry.EnergyJoules, at, at*100*joule)
			send()
		}
		hangs := int64(edge+5) * 100 * joule
		early := func(now bool) {
			if now {
				add("g", telemetry.EnergyJoules, edge-3, hangs)
				send()
			}
		}
		early(!late)
		add("g", telemetry.EnergyJoules, edge+5, hangs)
		add("", telemetry.Temperature, edge+delay+1, 1) // closes windows up to the edge
		send()
		add("g", telemetry.EnergyJoules, edge+10, hangs)
		send()
		early(late)
		for _, at := range []int64{20, 30} {
			add("g", telemetry.EnergyJoules, edge+at, hangs+(at-10)*300*joule)
			send()
		}
		e.ApplySeal(record.Seal{Node: "n"})
		o.add(t, e.EndStep())
		return o
	}
	if diff := gocmp.Diff(named(run(true)), named(run(false))); diff != "" {
		t.Errorf("late before in time (-late +in time):\n%s", diff)
	}
}
