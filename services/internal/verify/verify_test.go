package verify_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/verify"
)

func TestMain(m *testing.M) {
	if os.Getenv("NTEGRAL_TEST_CHSERVER") != "" {
		chservertest.Main(m)
	}
	goleak.VerifyTestMain(m)
}

// run verifies and returns the report's text.
func run(t *testing.T, b *kafkatest.Broker, client *clickhouse.Client, wait time.Duration) (*verify.Report, string) {
	t.Helper()
	r, err := verify.Run(t.Context(), verify.Settings{Kafka: b.Config, Store: client, Wait: wait})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.Write(&text, "text"); err != nil {
		t.Fatal(err)
	}
	return r, text.String()
}

func exec(t *testing.T, client *clickhouse.Client, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if err := client.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// TestDifferencesAreFound tampers with the store, one thing after the other;
// each case undoes what it did, which also shows that nothing else is amiss.
func TestDifferencesAreFound(t *testing.T) { kafkatest.EachFresh(t, testDifferencesAreFound) }

func testDifferencesAreFound(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 2)
	producer := sinktest.Producer(t, b)
	logs := []*sinktest.Log{sinktest.NewLog(t, producer, 0), sinktest.NewLog(t, producer, 1)}
	_, stop := sinktest.Start(t, b, sink.ClickHouse{Client: client})
	for range 20 {
		logs[0].Step(5, 4)
		logs[1].Step(3)
	}
	logs[1].Part(1, 2) // never committed
	r, text := run(t, b, client, time.Minute)
	if !r.Clean || !strings.Contains(text, "verify: clean: 2 tasks, 40 steps, 240 rows, rollups of 2 days") {
		t.Fatalf("untouched store:\n%s", text)
	}
	stop()

	sync := " SETTINGS mutations_sync = 1"
	copyBack := func(table, where string) []string {
		return []string{"INSERT INTO " + table + " SELECT * FROM spare_" + table + " WHERE " + where + " SETTINGS insert_deduplicate = 0"}
	}
	for _, table := range []string{"facts", "ledger", "facts_hourly"} {
		exec(t, client, "CREATE TABLE spare_"+table+" AS "+table, "INSERT INTO spare_"+table+" SELECT * FROM "+table)
	}
	exec(t, client, "DROP VIEW facts_hourly_mv") // what follows touches one table at a time
	const step = "task = 0 AND step = 7"
	for _, tt := range []struct {
		name string
		do   []string
		undo []string
		want []string
	}{
		{
			name: "step deleted from the table",
			do:   []string{"ALTER TABLE facts DELETE WHERE " + step + sync}, undo: copyBack("facts", step),
			want: []string{"task 0 step 7 (epoch 1): table: all 9 rows missing", "facts_hourly"},
		},
		{
			name: "one row deleted",
			do:   []string{"ALTER TABLE facts DELETE WHERE " + step + " AND device = 'GPU-4'" + sync}, undo: copyBack("facts", step+" AND device = 'GPU-4'"),
			want: []string{"task 0 step 7 (epoch 1): table: 1 of 9 rows missing", "energy_j"},
		},
		{
			name: "step doubled",
			do:   copyBack("facts", step),
			undo: append([]string{"ALTER TABLE facts DELETE WHERE " + step + sync}, copyBack("facts", step)...),
			want: []string{"task 0 step 7 (epoch 1): table: 9 rows too many: 18, want 9 (doubled)"},
		},
		{
			name: "figure changed by the smallest unit",
			do:   []string{"ALTER TABLE facts UPDATE energy_j = energy_j + toDecimal64('0.000001', 6) WHERE " + step + " AND device = 'GPU-3'" + sync},
			undo: append([]string{"ALTER TABLE facts DELETE WHERE " + step + sync}, copyBack("facts", step)...),
			want: []string{"task 0 step 7 (epoch 1): table: energy_j"},
		},
		{
			name: "ledger row missing",
			do:   []string{"ALTER TABLE ledger DELETE WHERE " + step + sync}, undo: copyBack("ledger", step),
			want: []string{"task 0 step 7 (epoch 1): ledger: row missing"},
		},
		{
			name: "ledger's end missing",
			do:   []string{"ALTER TABLE ledger DELETE WHERE task = 1 AND step > 18" + sync}, undo: copyBack("ledger", "task = 1 AND step > 18"),
			want: []string{"task 1 step 19 (epoch 1): ledger: row missing", "task 1 step 20 (epoch 1): ledger: row missing"},
		},
		{
			name: "ledger row doubled",
			do:   copyBack("ledger", step),
			undo: append([]string{"ALTER TABLE ledger DELETE WHERE " + step + sync}, copyBack("ledger", step)...),
			want: []string{"task 0 step 7 (epoch 1): ledger: 2 rows, want 1"},
		},
		{
			name: "rows of a step that does not count",
			do:   []string{"INSERT INTO facts SELECT * REPLACE (toUInt64(9) AS epoch) FROM spare_facts WHERE " + step},
			undo: []string{"ALTER TABLE facts DELETE WHERE epoch = 9" + sync},
			want: []string{"task 0 step 7 (epoch 9): table: 9 rows of a step that does not count"},
		},
		{
			name: "rollup changed",
			do:   []string{"INSERT INTO facts_hourly SELECT * FROM spare_facts_hourly LIMIT 1 SETTINGS insert_deduplicate = 0"},
			undo: []string{"TRUNCATE TABLE facts_hourly", "INSERT INTO facts_hourly SELECT * FROM spare_facts_hourly SETTINGS insert_deduplicate = 0"},
			want: []string{"facts_hourly 2026-03-0", "facts have"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			exec(t, client, tt.do...)
			r, text := run(t, b, client, 0)
			if r.Clean || !strings.Contains(text, "differences:") {
				t.Errorf("not found:\n%s", text)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%s", want, text)
				}
			}
			// Rollups of the daily table follow inserts into the hourly one; only
			// the steps must be as they were.
			exec(t, client, tt.undo...)
			after, text := run(t, b, client, 0)
			for _, d := range after.Differences {
				if d.Day == "" {
					t.Errorf("left after undoing it: %v\n%s", d, text)
				}
			}
		})
	}
}

// TestTrimmedLog checks that steps which the log no longer holds are held
// against ledger and table, and that a gap among them shows.
func TestTrimmedLog(t *testing.T) { kafkatest.EachFresh(t, testTrimmedLog) }

func testTrimmedLog(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 1)
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	_, stop := sinktest.Start(t, b, sink.ClickHouse{Client: client})
	for range 10 {
		log.Step(6) // offsets 2n-1 (part) and 2n (commit)
	}
	if r, text := run(t, b, client, time.Minute); !r.Clean {
		t.Fatalf("before trimming:\n%s", text)
	}
	stop()
	if err := kafka.Trim(t.Context(), b.Client(t), record.Facts, 0, 8); err != nil {
		t.Fatal(err)
	}
	r, text := run(t, b, client, 0)
	if !r.Clean || !strings.Contains(text, "no longer holds steps 1 to 4 (it begins at offset 8)") {
		t.Errorf("trimmed log:\n%s", text)
	}
	exec(t, client, "ALTER TABLE facts DELETE WHERE step = 2 AND device = 'GPU-1' SETTINGS mutations_sync = 1",
		"ALTER TABLE ledger DELETE WHERE step = 3 SETTINGS mutations_sync = 1")
	_, text = run(t, b, client, 0)
	for _, want := range []string{
		"task 0 step 2 (epoch 1): table: 1 of 6 rows missing",
		"task 0 step 3: ledger: row missing, and the log no longer holds the step",
		"task 0 step 3 (epoch 1): table: 6 rows of a step that does not count",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// TestRunningSystem verifies again and again while steps arrive: what is under
// way is no difference.
func TestRunningSystem(t *testing.T) { kafkatest.EachFresh(t, testRunningSystem) }

func testRunningSystem(t *testing.T, b *kafkatest.Broker) {
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	sinktest.Topics(t, b, 1)
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	sinktest.Start(t, b, sink.ClickHouse{Client: client})
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range 60 {
			log.Step(20, 10)
		}
	}()
	for running := true; running; {
		select {
		case <-written:
			running = false
		default:
		}
		if r, text := run(t, b, client, time.Minute); !r.Clean {
			t.Fatalf("while running:\n%s", text)
		}
	}
}
