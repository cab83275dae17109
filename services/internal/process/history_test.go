package process

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

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
		if err := s.step(p.t.Context(), batch{records: records}); err != nil {
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
		if got := recalls(t, p.env); got != 0 {
			t.Errorf("%v blocks were read back before anything came late", got)
		}
		p.late(27, 37)
		p.saved(s, p.step(s))
		if got := recalls(t, p.env); got < 5 {
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

// TestHistoryLeavesMemoryBetweenCheckpoints: much of it does not wait for one, and what
// was written counts for nobody who has not seen the checkpoint after it.
func TestHistoryLeavesMemoryBetweenCheckpoints(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		p := newPast(t, b)
		p.env.cfg.HistoryBytes = 1
		s := openWith(t, p.env)
		steps := func(from, to int) {
			for minute := from; minute < to; minute += 5 {
				p.minutes(minute, minute+5)
				if err := p.step(s); err != nil {
					t.Fatal(err)
				}
				if held := s.core.Packed(); held != 0 {
					t.Errorf("%d bytes of history are held after a step", held)
				}
			}
		}
		steps(0, 40)
		p.late(27, 33)
		steps(40, 45)
		if got := recalls(t, p.env); got < 3 {
			t.Errorf("%v blocks were read back, want at least 3", got)
		}
		s.close() // all history that it has written is nobody's
		s = openWith(t, p.env)
		steps(45, 50)
		p.late(33, 37)
		p.saved(s, p.step(s))
		steps(50, 55)
		s.close()
		s = openWith(t, p.env)
		p.late(37, 55)
		p.saved(s, p.step(s))
		s.close()
		p.equal()
	})
}

// TestHistoryOfAStoppedNodeIsCarriedOn: it must not keep the topic from being
// trimmed, and is there when the node goes on.
func TestHistoryOfAStoppedNodeIsCarriedOn(t *testing.T) {
	p := newPast(t, kafkatest.InProcess(t))
	ahead := time.Duration(0)
	p.env.set.Clock = func() time.Time { return time.Now().Add(ahead) }
	s := openWith(t, p.env)
	p.minutes(0, 20)
	p.saved(s, p.step(s))
	first := s.previous
	ahead = 3 * p.cfg.Horizon
	for minute := range 3 { // node-0 goes on alone
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

// TestHistoryThatIsGone is said when it is needed, in a way that has the task
// opened again; then the task goes down and says what to do.
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
	if err := p.step(s); !errors.Is(err, errHistoryGone) || lifecycle.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), record.History+"/0") {
		t.Errorf("a late event: got %v, want an error that may go away, with the partition", err)
	}
	s.close()
	err := p.opens()
	if !lifecycle.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "history that the checkpoints need is gone") || !strings.Contains(fmt.Sprint(err), startAnew) {
		t.Errorf("opening: got %v, want a permanent error that says what is gone", err)
	}
}

// task is the task, which nobody works on.
func (p *past) task() *task {
	t := &task{env: p.env, logger: kafkatest.Logger(p.t)}
	t.status.Store(&TaskStatus{})
	return t
}

// opens returns what opening the task gives.
func (p *past) opens() error {
	s, err := p.task().open(p.t.Context())
	if err == nil {
		s.close()
	}
	return err
}

// TestOpenerThatSlept looks for a checkpoint, and claims the task only when its
// owner has gone on and let go of history that this checkpoint needs.
func TestOpenerThatSlept(t *testing.T) {
	p := newPast(t, kafkatest.InProcess(t))
	owner := openWith(t, p.env)
	defer owner.close()
	p.minutes(0, 20)
	p.saved(owner, p.step(owner))
	sleeper, err := newSession(p.task())
	if err != nil {
		t.Fatal(err)
	}
	defer sleeper.close()
	found, err := sleeper.loadCheckpoint(t.Context())
	if err != nil || !found {
		t.Fatal(found, err)
	}
	p.late(6, 17) // it would have to recall these
	for minute := 20; minute < 60; minute += 8 {
		p.minutes(minute, minute+8)
		p.saved(owner, p.step(owner))
	}
	if err := sleeper.takeOver(t.Context(), true); lifecycle.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "another owner") {
		t.Errorf("got %v, want an error that names the owner and has the task opened again", err)
	}
	s := openWith(t, p.env)
	p.minutes(60, 62)
	p.saved(s, p.step(s))
	s.close()
	p.equal()
}

// TestLostHistoryGrowsAgain: the broker loses the end of history with the power.
// The checkpoint that needs it must not look whole when other history lies there.
func TestLostHistoryGrowsAgain(t *testing.T) {
	p := newPast(t, kafkatest.InProcess(t))
	s := openWith(t, p.env)
	p.minutes(0, 10)
	p.saved(s, p.step(s))
	first := s.previous
	p.minutes(10, 20)
	p.saved(s, p.step(s))
	s.close()
	loseHistory(p, first.HistoryTo)
	s = openWith(t, p.env)
	p.minutes(20, 21)
	if err := p.step(s); err != nil {
		t.Fatal(err)
	}
	if err := s.evict(t.Context()); err != nil { // and is killed before its checkpoint
		t.Fatal(err)
	}
	s.close()
	s = openWith(t, p.env)
	p.minutes(21, 22)
	p.late(6, 17)
	p.saved(s, p.step(s))
	s.close()
	p.equal()
}

// loseHistory makes the history topic anew, with its first records alone.
func loseHistory(p *past, keep int64) {
	p.t.Helper()
	var kept []*kgo.Record
	readAll(p.rig, record.History, func(r *kgo.Record) {
		if r.Offset < keep {
			kept = append(kept, &kgo.Record{Topic: record.History, Value: bytes.Clone(r.Value)})
		}
	})
	if _, err := kadm.NewClient(p.client).DeleteTopics(p.t.Context(), record.History); err != nil {
		p.t.Fatal(err)
	}
	if err := kafka.EnsureTopics(p.t.Context(), p.client, 1, topicSpecs(1)...); err != nil {
		p.t.Fatal(err)
	}
	client := p.broker.Client(p.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := client.ProduceSync(p.t.Context(), kept...).FirstErr(); err != nil {
		p.t.Fatal(err)
	}
}

// TestLargeBlocksStay: a node whose readings of a window do not fit a record of
// history keeps them in memory and in its checkpoints.
func TestLargeBlocksStay(t *testing.T) {
	r := newRig(t, kafkatest.InProcess(t), 1)
	r.cfg.Window = 15 * time.Minute
	env := r.environment(r.cfg)
	env.cores = engineFactory{r.cfg.Config}
	s := openWith(t, env)
	s.core.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
	for g := range 16 {
		s.core.ApplyDevice(&telemetry.Device{Node: "n", ID: fmt.Sprint("gpu", g), Kind: telemetry.KindGPU})
	}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano()
	for at := int64(0); at < 2400; at += 10 {
		s.core.ApplySamples(tenthsOfSeconds(r, start+at*1e9))
		s.core.SkipStep()
	}
	if err := s.checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.close()
	s = openWith(t, env)
	defer s.close()
	if _, ok := s.core.OldestPlace(); ok {
		t.Error("a block of this size lies in the topic")
	}
	chunks, err := kafka.EndOffsets(t.Context(), r.client, record.State)
	if err != nil || chunks[record.State][0] < 5 {
		t.Errorf("%d records of state (%v): the block is not in them", chunks[record.State][0], err)
	}
}

// tenthsOfSeconds is ten seconds of 16 accelerators, ten readings a second.
func tenthsOfSeconds(r *rig, from int64) *record.SampleBatch {
	b := &record.SampleBatch{Node: "n", TakenIn: from + 10e9, Axes: [][]int64{nil}}
	for i := range int64(100) {
		b.Axes[0] = append(b.Axes[0], from+i*1e8)
	}
	for g := range 16 {
		for _, m := range []telemetry.Metric{telemetry.PowerWatts, telemetry.SMActive, telemetry.GraphicsEngineActive, telemetry.GPUUtil} {
			c := record.SeriesColumn{Device: fmt.Sprint("gpu", g), Metric: m}
			var values []int64
			for range 100 {
				values = append(values, r.random.Int64N(1_000_000))
			}
			c.Values = record.ColumnOf(values...)
			b.Series = append(b.Series, c)
		}
	}
	return b
}
