package reconcile

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

// lateSystem has had readings, a placement and a tariff that came too late.
func lateSystem(t *testing.T, b *kafkatest.Broker, dated bool) *system {
	t.Helper()
	s := newSystem(t, b)
	s.dated = dated
	s.estate()
	for _, n := range nodes {
		if n == "n0" {
			s.minutes(n, 0, 30)
			s.minutes(n, 60, length)
			continue
		}
		s.minutes(n, 0, length)
	}
	s.settle() // else what is late would not be
	s.minutes("n0", 30, 60)
	s.lateDimensions()
	s.settle()
	return s
}

// promptSystem has had the same in order.
func promptSystem(t *testing.T, b *kafkatest.Broker) *system {
	t.Helper()
	s := newSystem(t, b)
	s.estate()
	s.lateDimensions()
	for _, n := range nodes {
		s.minutes(n, 0, length)
	}
	s.settle()
	return s
}

// TestLateBecomesRight is the promise: after a run of reconcile, a report is
// that of a system which has had everything in order; the report as of before
// stays what it was; everything is there once; another run changes nothing.
func TestLateBecomesRight(t *testing.T) { kafkatest.EachFresh(t, testLateBecomesRight) }

func testLateBecomesRight(t *testing.T, b *kafkatest.Broker) {
	s := lateSystem(t, b, false)
	before, old := s.newest(), s.report(time.Time{}, time.Time{})
	want := promptSystem(t, kafkatest.InProcess(t)).report(time.Time{}, time.Time{})
	if old == want {
		t.Fatal("the test means to have something to put right")
	}

	dry := s.reconcile(func(c *Config) { c.DryRun = true })
	if got := s.report(time.Time{}, time.Time{}); got != old || dry.Rows == 0 {
		t.Errorf("a dry run of %d rows changed the report:\n%s", dry.Rows, got)
	}
	r := s.reconcile(func(c *Config) { c.Chunk = 47 * time.Minute })
	if r.Taken != dry.Rows || r.TooNew != 0 || !r.Complete() {
		t.Errorf("the dry run found %d rows; %+v", dry.Rows, r)
	}
	if got := s.report(time.Time{}, time.Time{}); got != want {
		t.Errorf("reconciled:\n%s\nwant, as in order:\n%s", got, want)
	}
	if got := s.report(before, time.Time{}); got != old {
		t.Errorf("as of %s, now:\n%s\nthen:\n%s", before, got, old)
	}
	s.verify()

	again := s.reconcile(func(c *Config) { c.From, c.To = c.From.AddDate(0, -2, 0), c.To.AddDate(0, 2, 0) })
	if again.Rows != 0 {
		t.Errorf("another run found %d rows", again.Rows)
	}
	var text bytes.Buffer
	if err := again.Write(&text, "text"); err != nil || !strings.Contains(text.String(), "in order: no row differs") {
		t.Errorf("%v: it says %s", err, text.String())
	}

	// A processor that begins again, from its log and checkpoints, says the same.
	s.stop()
	s.startProcessor()
	s.minutes("n3", length, length+3)
	s.settle()
	if got := s.reconcile(); got.Rows != 0 {
		t.Errorf("after a restart %d rows differ", got.Rows)
	}
	s.verify()
}

// TestReadingsThatAreGone deletes the oldest samples: what they measured must
// stay in the store, whatever is asked for.
func TestReadingsThatAreGone(t *testing.T) {
	t.Run("live", func(t *testing.T) { testReadingsThatAreGone(t, true) })
	t.Run("replayed", func(t *testing.T) { testReadingsThatAreGone(t, false) })
}

func testReadingsThatAreGone(t *testing.T, live bool) {
	b := kafkatest.InProcess(t)
	s := lateSystem(t, b, live)
	everything := start + (length+60)*minute
	old := s.facts(everything)
	deleteSamples(t, s, 20)

	r := s.reconcile(func(c *Config) { c.Chunk = time.Hour })
	if !r.Clipped || r.Complete() {
		t.Errorf("it says nothing of what is gone: %+v", r)
	}
	if live != (r.Rows > 0) {
		t.Errorf("%d rows corrected", r.Rows)
	}
	for _, k := range r.Kept {
		if k.Whole || k.Nothing || k.From.UnixNano() <= start+80*minute {
			t.Errorf("task %d: %s", k.Task, k)
		}
	}
	if !live {
		s.sameFacts(s.facts(everything), old)
		return
	}
	clipped := everything
	for _, k := range r.Kept {
		clipped = min(clipped, k.From.UnixNano())
	}
	s.sameFacts(s.facts(clipped), before(old, clipped))
	s.verify()
	deleteSamples(t, s, -1)
	if r := s.reconcile(); r.Rows != 0 || !r.Clipped {
		t.Errorf("without any samples: %+v", r)
	}
}

func before(rows []fact.Row, end int64) (some []fact.Row) {
	for _, r := range rows {
		if r.WindowStart < end {
			some = append(some, r)
		}
	}
	return some
}

// deleteSamples deletes so many of the oldest records of each partition; -1:
// all of them.
func deleteSamples(t *testing.T, s *system, n int64) {
	t.Helper()
	var to kadm.Offsets
	for task := range int32(tasks) {
		to.Add(kadm.Offset{Topic: record.Samples, Partition: task, At: n, LeaderEpoch: -1})
	}
	deleted, err := kadm.NewClient(s.client).DeleteRecords(t.Context(), to)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRefusals names what a run refuses before it does anything.
func TestRefusals(t *testing.T) {
	b := kafkatest.InProcess(t)
	s := newSystem(t, b)
	s.estate()
	s.minutes("n0", 0, 2)
	s.settle()
	from := time.Unix(0, start)
	for _, tt := range []struct {
		name string
		with func(*Config, *Settings)
		want string
	}{
		{"no range", func(c *Config, _ *Settings) { c.From = time.Time{} }, "give --from and --to"},
		{"nothing between", func(c *Config, _ *Settings) { c.To = c.From }, "is not before"},
		{"a short chunk", func(c *Config, _ *Settings) { c.Chunk = time.Second }, "chunk 1s"},
		{"an unknown task", func(c *Config, _ *Settings) { c.Tasks = []int32{7} }, "there is no task 7"},
		{"other definitions", func(_ *Config, set *Settings) { set.Engine.MaxGap = time.Minute }, "NTEGRAL_PROCESS_"},
		{"a processor that is away", func(c *Config, _ *Settings) { s.stop(); c.Wait = 200 * time.Millisecond }, "do ntegral process and ntegral sink run?"},
	} {
		cfg, set := DefaultConfig(), s.settings()
		cfg.From, cfg.To = from, from.Add(time.Hour)
		tt.with(&cfg, &set)
		if _, err := Run(t.Context(), cfg, set); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestKeptCovers: what is asked for is cut at what is there.
func TestKeptCovers(t *testing.T) {
	from := time.Unix(0, 100)
	for _, tt := range []struct {
		kept     Kept
		from, to int64
	}{
		{Kept{Whole: true}, 50, 150},
		{Kept{Nothing: true}, 150, 150},
		{Kept{From: from}, 100, 150},
		{Kept{From: time.Unix(0, 40)}, 50, 150},
		{Kept{From: time.Unix(0, 150)}, 150, 150},
		{Kept{From: time.Unix(0, 400)}, 150, 150},
	} {
		if f, to := tt.kept.covers(50, 150); f != tt.from || to != tt.to {
			t.Errorf("%s: [%d, %d), want [%d, %d)", tt.kept, f, to, tt.from, tt.to)
		}
	}
}

// TestWithReadings: what is measured in the store and wholly absent from the
// past is left alone; what is there in part, or was never measured, is not.
func TestWithReadings(t *testing.T) {
	row := func(node string, at int64, column fact.Column, v int64) fact.Row {
		r := fact.Row{Key: fact.Key{Node: node, WindowStart: at}}
		r.Sums[column] = v
		return r
	}
	right := []fact.Row{row("a", 1, fact.Energy, 1)}
	written := []fact.Row{
		row("a", 1, fact.KnownSeconds, 1), row("a", 2, fact.CoveredSeconds, 1), row("a", 2, fact.DeviceSeconds, 1),
		row("a", 3, fact.DeviceSeconds, 1), row("b", 1, fact.Energy, 1),
	}
	kept, gone := withReadings(right, written)
	if len(kept) != 2 || kept[0].WindowStart != 1 || kept[1].WindowStart != 3 || gone != 2 {
		t.Errorf("kept %d rows, %d windows gone", len(kept), gone)
	}
}
