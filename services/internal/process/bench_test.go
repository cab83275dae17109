package process

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

// BenchmarkCheckpoint writes checkpoints of a given size to the embedded
// broker, which runs in the same process. On 2 cores:
//
//	size=1MB-2   4.43ms/op   237MB/s
//	size=16MB-2  16.6ms/op  1013MB/s
func BenchmarkCheckpoint(b *testing.B) {
	for _, megabytes := range []int{1, 16} {
		b.Run(fmt.Sprintf("size=%dMB", megabytes), func(b *testing.B) {
			s := benchSession(b, blockFactory{megabytes << 20})
			b.SetBytes(int64(megabytes) << 20)
			for b.Loop() {
				if err := s.checkpoint(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// blockFactory makes tallies whose snapshots are blocks of zeros.
type blockFactory struct{ size int }

func (blockFactory) CloseAfter() int { return 1 << 30 }

func (f blockFactory) New() core { return &block{tally{}, f.size} }

func (f blockFactory) Restore(func() ([]byte, error)) (core, error) { return f.New(), nil }

type block struct {
	tally
	size int
}

func (c *block) Snapshot(chunkBytes int, emit func([]byte) error) error {
	for left := c.size; left > 0; left -= chunkBytes {
		if err := emit(make([]byte, min(left, chunkBytes))); err != nil {
			return err
		}
	}
	return nil
}

func benchSession(b *testing.B, cores coreFactory) *session {
	b.Helper()
	r := newRig(b, kafkatest.InProcess(b), 1)
	env := r.environment(r.cfg)
	env.cores = cores
	s := openWith(b, env)
	b.Cleanup(s.close)
	return s
}

// BenchmarkSteps processes records of ten seconds of a node with eight
// accelerators, five metrics each, read every second: 400 readings a record.
// From fetch to acknowledged commit, on 2 cores with the broker in the process:
//
//	BenchmarkSteps-2  282ms/op  2.73M readings/s
func BenchmarkSteps(b *testing.B) {
	r := newRig(b, kafkatest.InProcess(b), 1)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	const nodes, batches = 32, 60
	for node := range nodes {
		name := fmt.Sprintf("node-%d", node)
		d := telemetry.Device{Node: name, Kind: telemetry.KindWall}
		r.produce(record.Inventory, name, record.TypeDevice, record.AppendDevice(nil, &d))
		for gpu := range 8 {
			d = telemetry.Device{Node: name, ID: fmt.Sprintf("gpu%d", gpu), Kind: telemetry.KindGPU, Model: "H100"}
			r.produce(record.Inventory, name, record.TypeDevice, record.AppendDevice(nil, &d))
		}
	}
	for i := range int64(batches) {
		for node := range nodes {
			batch := packed(fmt.Sprintf("node-%d", node), start+i*10e9, r)
			r.produce(record.Samples, batch.Node, record.TypeSamples, batch.Append(nil))
		}
	}
	for b.Loop() {
		env := r.environment(r.cfg)
		env.cores = engineFactory{engine.DefaultConfig()}
		s := openWith(b, env)
		s.inputs.close()
		var err error
		if s.inputs, err = openInputs(env, nil, 0, record.Offsets{}); err != nil {
			b.Fatal(err)
		}
		s.core = env.cores.New()
		for s.inputs.at.Samples < nodes*batches {
			records, err := s.inputs.samples.Poll(context.Background(), DefaultConfig().StepBytes)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.step(context.Background(), batch{records: records}); err != nil {
				b.Fatal(err)
			}
		}
		s.close()
	}
	b.ReportMetric(float64(nodes*batches*400*b.N)/b.Elapsed().Seconds(), "readings/s")
}

func packed(node string, from int64, r *rig) *record.SampleBatch {
	b := &record.SampleBatch{Node: node, TakenIn: from + 10e9, Axes: [][]int64{nil}}
	for i := range int64(10) {
		b.Axes[0] = append(b.Axes[0], from+i*1e9)
	}
	for gpu := range 8 {
		for _, name := range []string{"power_watts", "energy_joules_total", "sm_active_ratio", "gpu_util_ratio", "memory_used_bytes"} {
			c := record.SeriesColumn{Device: fmt.Sprintf("gpu%d", gpu), Metric: telemetry.ParseMetric(name)}
			var values []int64
			for i := range 10 {
				v := int64(r.random.IntN(1_000_000))
				if name == "energy_joules_total" {
					v = (from/1e9 + int64(i)) % 1e6 * 400e6
				}
				values = append(values, v)
			}
			c.Values = record.ColumnOf(values...)
			b.Series = append(b.Series, c)
		}
	}
	return b
}
