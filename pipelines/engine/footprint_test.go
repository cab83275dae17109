package engine_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// BenchmarkFootprint says what an accelerator takes in memory and in a
// checkpoint once history is full: 64 nodes of eight accelerators, five metrics
// each, with the noise and the resolution of DCGM (milliwatts, millijoules).
func BenchmarkFootprint(b *testing.B) {
	for _, every := range []time.Duration{time.Second, 2 * time.Second, 10 * time.Second, 30 * time.Second} {
		b.Run("every="+every.String(), func(b *testing.B) {
			for b.Loop() {
				footprint(b, every)
			}
		})
	}
}

func footprint(b *testing.B, every time.Duration) {
	const nodes, accelerators, minutesOfHistory = 64, 8, 15
	before := heap()
	e := engine.New(engine.DefaultConfig())
	for n := range nodes {
		id := fmt.Sprintf("node-%05d", n)
		e.ApplyDevice(&telemetry.Device{Node: id, Kind: telemetry.KindWall, Cluster: "c", Region: "r"})
		for d := range accelerators {
			e.ApplyDevice(&telemetry.Device{Node: id, ID: fmt.Sprintf("GPU-%08x-%04d-%04d", n*8+d, n, d), Kind: telemetry.KindGPU, Model: "H100"})
		}
	}
	pack := max(10*time.Second, every)
	start := int64(1_700_000_040_000_000_000)
	for at := start; at < start+40*60*second; at += int64(pack) {
		for n := range nodes {
			batch := record.SampleBatch{Node: fmt.Sprintf("node-%05d", n), TakenIn: at + int64(time.Hour), Axes: [][]int64{nil}}
			for t := at; t < at+int64(pack); t += int64(every) {
				batch.Axes[0] = append(batch.Axes[0], t)
			}
			for d := range accelerators {
				for _, m := range benchMetrics {
					c := record.SeriesColumn{Device: fmt.Sprintf("GPU-%08x-%04d-%04d", n*8+d, n, d), Metric: m}
					var values []int64
					for _, t := range batch.Axes[0] {
						values = append(values, sensor(m, t, int64(n*8+d)))
					}
					c.Values = record.ColumnOf(values...)
					batch.Series = append(batch.Series, c)
				}
			}
			e.ApplySamples(&batch)
		}
		e.EndStep()
	}
	// As a task has it: history lies elsewhere but for what a node needs first.
	history := 0
	moved, err := e.Evict(128<<10, 0, func(record []byte) error { history += len(record); return nil })
	if err != nil {
		b.Fatal(err)
	}
	moved.Placed(make([]int64, history/(64<<10)+1), 32<<20)
	size := 0
	if err := e.Snapshot(1<<20, func(chunk []byte) error { size += len(chunk); return nil }); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(heap()-before)/(nodes*accelerators), "heap-B/accelerator")
	b.ReportMetric(float64(size)/(nodes*accelerators), "checkpoint-B/accelerator")
	b.ReportMetric(float64(history)/(nodes*accelerators)/minutesOfHistory, "history-B/accelerator-minute")
	runtime.KeepAlive(e)
}

// sensor is benchValue with the resolution of real sensors.
func sensor(m telemetry.Metric, t, device int64) int64 {
	i := t / second
	switch m {
	case telemetry.EnergyJoules:
		return (t/1000*400 + device*1_000_000 + (i*7919+device*31)%3_000_000) / 1000 * 1000
	case telemetry.PowerWatts:
		return (400_000_000 + (device*7919+i*104_729)%50_000_000) / 1000 * 1000
	case telemetry.GPUUtil:
		return 900_000 + (device+i)%11*10_000
	case telemetry.SMActive:
		return 700_000 + (device*31+i*1777)%200_000
	}
	return 60 << 30
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
