package process

import (
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

// TestEngine drives the real engine through abandoned epochs and compares what
// counts, key by key, with what an engine says that gets everything in one step.
func TestEngine(t *testing.T) {
	b := kafkatest.InProcess(t)
	r := newRig(t, b, 1)
	whole := engine.New(r.cfg.Config)
	publishEstate(r, whole)
	start := time.Date(2026, 3, 1, 23, 40, 0, 0, time.UTC).UnixNano()
	for minute := range 40 {
		for node := range 6 {
			batch := measured(fmt.Sprintf("node-%d", node), start+int64(minute)*60e9, r)
			r.produce(record.Samples, batch.Node, record.TypeSamples, batch.Append(nil))
			whole.ApplySamples(batch)
		}
	}
	for node := range 6 {
		seal := record.Seal{Node: fmt.Sprintf("node-%d", node), TakenIn: start + 3600e9}
		r.produce(record.Samples, seal.Node, record.TypeSeal, seal.Append(nil))
		whole.ApplySeal(seal)
	}
	want := map[fact.Key]fact.Sums{}
	for _, row := range whole.EndStep().Rows {
		addRow(want, &row)
	}
	if len(want) == 0 {
		t.Fatal("the engine says nothing")
	}

	env := r.environment(r.cfg)
	env.cores = engineFactory{r.cfg.Config}
	for range 6 { // each does a few steps and is gone
		s := openWith(t, env)
		for range 1 + r.random.IntN(4) {
			records, err := s.inputs.samples.Poll(t.Context(), 1+r.random.IntN(2000))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.step(t.Context(), batch{records: records}); err != nil {
				t.Fatal(err)
			}
		}
		if r.random.IntN(2) == 0 {
			if err := s.checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.close()
	}
	last := startTask(env, 0)
	got := map[fact.Key]fact.Sums{}
	for _, step := range r.follow(0) {
		for _, part := range step.Parts {
			rows, err := fact.Decode(part, memory.DefaultAllocator)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				addRow(got, &rows[i])
			}
		}
		if c := step.Commit; c.ResidualEnergy != 0 || c.ResidualMoney != 0 || c.ResidualTime != 0 {
			t.Errorf("step %d has residuals %d %d %d", c.Step, c.ResidualEnergy, c.ResidualMoney, c.ResidualTime)
		}
	}
	last.end(false)
	<-last.done
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("sums by key (-got +want):\n%s", diff)
	}
}

func addRow(to map[fact.Key]fact.Sums, row *fact.Row) {
	sums := to[row.Key]
	sums.Add(&row.Sums)
	to[row.Key] = sums
}

func openWith(t testing.TB, env *environment) *session {
	t.Helper()
	task := &task{env: env, logger: kafkatest.Logger(t)}
	task.status.Store(&TaskStatus{})
	s, err := task.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publishEstate(r *rig, whole *engine.Engine) {
	r.t.Helper()
	for node := range 6 {
		name := fmt.Sprintf("node-%d", node)
		for _, d := range []telemetry.Device{
			{Node: name, Kind: telemetry.KindWall, Region: "eu"},
			{Node: name, ID: "gpu0", Kind: telemetry.KindGPU, Model: "H100"},
			{Node: name, ID: "gpu1", Kind: telemetry.KindGPU, Model: "H100"},
		} {
			r.produce(record.Inventory, name, record.TypeDevice, record.AppendDevice(nil, &d))
			whole.ApplyDevice(&d)
		}
		p := telemetry.Placement{
			ID: "job", Node: name, Revision: 1, Manager: telemetry.ManagerSlurm, Workload: "train",
			Devices: []string{"gpu0"}, Mode: telemetry.ModeWhole, Start: time.Date(2026, 3, 1, 23, 50, 0, 0, time.UTC).UnixNano(), End: telemetry.MaxTime,
		}
		r.produce(record.Placements, name, record.TypePlacement, record.AppendPlacement(nil, &p))
		whole.ApplyPlacement(&p)
	}
	for _, rate := range []telemetry.Rate{
		{Kind: telemetry.RatePUE, Value: 1_200_000, From: telemetry.MinTime, To: telemetry.MaxTime},
		{Kind: telemetry.RateDevicePrice, Key: "H100", Value: 2_950_000_000, Currency: "USD", From: telemetry.MinTime, To: telemetry.MaxTime},
		{Kind: telemetry.RateGridLocation, Value: 300_000_000, From: telemetry.MinTime, To: telemetry.MaxTime},
	} {
		r.produce(record.Rates, "", record.TypeRate, record.AppendRate(nil, &rate))
		whole.ApplyRate(&rate)
	}
}

// measured is a minute of a node's power and use, every ten seconds.
func measured(node string, from int64, r *rig) *record.SampleBatch {
	b := &record.SampleBatch{Node: node, TakenIn: from + 60e9, Axes: [][]int64{nil}}
	for i := range int64(6) {
		b.Axes[0] = append(b.Axes[0], from+i*10e9)
	}
	for _, device := range []string{"", "gpu0", "gpu1"} {
		power := record.SeriesColumn{Device: device, Metric: telemetry.ParseMetric("power_watts")}
		var watts []int64
		for range 6 {
			watts = append(watts, int64(100+r.random.IntN(600))*1e6)
		}
		power.Values = record.ColumnOf(watts...)
		b.Series = append(b.Series, power)
		if device == "" {
			continue
		}
		busy := record.SeriesColumn{Device: device, Metric: telemetry.ParseMetric("sm_active_ratio")}
		var ratios []int64
		for range 6 {
			ratios = append(ratios, int64(r.random.IntN(1_000_000)))
		}
		busy.Values = record.ColumnOf(ratios...)
		b.Series = append(b.Series, busy)
	}
	return b
}
