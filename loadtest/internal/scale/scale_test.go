package scale

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/schemas/record"
)

func options() Options {
	return Options{Interval: time.Second, History: 20 * time.Minute, Tasks: 4, MaxDisk: 40e9, Out: io.Discard, Log: io.Discard}
}

func TestDiskIsAskedForFirst(t *testing.T) {
	var said bytes.Buffer
	o := options()
	o.Log = &said
	has := func(n int64) func(string) (int64, error) { return func(string) (int64, error) { return n, nil } }
	if err := o.checkDisk(100_000, "/d", has(100e9)); err != nil || !strings.Contains(said.String(), "of disk, 100.0 GB are free") {
		t.Errorf("%v, said %q", err, said.String())
	}
	if err := o.checkDisk(100_000, "/d", has(5e9)); err == nil || !strings.Contains(err.Error(), "/d has 5.0 GB") {
		t.Errorf("a full disk: %v", err)
	}
	if err := o.checkDisk(1_000_000, "/d", has(1e15)); err == nil || !strings.Contains(err.Error(), "--max-disk-gb") {
		t.Errorf("more than is allowed: %v", err)
	}
	if err := o.checkDisk(1, "/d", func(string) (int64, error) { return 0, errors.New("gone") }); err == nil {
		t.Error("a disk that cannot be looked at is taken")
	}
}

func TestOptionsListTheirFaults(t *testing.T) {
	o := options()
	o.Interval, o.Tasks, o.Live = 7*time.Second, 0, -time.Second
	err := o.validate(0)
	for _, want := range []string{"accelerators 0", "interval 7s", "tasks 0", "live -1s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func logRecord(kind string, value []byte) *kgo.Record {
	return &kgo.Record{Partition: 2, Headers: []kgo.RecordHeader{{Key: "ce_type", Value: []byte(kind)}}, Value: value}
}

func TestFollowerTellsEpochsApart(t *testing.T) {
	f := &follower{tasks: map[int32]standing{}}
	at := time.Unix(100, 0)
	open := record.Open{Task: 2, Epoch: 3, ID: "x"}
	commit := record.Commit{Task: 2, Epoch: 3, Step: 7, Parts: 1, Rows: 5, Readings: 40, Inputs: record.Offsets{Samples: 11}}
	for i, r := range []*kgo.Record{
		logRecord(record.TypeCommit, commit.Append(nil)), // of the epoch before
		logRecord(record.TypeOpen, open.Append(nil)),
		logRecord(record.TypePart, []byte("twelve bytes")),
		logRecord(record.TypeCommit, commit.Append(nil)),
		logRecord(record.TypeCommit, commit.Append(nil)),
	} {
		if err := f.add(r, at.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	tasks, sum, err := f.now()
	if want := (tally{commits: 3, parts: 1, rows: 15, bytes: 12, readings: 120}); err != nil || sum != want {
		t.Errorf("tally %+v, %v, want %+v", sum, err, want)
	}
	s := tasks[2]
	if s.epoch != 3 || s.step != 7 || s.samples != 11 || s.opened != at.Add(time.Second) || s.first != at.Add(3*time.Second) {
		t.Errorf("standing %+v", s)
	}
	if err := f.add(logRecord(record.TypeCommit, []byte{0xff}), at); err == nil {
		t.Error("a broken commit passes")
	}
}

// lagging is a course whose lag is a sawtooth that rises by slope a second.
func lagging(seconds int, slope float64) *course {
	c := &course{}
	for i := range seconds {
		c.moments = append(c.moments, moment{time.Duration(i) * time.Second, 1 + math.Mod(float64(i), 30)/30 + slope*float64(i)})
	}
	return c
}

func TestGrowingLagIsNotSustained(t *testing.T) {
	for _, c := range []struct {
		name  string
		of    *course
		holds bool
	}{
		{"sawtooth", lagging(120, 0), true},
		{"falls", lagging(120, -0.05), true},
		{"grows", lagging(120, 0.05), false},
		{"grows slowly for long", lagging(600, 0.012), false},
		{"over at once", lagging(1, 0), true},
		{"late generator", &course{late: 3}, false},
	} {
		if got := c.of.sustained(); got != c.holds {
			slope, growth := c.of.trend()
			t.Errorf("%s: sustained %v, want %v (%.3f s/s, %.1f s)", c.name, got, c.holds, slope, growth)
		}
	}
	if mean, most, last := lagging(2, 1).lags(); mean < 1.5 || most != last || last < 2 {
		t.Errorf("lags %v %v %v", mean, most, last)
	}
}

func TestStallsAreRead(t *testing.T) {
	text := "# HELP x\nntegral_process_checkpoint_duration_seconds_bucket{le=\"0.1\"} 3\nntegral_process_checkpoint_duration_seconds_sum 1.5\nntegral_process_checkpoint_duration_seconds_count 3\n"
	got, err := readStall(strings.NewReader(text))
	if err != nil || got != (stall{3, 1.5}) || got.mean() != "0.50" {
		t.Errorf("stall %+v, mean %s, %v", got, got.mean(), err)
	}
	if _, err := readStall(strings.NewReader("ntegral_process_checkpoint_duration_seconds_sum x\n")); err == nil {
		t.Error("a sum that is no number passes")
	}
	if got := (stall{}).mean(); got != "-" {
		t.Errorf("mean of none: %s", got)
	}
}

func TestCheckpointsAreSizedByTheirChunks(t *testing.T) {
	for chunks, want := range map[int64]int64{0: 0, 1: 0, 2: chunkSize / 2, 4: chunkSize * 5 / 2} {
		if got := (saved{chunks: chunks}).bytes(); got != want {
			t.Errorf("%d chunks: %d bytes, want %d", chunks, got, want)
		}
	}
}

func TestTableHasAColumnASize(t *testing.T) {
	usage := func(cpu time.Duration, peak int64) map[string]product.Usage {
		u := map[string]product.Usage{}
		for _, p := range parts {
			u[p] = product.Usage{CPU: cpu, PeakRSS: peak}
		}
		return u
	}
	one := &figures{
		accelerators: 1_000, readings: 6_000_000, span: 20 * time.Minute, processed: time.Second, stored: 2 * time.Second,
		before: usage(0, 0), after: usage(time.Second, 8e6), log: tally{commits: 4, parts: 6, rows: 24_000, bytes: 12e6},
	}
	two := *one
	two.live = &course{span: time.Minute, before: usage(0, 0), after: usage(30*time.Second, 9e6), log: tally{commits: 60, parts: 60}}
	var b bytes.Buffer
	printSizes(&b, []*figures{one, &two})
	var rows [][]string
	for line := range strings.Lines(b.String()) {
		var cells []string
		for _, c := range strings.Split(strings.Trim(line, "|\n"), "|") {
			cells = append(cells, strings.TrimSpace(c))
		}
		rows = append(rows, cells)
	}
	for name, want := range map[string][]string{
		"readings/s, until stored":         {"3,000,000", "3,000,000"},
		"times faster than live":           {"600.0", "600.0"},
		"CPU-ms an accelerator-hour, sink": {"3.00", "3.00"},
		"CPU-ms an accelerator-hour, all":  {"12.00", "12.00"},
		"fact rows a second, live":         {"20", "20"},
		"sustained":                        {"-", "yes"},
		"cores used, store":                {"-", "0.50"},
		"blocks a second at the sink":      {"-", "2.0"},
	} {
		var got []string
		for _, r := range rows {
			if r[0] == name {
				got = r[1:]
			}
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
	}
}

func TestGeneratorThatEndsEarlyIsAnError(t *testing.T) {
	g, err := startGenerator("/bin/false", "", cluster.Standard(1), time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.await(t.Context(), cluster.Filled); !errors.Is(err, errNotFilled) {
		t.Errorf("await = %v, want %v", err, errNotFilled)
	}
	g.stop()
}

func TestRecoveryIsThatOfTheSlowestTask(t *testing.T) {
	v := &recovery{committed: map[int32]time.Duration{0: time.Second, 3: 4 * time.Second}, caughtUp: 5 * time.Second, cpu: 3 * time.Second, load: "0.50", verdict: "equal"}
	var b bytes.Buffer
	v.print(RecoveryOptions{Options: Options{Out: &b}})
	if v.took() != 4*time.Second || !strings.Contains(b.String(), "recovered_s=4.0 cpu_s=3.0 load_average=0.50 caught_up_s=5.0 lag_before_s=0.0 verify=\"equal\"\n") {
		t.Errorf("took %s:\n%s", v.took(), b.String())
	}
}
