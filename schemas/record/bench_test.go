package record_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// tenSeconds are records of ten seconds of a node of eight devices, five metrics
// a device every second, which wander as those of DCGM do. There are enough of
// them that a processor cannot learn their lengths by heart.
func tenSeconds() []*record.SampleBatch {
	const records, readings = 64, 10
	rng := rand.New(rand.NewPCG(1, 2))
	metrics := []telemetry.Metric{telemetry.PowerWatts, telemetry.EnergyJoules, telemetry.SMActive, telemetry.GPUUtil, telemetry.MemoryUsed}
	active, energy := int64(500_000), int64(123_456_789_000_000)
	var all []*record.SampleBatch
	for range records {
		s := &record.SampleBatch{Node: "node-0017", Axes: [][]int64{nil}}
		for i := range int64(readings) {
			s.Axes[0] = append(s.Axes[0], 1_757_941_200_000_000_000+i*1_000_000_000)
		}
		for _, device := range []string{"gpu-0", "gpu-1", "gpu-2", "gpu-3", "gpu-4", "gpu-5", "gpu-6", "gpu-7"} {
			columns := make([][]int64, len(metrics))
			for range readings {
				active = min(990_000, max(10_000, active+rng.Int64N(401)*100-20_000))
				power := 70_000_000 + active/100*59_000 + rng.Int64N(801)*1000
				energy += power / 1000 * 1000
				for k, v := range []int64{power, energy, active, active / 10_000 * 10_000, (61_000 + active/1000*12) << 20} {
					columns[k] = append(columns[k], v)
				}
			}
			for k, m := range metrics {
				s.Series = append(s.Series, record.SeriesColumn{Device: device, Metric: m, Values: record.ColumnOf(columns[k]...)})
			}
		}
		all = append(all, s)
	}
	return all
}

// On one core of a Xeon, no allocation in decode: see docs/performance.md.
func BenchmarkSamples(b *testing.B) {
	batches := tenSeconds()
	encoded := make([][]byte, len(batches))
	for i, s := range batches {
		encoded[i] = s.Append(nil)
	}
	readings := batches[0].Readings()
	b.Run("append", func(b *testing.B) {
		buf := make([]byte, 0, 2*len(encoded[0]))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			buf = batches[i%len(batches)].Append(buf[:0])
		}
		report(b, readings)
	})
	b.Run("decode", func(b *testing.B) {
		var d record.SamplesDecoder
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := d.Decode(encoded[i%len(encoded)]); err != nil {
				b.Fatal(err)
			}
		}
		report(b, readings)
	})
}

func report(b *testing.B, readings int) {
	b.ReportMetric(float64(readings)*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
}
