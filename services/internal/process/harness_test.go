package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

const nsPerDay = 24 * 60 * 60 * 1_000_000_000

func TestMain(m *testing.M) {
	if os.Getenv(envChild) != "" {
		os.Exit(child())
	}
	code := kafkatest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// rig is a broker with the topics of a system, what was published to it, and
// the means to say what the log makes of it.
type rig struct {
	t          testing.TB
	broker     *kafkatest.Broker
	cfg        Config
	partitions int
	client     *kgo.Client
	random     *rand.Rand
	want       map[fact.Key]fact.Sums
	published  int
}

func newRig(t testing.TB, b *kafkatest.Broker, partitions int) *rig {
	t.Helper()
	if b.Kind == kafkatest.Apache {
		b.DeleteTopics(t)
	}
	cfg := DefaultConfig()
	cfg.Kafka, cfg.Partitions, cfg.Listen = b.Config, partitions, "127.0.0.1:0"
	cfg.Group = fmt.Sprintf("test-%d", rand.Uint64())
	cfg.StepInterval, cfg.CheckpointInterval = 20*time.Millisecond, 100*time.Millisecond
	r := &rig{
		t: t, broker: b, cfg: cfg, partitions: partitions, client: b.Client(t, kgo.ProducerBatchMaxBytes(2<<20)),
		random: rand.New(rand.NewPCG(1, uint64(partitions))), want: map[fact.Key]fact.Sums{},
	}
	if err := kafka.EnsureTopics(t.Context(), r.client, 1, topicSpecs(partitions)...); err != nil {
		t.Fatal(err)
	}
	return r
}

// environment is what tasks need when they run without a group.
func (r *rig) environment(cfg Config) *environment {
	set := Settings{Logger: kafkatest.Logger(r.t)}
	return &environment{cfg: cfg, set: set.withDefaults(), cores: tallyFactory{pad: 1 << 10}, partitions: r.partitions, metrics: newMetrics()}
}

func (r *rig) produce(topic, key, kind string, value []byte, more ...record.Header) {
	r.t.Helper()
	rec := &kgo.Record{Topic: topic, Key: []byte(key), Value: value}
	for _, h := range append(record.Envelope{ID: fmt.Sprint(r.published), Source: "/test", Type: kind}.Headers(), more...) {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	r.published++
	if err := r.client.ProduceSync(r.t.Context(), rec).FirstErr(); err != nil {
		r.t.Fatalf("produce: %v", err)
	}
}

func (r *rig) expect(k fact.Key, column fact.Column, v int64) {
	k.WindowLength = nsPerDay
	sums := r.want[k]
	sums[column] += v
	r.want[k] = sums
}

// publish publishes n random events and adds them to what is expected.
func (r *rig) publish(n int) {
	r.t.Helper()
	for range n {
		node := fmt.Sprintf("node-%d", r.random.IntN(12))
		switch r.random.IntN(20) {
		case 0:
			r.produce(record.Rates, "", record.TypeRate, record.AppendRate(nil, &telemetry.Rate{Kind: telemetry.RatePUE, Value: int64(r.published)}))
		case 1:
			r.produce(record.Inventory, node, record.TypeDevice, record.AppendDevice(nil, &telemetry.Device{Node: node, Kind: telemetry.KindWall}))
		case 2:
			p := telemetry.Placement{ID: fmt.Sprintf("job-%d", r.random.IntN(5)), Node: node, End: telemetry.MaxTime}
			r.produce(record.Placements, node, record.TypePlacement, record.AppendPlacement(nil, &p))
			r.expect(fact.Key{Node: node, Placement: p.ID}, fact.DeviceSeconds, 1)
		case 3:
			s := record.Seal{Node: node, TakenIn: 1}
			r.produce(record.Samples, node, record.TypeSeal, s.Append(nil))
		case 4:
			r.publishCorrection(node, 1+r.random.IntN(5))
		default:
			r.publishSamples(node, 1+r.random.IntN(20))
		}
	}
}

func (r *rig) publishCorrection(node string, n int) {
	r.t.Helper()
	rows := make([]fact.Row, n)
	for i := range rows {
		v := int64(r.random.IntN(1000)) - 500
		rows[i].WindowStart, rows[i].WindowLength, rows[i].Node = int64(i%3)*nsPerDay, 60e9, node
		rows[i].Sums[fact.Energy] = v
		r.expect(fact.Key{WindowStart: rows[i].WindowStart, Node: node}, fact.Energy, v)
	}
	builder := fact.NewBuilder()
	value, _, err := builder.Encode(rows)
	if err != nil {
		r.t.Fatal(err)
	}
	r.produce(record.Corrections, node, record.TypeCorrection, value, record.CorrectionID{Run: "run", Sequence: uint64(r.published) + 1}.Headers()...)
}

func (r *rig) publishSamples(node string, n int) {
	r.t.Helper()
	b := record.SampleBatch{Node: node, TakenIn: int64(r.published), Axes: [][]int64{{}}, Series: []record.SeriesColumn{{Device: "gpu0", Metric: 1}}}
	at := int64(r.random.IntN(3)) * nsPerDay
	var values []int64
	for i := range n {
		v := int64(r.random.IntN(1000))
		b.Axes[0] = append(b.Axes[0], at+int64(i)*1e9)
		values = append(values, v)
		r.expect(fact.Key{WindowStart: at, Node: node, Device: "gpu0"}, fact.Energy, v)
	}
	b.Series[0].Values = record.ColumnOf(values...)
	r.produce(record.Samples, node, record.TypeSamples, b.Append(nil))
}

// follow reads the log of a task until a step has reached the end of its
// inputs, and returns the steps that count.
func (r *rig) follow(task int32) []*commitlog.Step {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 60*time.Second)
	defer cancel()
	ends, err := kafka.EndOffsets(ctx, r.client, record.Samples, record.Placements, record.Inventory, record.Rates, record.Corrections)
	if err != nil {
		r.t.Fatal(err)
	}
	want := record.Offsets{
		Samples: ends[record.Samples][task], Placements: ends[record.Placements][task],
		Inventory: ends[record.Inventory][task], Rates: ends[record.Rates][0], Corrections: ends[record.Corrections][task],
	}
	var steps []*commitlog.Step
	if want == (record.Offsets{}) {
		return nil
	}
	reader, err := kafka.NewReader(r.cfg.Kafka, kafkatest.Logger(r.t), record.Facts, task, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer reader.Close()
	log := commitlog.NewReader(commitlog.Position{})
	for {
		records, err := reader.Poll(ctx, 0)
		if err != nil {
			r.t.Fatalf("task %d has not come to %+v: %v", task, want, err)
		}
		for _, rec := range records {
			step, err := log.Add(commitlog.Record{Offset: rec.Offset, Headers: kafka.Headers(rec), Value: rec.Value})
			if err != nil && !errors.Is(err, record.ErrMalformed) {
				r.t.Fatal(err)
			}
			if step != nil {
				steps = append(steps, step)
			}
		}
		if len(steps) > 0 && steps[len(steps)-1].Commit.Inputs == want {
			return steps
		}
	}
}

// check follows all tasks and compares what counts with what was published,
// row sums with commits, and the order of events with that of a run that was
// never disturbed.
func (r *rig) check() {
	r.t.Helper()
	got := map[fact.Key]fact.Sums{}
	for task := range int32(r.partitions) {
		steps := r.follow(task)
		r.checkOrder(task, steps)
		last := int64(0)
		for _, s := range steps {
			var sums fact.Sums
			rows := uint64(0)
			for _, part := range s.Parts {
				decoded, err := fact.Decode(part, memory.DefaultAllocator)
				if err != nil {
					r.t.Fatal(err)
				}
				rows += uint64(len(decoded))
				for _, row := range decoded {
					if row.Task != task || row.Epoch != s.Commit.Epoch || row.Step != s.Commit.Step || row.RecordedAt != s.Commit.RecordedAt {
						r.t.Fatalf("row of step %d/%d says %+v", s.Commit.Epoch, s.Commit.Step, row.Origin)
					}
					if row.Day() != decoded[0].Day() {
						r.t.Fatal("a part holds rows of two days")
					}
					sums.Add(&row.Sums)
					all := got[row.Key]
					all.Add(&row.Sums)
					got[row.Key] = all
				}
			}
			if rows != s.Commit.Rows || cmp.Diff(sums[:], s.Commit.Sums) != "" {
				r.t.Fatalf("step %d: parts and commit disagree", s.Commit.Step)
			}
			if s.Commit.RecordedAt < last || s.Commit.RecordedAt%1e6 != 0 {
				r.t.Fatalf("step %d recorded at %d after %d", s.Commit.Step, s.Commit.RecordedAt, last)
			}
			last = s.Commit.RecordedAt
		}
	}
	if diff := cmp.Diff(got, r.want); diff != "" {
		r.t.Fatalf("sums by key (-got +want):\n%s", diff)
	}
}

// checkOrder applies the input of every step once more and compares digests.
func (r *rig) checkOrder(task int32, steps []*commitlog.Step) {
	r.t.Helper()
	in, err := openInputs(r.environment(r.cfg), kafkatest.Logger(r.t), task, record.Offsets{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer in.close()
	again := tallyFactory{}.New().(*tally)
	for _, s := range steps {
		if err := in.replay(r.t.Context(), again, s.Commit.Inputs); err != nil {
			r.t.Fatal(err)
		}
		if got, want := s.Commit.UnplacedEnergy, again.EndStep().UnplacedEnergy; got != want {
			r.t.Fatalf("task %d step %d of epoch %d: events were applied in another way: %x, want %x", task, s.Commit.Step, s.Commit.Epoch, got, want)
		}
	}
}

// running is a processor inside the test.
type running struct {
	addr   chan string
	cancel context.CancelFunc
	done   chan error
}

func (r *rig) startProcess(cfg Config) *running {
	return r.startLogging(cfg, kafkatest.Logger(r.t))
}

func (r *rig) startLogging(cfg Config, logger *slog.Logger) *running {
	ctx, cancel := context.WithCancel(context.Background())
	p := &running{addr: make(chan string, 1), cancel: cancel, done: make(chan error, 1)}
	set := Settings{Logger: logger, Ready: func(a string) { p.addr <- a }}
	go func() { p.done <- run(ctx, cfg, set, tallyFactory{pad: 1 << 10}) }()
	r.t.Cleanup(func() {
		cancel()
		<-p.done
	})
	return p
}

// stop ends it in good order.
func (p *running) stop(t *testing.T) {
	t.Helper()
	p.cancel()
	err := <-p.done
	close(p.done)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
}
