package reconcile

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/process"
	"github.com/ntegral/ntegral/services/internal/report"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/verify"
)

func TestMain(m *testing.M) {
	if os.Getenv("NTEGRAL_TEST_CHSERVER") != "" {
		chservertest.Main(m)
	}
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

const tasks = 2

// start is when the readings of a test begin: they span four hours, so that
// all but the last has been let go of in the end.
var start = time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC).UnixNano()

const minute = int64(time.Minute)

// system is a broker, a processor, a sink and a store.
type system struct {
	t      *testing.T
	broker *kafkatest.Broker
	store  *clickhouse.Client
	client *kgo.Client
	cfg    process.Config
	stop   func()
	sent   int
	dated  bool // records carry the time at which their readings were taken in
}

func newSystem(t *testing.T, b *kafkatest.Broker) *system {
	t.Helper()
	server := chservertest.Start(t, t.TempDir())
	sinktest.Topics(t, b, tasks)
	s := &system{t: t, broker: b, store: sinktest.Client(t, server), client: b.Client(t), cfg: process.DefaultConfig()}
	s.cfg.Kafka, s.cfg.Listen, s.cfg.StepInterval = b.Config, "127.0.0.1:0", 20*time.Millisecond
	s.cfg.StepBytes = 20_000
	sinktest.Start(t, b, sink.ClickHouse{Client: s.store})
	s.startProcessor()
	return s
}

// startProcessor runs a processor until stop, or the end of the test.
func (s *system) startProcessor() {
	s.t.Helper()
	cfg := s.cfg
	cfg.Group = fmt.Sprintf("test-%d", rand.Uint64()) // no waiting for one that has gone
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- process.Run(ctx, cfg, process.Settings{Logger: kafkatest.Logger(s.t)}) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("processor ended with %v", err)
		}
	}
	s.t.Cleanup(s.stop)
}

func (s *system) produce(topic, key, kind string, at int64, value []byte) {
	s.t.Helper()
	rec := &kgo.Record{Topic: topic, Key: []byte(key), Value: value}
	if s.dated {
		rec.Timestamp = time.Unix(0, at)
	}
	for _, h := range (record.Envelope{ID: fmt.Sprint(s.sent), Source: "/test", Type: kind}).Headers() {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	s.sent++
	if err := s.client.ProduceSync(s.t.Context(), rec).FirstErr(); err != nil {
		s.t.Fatalf("produce: %v", err)
	}
}

func (s *system) device(d telemetry.Device) {
	s.t.Helper()
	s.produce(record.Inventory, d.Node, record.TypeDevice, start, record.AppendDevice(nil, &d))
}

func (s *system) placement(p telemetry.Placement) {
	s.t.Helper()
	s.produce(record.Placements, p.Node, record.TypePlacement, start, record.AppendPlacement(nil, &p))
}

func (s *system) rate(r telemetry.Rate) {
	s.t.Helper()
	s.produce(record.Rates, "rates", record.TypeRate, start, record.AppendRate(nil, &r))
}

var nodes = []string{"n0", "n1", "n2", "n3"}

// estate publishes what is known from the beginning.
func (s *system) estate() {
	s.t.Helper()
	for _, n := range nodes {
		s.device(telemetry.Device{Node: n, Kind: telemetry.KindWall, Region: "eu", Cluster: "c"})
		s.device(telemetry.Device{Node: n, ID: "gpu0", Kind: telemetry.KindGPU, Model: "H100"})
		s.device(telemetry.Device{Node: n, ID: "gpu1", Kind: telemetry.KindGPU, Model: "H100"})
		s.placement(telemetry.Placement{
			ID: "job", Node: n, Revision: 1, Manager: telemetry.ManagerSlurm, Workload: "train", Team: "vision",
			Devices: []string{"gpu0"}, Mode: telemetry.ModeWhole, Start: start + 10*minute, End: telemetry.MaxTime,
		})
	}
	s.rate(telemetry.Rate{Kind: telemetry.RateDevicePrice, Key: "H100", Value: 2_950_000_000, Currency: "USD", From: telemetry.MinTime, To: telemetry.MaxTime})
	s.rate(telemetry.Rate{Kind: telemetry.RateGridLocation, Value: 300_000_007, From: telemetry.MinTime, To: telemetry.MaxTime})
}

// lateDimensions are what a slow system says hours after it held.
func (s *system) lateDimensions() {
	s.t.Helper()
	s.placement(telemetry.Placement{
		ID: "night", Node: "n1", Revision: 1, Manager: telemetry.ManagerSlurm, Workload: "render", Team: "film\t\"3\"",
		Devices: []string{"gpu1"}, Mode: telemetry.ModeWhole, Start: start + 60*minute, End: start + 90*minute + 7*int64(time.Second),
	})
	s.rate(telemetry.Rate{Kind: telemetry.RateElectricity, Key: "c", Value: 210_000_003, Currency: "EUR", From: start + 30*minute, To: start + 130*minute})
}

// minutes publishes the readings of a node's minutes of [from, to).
func (s *system) minutes(node string, from, to int64) {
	s.t.Helper()
	for m := from; m < to; m++ {
		random := rand.New(rand.NewPCG(uint64(m), uint64(node[1])))
		at := start + m*minute
		b := &record.SampleBatch{Node: node, TakenIn: at + minute, Axes: [][]int64{nil}}
		for i := range int64(6) {
			b.Axes[0] = append(b.Axes[0], at+i*10e9)
		}
		for _, device := range []string{"", "gpu0", "gpu1"} {
			for _, metric := range []telemetry.Metric{telemetry.PowerWatts, telemetry.SMActive} {
				c := record.SeriesColumn{Device: device, Metric: metric}
				var values []int64
				for range b.Axes[0] {
					values = append(values, random.Int64N(900_000))
				}
				c.Values = record.ColumnOf(values...)
				b.Series = append(b.Series, c)
			}
		}
		s.produce(record.Samples, node, record.TypeSamples, b.TakenIn, b.Append(nil))
	}
}

// length of what the tests publish, in minutes.
const length = 240

// settle waits until the store has what the topics hold.
func (s *system) settle() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	ends, err := report.KafkaInputs(s.broker.Config).Ends(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := (&run{cfg: Config{Wait: time.Minute}, set: Settings{Store: s.store, Progress: s.t.Output()}}).await(ctx, ends); err != nil {
		s.t.Fatal(err)
	}
}

// report asks for a report by device and one by team, as exact text.
func (s *system) report(asOf, from time.Time) string {
	s.t.Helper()
	var out bytes.Buffer
	for _, by := range []string{"device", "team"} {
		q := report.Query{By: by, Format: "csv", AsOf: asOf, From: from}
		if err := report.Write(s.t.Context(), report.Source{Store: s.store, Inputs: report.KafkaInputs(s.broker.Config)}, q, &out); err != nil {
			s.t.Fatal(err)
		}
	}
	return out.String()
}

// newest returns when the store was written to last.
func (s *system) newest() time.Time {
	s.t.Helper()
	var at []struct {
		At time.Time `ch:"at"`
	}
	if err := s.store.Select(s.t.Context(), &at, "SELECT max(recorded_at) AS at FROM ledger"); err != nil {
		s.t.Fatal(err)
	}
	return at[0].At.UTC()
}

// reconcile runs over the whole range, changed by with.
func (s *system) reconcile(with ...func(*Config)) *Report {
	s.t.Helper()
	cfg := DefaultConfig()
	cfg.From, cfg.To = time.Unix(0, start-minute), time.Unix(0, start+length*minute)
	cfg.Wait = time.Minute
	for _, w := range with {
		w(&cfg)
	}
	r, err := Run(s.t.Context(), cfg, s.settings())
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *system) settings() Settings {
	return Settings{Kafka: s.broker.Config, Store: s.store, Engine: s.cfg.Config, Logger: kafkatest.Logger(s.t), Progress: s.t.Output()}
}

// verify fails the test unless log, ledger, table and rollups agree.
func (s *system) verify() {
	s.t.Helper()
	r, err := verify.Run(s.t.Context(), verify.Settings{Kafka: s.broker.Config, Store: s.store, Wait: 30 * time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	if !r.Clean {
		var text bytes.Buffer
		_ = r.Write(&text, "text") // into memory
		s.t.Errorf("verify:\n%s", text.String())
	}
}

// facts are what the rows of all tasks add up to before a time.
func (s *system) facts(before int64) []fact.Row {
	s.t.Helper()
	var all []fact.Row
	for task := range int32(tasks) {
		rows, err := readWritten(s.t.Context(), s.store, task, start-minute*60, before)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, rows...)
	}
	return all
}

// sameFacts fails the test unless the rows add up to the same.
func (s *system) sameFacts(got, want []fact.Row) {
	s.t.Helper()
	if rest := engine.Difference(slices.Clone(got), slices.Clone(want)); len(rest) > 0 || len(want) == 0 {
		s.t.Errorf("%d of %d rows differ: %.2000s", len(rest), len(want), fmt.Sprintf("%+v", rest))
	}
}
