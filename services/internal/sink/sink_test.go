package sink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// tests runs the tests, or a broker of package kafkatest.
type tests struct{ m *testing.M }

func (r tests) Run() int { return kafkatest.Main(r.m) }

func TestMain(m *testing.M) {
	if os.Getenv("NTEGRAL_TEST_CHSERVER") != "" {
		chservertest.Main(m)
	}
	if os.Getenv(envBroker) != "" {
		os.Exit(playSink())
	}
	goleak.VerifyTestMain(tests{m})
}

const patience = 60 * time.Second

// await waits until the ledger has reached the logs' last steps, and checks
// that exactly their rows are in the table and the rollups.
func await(t *testing.T, client *clickhouse.Client, logs ...*sinktest.Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var rows uint64
	var sums fact.Sums
	for _, l := range logs {
		rows += l.Rows
		sums.Add(&l.Sums)
		until(t, ctx, fmt.Sprintf("ledger of task %d at step %d", l.Task, l.Last), func() bool {
			row, err := textrow.One(ctx, client, "SELECT max(step) FROM ledger WHERE task = "+fmt.Sprint(l.Task))
			return err == nil && row[0] == fmt.Sprint(l.Last)
		})
	}
	for _, table := range []string{"facts", "facts_hourly", "facts_daily"} {
		got := query(t, client, "SELECT sum(energy_j), sum(hold_cost), sum(embodied_intervals), max(abs(conflict_seconds)), max(abs(assumed_pue_j)), max(abs(input_tokens)) FROM "+table)
		for i, c := range append([]fact.Column{fact.Energy, fact.HoldCost, fact.EmbodiedIntervals}, sinktest.Nothing...) {
			want := sums[c]
			v, err := textrow.Decimal(got[i], fact.Columns[c].Scale)
			if err != nil || v.Int64() != want {
				t.Errorf("%s: %s is %s (%v), want %d", table, fact.Columns[c].Name, got[i], err, want)
			}
		}
	}
	if got := query(t, client, "SELECT count() FROM facts")[0]; got != fmt.Sprint(rows) {
		t.Errorf("%s rows in the table, want %d", got, rows)
	}
	if got := query(t, client, "SELECT count() - uniqExact(task, step) FROM ledger")[0]; got != "0" {
		t.Errorf("%s ledger rows too many", got)
	}
}

func query(t *testing.T, client *clickhouse.Client, sql string) []string {
	t.Helper()
	row, err := textrow.One(t.Context(), client, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return row
}

// until asks until the answer is yes.
func until(t *testing.T, ctx context.Context, what string, yes func() bool) {
	t.Helper()
	for !yes() {
		if err := lifecycle.Wait(ctx, 20*time.Millisecond); err != nil {
			t.Fatalf("wait for %s: %v", what, err)
		}
	}
}

func TestStepsArriveOnce(t *testing.T) {
	kafkatest.EachFresh(t, func(t *testing.T, b *kafkatest.Broker) {
		server := chservertest.Start(t, t.TempDir())
		client := sinktest.Client(t, server)
		sinktest.Topics(t, b, 2)
		producer := sinktest.Producer(t, b)
		first, second := sinktest.NewLog(t, producer, 0), sinktest.NewLog(t, producer, 1)
		_, stop := sinktest.Start(t, b, sink.ClickHouse{Client: client})
		for range 5 {
			first.Step(50, 3)
			second.Step()
			second.Step(7)
		}
		await(t, client, first, second)
		stop()

		// What a lost owner writes does not count, nor does a step without a commit.
		first.Part(first.Epoch, 9)
		first.Open()
		first.Part(first.Epoch-1, 11)
		first.Step(20)
		sinktest.Start(t, b, sink.ClickHouse{Client: client})
		await(t, client, first, second)
		row := query(t, client, "SELECT counts['unparsable'], counts['negative'], readings, duplicates, samples_offset, rejected_j, toUnixTimestamp64Nano(watermark) FROM ledger WHERE task = 0 AND step = 6")
		if got, want := strings.Join(row, " "), "2 1 100 3 60 1.5 1772409000000000000"; got != want {
			t.Errorf("ledger row %s, want %s", got, want)
		}
	})
}

// faulty is a store that fails now and then: before an insert, or after it has
// been done, as a lost answer does.
type faulty struct {
	sink.Store
	calls atomic.Int64
	// fails decides by the number of the call.
	fails func(n int64, token string) (before, after error)
}

func (f *faulty) InsertPart(ctx context.Context, token string, stream io.Reader) error {
	before, after := f.fails(f.calls.Add(1), token)
	if before != nil {
		return before
	}
	return errors.Join(f.Store.InsertPart(ctx, token, stream), after)
}

func (f *faulty) InsertLedger(ctx context.Context, token string, columns []string, values []any) error {
	before, after := f.fails(f.calls.Add(1), token)
	if before != nil {
		return before
	}
	return errors.Join(f.Store.InsertLedger(ctx, token, columns, values), after)
}

func TestLostAnswersDoubleNothing(t *testing.T) { kafkatest.EachFresh(t, testLostAnswersDoubleNothing) }

func testLostAnswersDoubleNothing(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 1)
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	for range 6 {
		log.Step(30, 20, 10)
	}
	lost := errors.New("connection reset")
	sinktest.Start(t, b, &faulty{Store: sink.ClickHouse{Client: client}, fails: func(n int64, _ string) (before, after error) {
		switch n % 4 {
		case 1:
			return lost, nil
		case 2:
			return nil, lost
		}
		return nil, nil
	}})
	await(t, client, log)
}

// TestStoppedBetweenPartsAndLedger stops the sink when the parts of a step are
// in the table and its ledger row is not.
func TestStoppedBetweenPartsAndLedger(t *testing.T) {
	kafkatest.EachFresh(t, testStoppedBetweenPartsAndLedger)
}

func testStoppedBetweenPartsAndLedger(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 1)
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	log.Step(10)
	log.Step(40, 5)
	reached := make(chan struct{}, 100)
	_, stop := sinktest.Start(t, b, &faulty{Store: sink.ClickHouse{Client: client}, fails: func(_ int64, token string) (before, after error) {
		if token == "0/1/2/ledger" {
			reached <- struct{}{}
			return errors.New("store is gone"), nil
		}
		return nil, nil
	}})
	select {
	case <-reached:
	case <-time.After(patience):
		t.Fatal("the ledger row was never written")
	}
	stop()
	if got := query(t, client, "SELECT count() FROM facts")[0]; got != "55" {
		t.Fatalf("%s rows before the restart, want 55", got)
	}
	sinktest.Start(t, b, sink.ClickHouse{Client: client})
	log.Step(3)
	await(t, client, log)
}

// TestTwoSinksAtOnce runs two sinks that both believe they own the task: they
// are in groups of their own.
func TestTwoSinksAtOnce(t *testing.T) { kafkatest.EachFresh(t, testTwoSinksAtOnce) }

func testTwoSinksAtOnce(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 1)
	store := sink.ClickHouse{Client: client}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	for _, group := range []string{"one", "two"} {
		cfg := sink.DefaultConfig()
		cfg.Group, cfg.Listen = group, "127.0.0.1:0"
		go func() { ended <- sink.Run(ctx, cfg, sink.Settings{Kafka: b.Config, Store: store}) }()
	}
	for range 20 {
		log.Step(25, 5)
	}
	await(t, client, log)
	cancel()
	for range 2 {
		if err := <-ended; err != nil && !lifecycle.IsInterrupted(err) {
			t.Error(err)
		}
	}
}

func TestUnreadablePartIsSetAside(t *testing.T) { kafkatest.EachFresh(t, testUnreadablePartIsSetAside) }

func testUnreadablePartIsSetAside(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 1)
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	log.Step(10)
	log.Commit([][]byte{[]byte("not arrow"), foreignPart(t, fact.Schema().Fields()[1:])}, 0, fact.Sums{}) // 0 rows: await counts what arrives
	log.Write("ntegral.unknown.v1", []byte("?"))
	log.Step(5)
	sinktest.Start(t, b, sink.ClickHouse{Client: client})
	await(t, client, log)
	if got := query(t, client, "SELECT groupArray(step), groupArray(refused_parts) FROM ledger WHERE notEmpty(refused_parts)"); got[0] != "[2]" || got[1] != "[[1,2]]" {
		t.Errorf("refused parts by step: %v", got)
	}
	reader, err := kafka.NewReader(b.Config, nil, record.DeadLetters, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var letters []record.DeadLetter
	for len(letters) < 3 {
		records, err := reader.Poll(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			l, err := record.DecodeDeadLetter(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			letters = append(letters, l)
		}
	}
	slices.SortFunc(letters, func(a, b record.DeadLetter) int { return strings.Compare(a.Detail, b.Detail) }) // parts go side by side
	for i, want := range []struct {
		position int64
		payload  string
		detail   string
	}{{6, "?", "ntegral.unknown.v1"}, {5, "not arrow", "part 0/1/2/1"}, {5, "", "no window_start"}} {
		l := letters[i]
		if l.Origin != record.Facts || l.Position != want.position || !strings.HasPrefix(string(l.Payload), want.payload) || !strings.Contains(l.Detail, want.detail) {
			t.Errorf("letter %d: %+v, want position %d, payload %q, detail with %q", i, l, want.position, want.payload, want.detail)
		}
	}
}

// foreignPart is a stream of these columns without a row.
func foreignPart(t *testing.T, fields []arrow.Field) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(arrow.NewSchema(fields, nil)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestUnknownColumnBlocksTheTask: what a newer version may have written is neither set aside
// nor taken without what is new.
func TestUnknownColumnBlocksTheTask(t *testing.T) {
	kafkatest.EachFresh(t, func(t *testing.T, b *kafkatest.Broker) {
		client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
		sinktest.Topics(t, b, 1)
		log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
		fields := append(slices.Clone(fact.Schema().Fields()), arrow.Field{Name: "water_l", Type: arrow.PrimitiveTypes.Int64})
		log.Commit([][]byte{foreignPart(t, fields)}, 0, fact.Sums{})
		addr, _ := sinktest.Start(t, b, sink.ClickHouse{Client: client})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		until(t, ctx, "the task to be blocked", func() bool {
			_, text := get(t, "http://"+addr+"/status")
			return strings.Contains(text, `"state":"blocked"`) && strings.Contains(text, "water_l")
		})
		if got := query(t, client, "SELECT count() FROM ledger")[0]; got != "0" {
			t.Errorf("%s steps are in the ledger", got)
		}
	})
}

// TestStoreFaultBlocksTheTask drops a column that the parts have: the sink must
// neither drop the part nor spin, say that it needs help, and go on after it.
func TestStoreFaultBlocksTheTask(t *testing.T) { kafkatest.EachFresh(t, testStoreFaultBlocksTheTask) }

func testStoreFaultBlocksTheTask(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 1)
	store := sink.ClickHouse{Client: client}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.Exec(t.Context(), "ALTER TABLE facts DROP COLUMN reason"); err != nil {
		t.Fatal(err)
	}
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	log.Step(10, fact.MaxRows) // what is in order is not set aside, however much it is
	addr, _ := sinktest.Start(t, b, store)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	until(t, ctx, "the sink to be unhealthy", func() bool {
		code, text := get(t, "http://"+addr+"/healthz")
		return code == http.StatusServiceUnavailable && strings.Contains(text, "task 0")
	})
	if _, text := get(t, "http://"+addr+"/status"); !strings.Contains(text, `"state":"blocked"`) {
		t.Errorf("status %s, want a blocked task", text)
	}
	if err := client.Exec(t.Context(), "ALTER TABLE facts ADD COLUMN reason LowCardinality(String) AFTER currency"); err != nil {
		t.Fatal(err)
	}
	await(t, client, log)
	until(t, ctx, "the sink to be healthy", func() bool { code, _ := get(t, "http://"+addr+"/healthz"); return code == http.StatusOK })
	if _, text := get(t, "http://"+addr+"/metrics"); !strings.Contains(text, `ntegral_sink_retries_total{kind="permanent",task="0"}`) {
		t.Error("metrics do not show the retries")
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return res.StatusCode, string(text)
}
