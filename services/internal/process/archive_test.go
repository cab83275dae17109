package process

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

// TestRecallAtTheEnd does not wait for what is to come.
func TestRecallAtTheEnd(t *testing.T) {
	p := newPast(t, kafkatest.InProcess(t))
	p.produce(record.History, "", record.TypeHistory, []byte("one"))
	a := &archive{ctx: t.Context(), cfg: p.cfg.Kafka, logger: kafkatest.Logger(t), metrics: newMetrics()}
	defer a.close()
	if _, err := a.Recall(engine.Place{Offset: 1, Size: 3}); !errors.Is(err, errHistoryGone) {
		t.Errorf("got %v, want %v", err, errHistoryGone)
	}
	if got, err := a.Recall(engine.Place{At: 1, Size: 2}); err != nil || string(got) != "ne" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := a.Recall(engine.Place{At: 2, Size: 2}); !errors.Is(err, errHistoryGone) {
		t.Errorf("beyond the record: got %v, want %v", err, errHistoryGone)
	}
}

// TestRecallKeepsLittle recalls at random and looks at what is kept.
func TestRecallKeepsLittle(t *testing.T) {
	p := newPast(t, kafkatest.InProcess(t))
	const records = 100
	client := p.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range records {
		value := bytes.Repeat(fmt.Appendf(nil, "%08d", i), 64<<10)
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: record.History, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	a := &archive{ctx: t.Context(), cfg: p.cfg.Kafka, logger: kafkatest.Logger(t), metrics: newMetrics()}
	defer a.close()
	for range 200 {
		i := p.random.IntN(records)
		got, err := a.Recall(engine.Place{Offset: int64(i), At: 8, Size: 8})
		if err != nil || string(got) != fmt.Sprintf("%08d", i) {
			t.Fatalf("record %d: %q, %v", i, got, err)
		}
		sum := 0
		for _, v := range a.values {
			sum += len(v)
		}
		if sum != a.bytes || len(a.order) != len(a.values) || sum > cachedHistory+512<<10 {
			t.Fatalf("%d bytes in %d values are kept, %d and %d say the books", sum, len(a.values), a.bytes, len(a.order))
		}
	}
}

// recalls is what the metric says.
func recalls(t testing.TB, env *environment) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(env.metrics.recalls)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

// BenchmarkRecall publishes a rate of long ago, which reaches into all of the
// history of a task: 15 windows of 2,000 nodes.
func BenchmarkRecall(b *testing.B) {
	const nodes, windows = 2000, 20
	r := newRig(b, kafkatest.InProcess(b), 1)
	env := r.environment(r.cfg)
	env.cores = engineFactory{r.cfg.Config}
	start := time.Date(2026, 3, 1, 23, 40, 0, 0, time.UTC).UnixNano()
	recalled, touched := 0.0, time.Duration(0)
	for b.Loop() {
		s := openWith(b, env)
		for n := range nodes {
			for _, d := range []telemetry.Device{{Kind: telemetry.KindWall}, {ID: "gpu0", Kind: telemetry.KindGPU, Model: "H100"}, {ID: "gpu1", Kind: telemetry.KindGPU, Model: "H100"}} {
				d.Node = fmt.Sprintf("node-%05d", n)
				s.core.ApplyDevice(&d)
			}
		}
		for m := range windows {
			for n := range nodes {
				s.core.ApplySamples(measured(fmt.Sprintf("node-%05d", n), start+int64(m)*60e9, r))
			}
			s.core.EndStep()
			if err := s.evict(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		began, before := time.Now(), recalls(b, env)
		s.core.ApplyRate(&telemetry.Rate{Kind: telemetry.RatePUE, Value: 1_200_000, From: telemetry.MinTime, To: telemetry.MaxTime})
		touched += time.Since(began)
		recalled += recalls(b, env) - before
		if err := s.core.Err(); err != nil {
			b.Fatal(err)
		}
		s.close()
	}
	b.ReportMetric(float64(touched.Microseconds())/recalled, "µs/block")
	b.ReportMetric(recalled/float64(b.N), "blocks/op")
}
