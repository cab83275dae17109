package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// fleet makes the records of nodes of eight accelerators, read every two
// seconds and packed by ten, five metrics a device, and a wall meter.
type fleet struct {
	nodes   int
	records [][]byte // one round of ten seconds, all nodes
}

var benchMetrics = []telemetry.Metric{
	telemetry.PowerWatts, telemetry.EnergyJoules, telemetry.SMActive, telemetry.GPUUtil, telemetry.MemoryUsed,
}

func (f *fleet) round(at int64) {
	f.records = f.records[:0]
	for n := range f.nodes {
		b := record.SampleBatch{Node: fmt.Sprintf("node-%05d", n), TakenIn: at + int64(time.Hour), Axes: [][]int64{nil}}
		for i := range int64(5) {
			b.Axes[0] = append(b.Axes[0], at+i*2_000_000_000)
		}
		for d := range 8 {
			for _, m := range benchMetrics {
				c := record.SeriesColumn{Device: fmt.Sprintf("gpu%d", d), Metric: m}
				var values []int64
				for i, t := range b.Axes[0] {
					values = append(values, benchValue(m, t, int64(n*8+d), int64(i)))
				}
				c.Values = record.ColumnOf(values...)
				b.Series = append(b.Series, c)
			}
		}
		f.records = append(f.records, b.Append(nil))
	}
}

func benchValue(m telemetry.Metric, t, device, i int64) int64 {
	switch m {
	case telemetry.EnergyJoules:
		return t/1000*400 + device*1_000_000
	case telemetry.PowerWatts:
		return 400_000_000 + (device*7919+i*104729)%50_000_000
	case telemetry.MemoryUsed:
		return 60 << 30
	}
	return 700_000 + (device*31+i*17)%200_000
}

// BenchmarkCatchUp measures a task that has fallen behind: steps of ten minutes
// of 16 nodes, read once a second with noise like that of DCGM. ns per reading,
// decoding and closing included.
func BenchmarkCatchUp(b *testing.B) {
	const nodes, rounds = 16, 60
	e := engine.New(engine.DefaultConfig())
	furnish(e, nodes)
	var d record.SamplesDecoder
	rng := rand.New(rand.NewPCG(1, 2))
	state := make([][2]int64, nodes*8)
	readings, at := 0, int64(1_700_000_040_000_000_000)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		var records [][]byte
		for range rounds {
			for n := range nodes {
				records = append(records, wander(rng, state[n*8:][:8], n, at).Append(nil))
			}
			at += 10_000_000_000
		}
		b.StartTimer()
		for _, r := range records {
			batch, err := d.Decode(r)
			if err != nil {
				b.Fatal(err)
			}
			readings += batch.Readings()
			e.ApplySamples(batch)
		}
		if r := e.EndStep(); r.ResidualEnergy != 0 {
			b.Fatal("residual")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(readings), "ns/reading")
}

// wander packs ten seconds of a node; state is activity and counter of each device.
func wander(rng *rand.Rand, state [][2]int64, n int, at int64) *record.SampleBatch {
	b := &record.SampleBatch{Node: fmt.Sprintf("node-%05d", n), TakenIn: at + int64(time.Hour), Axes: [][]int64{nil}}
	for i := range int64(10) {
		b.Axes[0] = append(b.Axes[0], at+i*second)
	}
	for d := range state {
		columns := make([][]int64, len(benchMetrics))
		active, energy := &state[d][0], &state[d][1]
		for range b.Axes[0] {
			*active = min(990_000, max(10_000, *active+rng.Int64N(401)*100-20_000))
			power := 70_000_000 + *active/100*59_000 + rng.Int64N(801)*1000
			*energy += power
			for k, v := range []int64{power, *energy, *active, *active / 10_000 * 10_000, (61_000 + *active/1000*12) << 20} {
				columns[k] = append(columns[k], v)
			}
		}
		for k, m := range benchMetrics {
			b.Series = append(b.Series, record.SeriesColumn{Device: fmt.Sprintf("gpu%d", d), Metric: m, Values: record.ColumnOf(columns[k]...)})
		}
	}
	return b
}

// furnish gives an engine nodes of eight accelerators, all held by one placement.
func furnish(e *engine.Engine, nodes int) {
	for n := range nodes {
		id := fmt.Sprintf("node-%05d", n)
		e.ApplyDevice(&telemetry.Device{Node: id, Kind: telemetry.KindWall, Cluster: "c", Region: "r"})
		for d := range 8 {
			e.ApplyDevice(&telemetry.Device{Node: id, ID: fmt.Sprintf("gpu%d", d), Kind: telemetry.KindGPU, Model: "H100"})
		}
		e.ApplyPlacement(&telemetry.Placement{ID: "p", Node: id, Manager: telemetry.ManagerSlurm, Workload: "train", Devices: []string{"*"}, Mode: telemetry.ModeWhole, End: telemetry.MaxTime, Start: 1_700_000_000_000_000_000})
	}
}

// BenchmarkStep measures decoding and processing of packed records, window
// closing included: ns per reading.
func BenchmarkStep(b *testing.B) {
	const nodes = 64
	e := engine.New(engine.DefaultConfig())
	furnish(e, nodes)
	var d record.SamplesDecoder
	f := fleet{nodes: nodes}
	readings, at := 0, int64(1_700_000_040_000_000_000)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		f.round(at)
		at += 10_000_000_000
		b.StartTimer()
		for _, r := range f.records {
			batch, err := d.Decode(r)
			if err != nil {
				b.Fatal(err)
			}
			readings += batch.Readings()
			e.ApplySamples(batch)
		}
		if r := e.EndStep(); r.ResidualEnergy != 0 {
			b.Fatal("residual")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(readings), "ns/reading")
}
