package process

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// past is a system whose task has put history away, and an engine that was told
// the same and keeps everything in memory.
type past struct {
	*rig
	env   *environment
	whole *engine.Engine
	want  map[fact.Key]fact.Sums
	start int64
	held  map[int]*record.SampleBatch // of node-1, by minute: still to come
}

func newPast(t *testing.T, b *kafkatest.Broker) *past {
	p := &past{
		rig: newRig(t, b, 1), want: map[fact.Key]fact.Sums{}, held: map[int]*record.SampleBatch{},
		start: time.Date(2026, 3, 1, 23, 40, 0, 0, time.UTC).UnixNano(),
	}
	p.whole = engine.New(p.cfg.Config)
	publishEstate(p.rig, p.whole)
	p.env = p.environment(p.cfg)
	p.env.cores = engineFactory{p.cfg.Config}
	return p
}

// minutes publishes minutes of all nodes, and holds a few of node-1's back.
func (p *past) minutes(from, to int) {
	for minute := from; minute < to; minute++ {
		for node := range 6 {
			batch := measured(fmt.Sprintf("node-%d", node), p.start+int64(minute)*60e9, p.rig)
			if node == 1 && minute > 2 && minute%3 == 0 {
				p.held[minute] = batch
				continue
			}
			p.publish(batch)
		}
	}
}

func (p *past) publish(batch *record.SampleBatch) {
	p.produce(record.Samples, batch.Node, record.TypeSamples, batch.Append(nil))
	p.whole.ApplySamples(batch)
}

// late publishes what was held back of minutes.
func (p *past) late(from, to int) {
	for minute := from; minute < to; minute++ {
		if batch := p.held[minute]; batch != nil {
			p.publish(batch)
		}
	}
}

// step makes a session read what there is.
func (p *past) step(s *session) error {
	p.t.Helper()
	rows := p.whole.EndStep().Rows
	for i := range rows {
		addRow(p.want, &rows[i])
	}
	ends, err := kafka.EndOffsets(p.t.Context(), p.client, record.Samples)
	if err != nil {
		p.t.Fatal(err)
	}
	for first := true; first || s.inputs.at.Samples < ends[record.Samples][0]; first = false {
		records, err := s.inputs.samples.Poll(p.t.Context(), 0)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := s.step(p.t.Context(), records); err != nil {
			return err
		}
	}
	return nil
}

// equal compares what counts in the log with what the engine in memory says.
func (p *past) equal() {
	p.t.Helper()
	got := map[fact.Key]fact.Sums{}
	for _, step := range p.follow(0) {
		for _, part := range step.Parts {
			rows, err := fact.Decode(part, memory.DefaultAllocator)
			if err != nil {
				p.t.Fatal(err)
			}
			for i := range rows {
				addRow(got, &rows[i])
			}
		}
	}
	if diff := cmp.Diff(got, p.want); diff != "" || len(got) == 0 {
		p.t.Errorf("%d sums by key (-got +want):\n%s", len(got), diff)
	}
}

func (p *past) saved(s *session, err error) *session {
	p.t.Helper()
	if err == nil {
		err = s.checkpoint(p.t.Context())
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// TestHistoryIsReadBack lets readings come late that reach into history, of which
// the task holds nothing but where it lies.
func TestHistoryIsReadBack(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPast(t, b)
		s := openWith(t, p.env)
		for minute := 0; minute < 40; minute += 5 {
			p.minutes(minute, minute+5)
			p.saved(s, p.step(s))
		}
		s.close()
		s = openWith(t, p.env) // it reads no history
		if got := testutil.ToFloat64(p.env.metrics.recalls); got != 0 {
			t.Errorf("%v blocks were read back before anything came late", got)
		}
		p.late(27, 37)
		p.saved(s, p.step(s))
		if got := testutil.ToFloat64(p.env.metrics.recalls); got < 5 {
			t.Errorf("%v blocks were read back, want at least 5", got)
		}
		s.close()
		s = openWith(t, p.env)
		p.minutes(40, 42)
		p.late(38, 42)
		p.saved(s, p.step(s))
		s.close()
		p.equal()
	})
}

// TestHistoryOfAStoppedNodeIsCarriedOn: it must not keep the topic from being
// trimmed, and is there when the node goes on.
func TestHistoryOfAStoppedNodeIsCarriedOn(t *testing.T) {
	p := newPast(t, kafkatest.InProcess(t))
	p.env.cfg.CheckpointInterval = 4 * p.cfg.Horizon // 16 ends are kept
	s := openWith(t, p.env)
	p.minutes(0, 20)
	p.saved(s, p.step(s))
	first := s.previous
	for minute := range 20 { // node-0 goes on alone
		p.publish(measured("node-0", p.start+int64(20+minute)*60e9, p.rig))
		p.saved(s, p.step(s))
	}
	starts, err := kafka.StartOffsets(t.Context(), p.client, record.History)
	if err != nil {
		t.Fatal(err)
	}
	if got := starts[record.History][0]; got < first.HistoryTo {
		t.Errorf("history is there from offset %d on, the stopped nodes' lay up to %d", got, first.HistoryTo)
	}
	s.close()
	s = openWith(t, p.env)
	p.late(6, 20)
	p.saved(s, p.step(s))
	s.close()
	p.equal()
}

// TestHistoryThatIsGone says so when the task is opened, or when it is needed.
func TestHistoryThatIsGone(t *testing.T) {
	p := newPast(t, kafkatest.InProcess(t))
	s := openWith(t, p.env)
	p.minutes(0, 40)
	p.saved(s, p.step(s))
	s.close()
	s = openWith(t, p.env)
	p.minutes(40, 42)
	p.saved(s, p.step(s))
	deleteBelow(p.rig, record.History, 0)
	p.late(30, 37)
	err := p.step(s)
	if !lifecycle.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), record.History+" partition 0") {
		t.Errorf("a late event: got %v, want a permanent error with the partition", err)
	}
	s.close()
	task := &task{env: p.env, logger: kafkatest.Logger(t)}
	task.status.Store(&TaskStatus{})
	_, err = task.open(t.Context())
	if !lifecycle.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "history that the checkpoints need is gone") {
		t.Errorf("opening: got %v, want a permanent error that says what is gone", err)
	}
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
			if _, err := s.evict(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		began, before := time.Now(), testutil.ToFloat64(env.metrics.recalls)
		s.core.ApplyRate(&telemetry.Rate{Kind: telemetry.RatePUE, Value: 1_200_000, From: telemetry.MinTime, To: telemetry.MaxTime})
		touched += time.Since(began)
		recalled += testutil.ToFloat64(env.metrics.recalls) - before
		if err := s.core.Err(); err != nil {
			b.Fatal(err)
		}
		s.close()
	}
	b.ReportMetric(float64(touched.Microseconds())/recalled, "µs/block")
	b.ReportMetric(recalled/float64(b.N), "blocks/op")
}
