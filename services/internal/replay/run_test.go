package replay

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

func TestReplayPublishesEverything(t *testing.T) { eachBroker(t, checkReplayPublishesEverything) }

func checkReplayPublishesEverything(t *testing.T, b *kafkatest.Broker) {
	var out bytes.Buffer
	dir := fleet(t, 5, 120)
	if err := Run(t.Context(), configOf(dir), settings(t, b, &out)); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	c := readContents(t, b)
	if got, want := len(c.readings), 5*120*2; got != want {
		t.Errorf("%d readings, want %d", got, want)
	}
	if got, want := c.batches, 5*12; got != want {
		t.Errorf("%d records, want %d: ten seconds of a node are one", got, want)
	}
	for name, times := range c.series {
		if !slices.IsSorted(times) {
			t.Errorf("series %s is out of order", name)
		}
	}
	if got, want := c.seals, []string{"n0", "n1", "n2", "n3", "n4"}; !slices.Equal(got, want) {
		t.Errorf("seals %v, want %v", got, want)
	}
	if len(c.devices) != 10 || len(c.rates) != 3 || len(c.placements) != 5 {
		t.Errorf("%d devices, %d rates, %d placements, want 10, 3, 5", len(c.devices), len(c.rates), len(c.placements))
	}
	if got, want := c.placements[4].Revision-uint64(testNow.UnixNano()), uint64(5); got != want {
		t.Errorf("last revision %d after the start, want %d, the row of the file", got, want)
	}
	if got, want := c.progress[len(c.progress)-1].Phase, uint64(phaseSealed); got != want {
		t.Errorf("last progress in phase %d, want %d", got, want)
	}
	if !strings.Contains(out.String(), "all facts are in the store") {
		t.Errorf("output does not tell that all is visible:\n%s", &out)
	}
}

func TestSecondReplayPublishesNothing(t *testing.T) { eachBroker(t, checkSecondReplayPublishesNothing) }

func checkSecondReplayPublishesNothing(t *testing.T, b *kafkatest.Broker) {
	dir := fleet(t, 2, 30)
	var out bytes.Buffer
	if err := Run(t.Context(), configOf(dir), settings(t, b, &out)); err != nil {
		t.Fatal(err)
	}
	first := readContents(t, b)
	out.Reset()
	if err := Run(t.Context(), configOf(dir), settings(t, b, &out)); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(readContents(t, b), first, gocmp.AllowUnexported(contents{})); diff != "" {
		t.Errorf("topics after a second replay (-got +want):\n%s", diff)
	}
	if !strings.Contains(out.String(), "nothing to publish") || !strings.Contains(out.String(), "all facts are in the store") {
		t.Errorf("output of the second replay:\n%s", &out)
	}
}

// A replay that is cut off, again and again at other places, leaves the same
// records in the topics as one that is not.
func TestResumeRepeatsNoReading(t *testing.T) { eachBroker(t, checkResume) }

func checkResume(t *testing.T, b *kafkatest.Broker) {
	dir := fleet(t, 5, 400)
	whole := startBroker(t)
	cfg := configOf(dir)
	cfg.ChunkRows = 500
	var out bytes.Buffer
	if err := Run(t.Context(), cfg, settings(t, whole, &out)); err != nil {
		t.Fatal(err)
	}
	want := readContents(t, whole)

	runs, looks := 0, 1
	for ; ; runs++ {
		ctx, cancel := context.WithCancel(t.Context())
		s := settings(t, b, &out)
		if runs == 4 {
			cfg.ChunkRows = 70 // what it was at the beginning counts
		}
		cut := killAt(looks, cancel)
		looks += 3
		err := runWith(ctx, cfg, s, kgo.WithHooks(cut))
		cancel()
		if err == nil {
			break
		}
		if runs > 300 {
			t.Fatalf("not done after %d runs: %v", runs, err)
		}
	}
	if runs < 5 {
		t.Fatalf("cut off %d times only", runs)
	}
	got := readContents(t, b)
	if diff := gocmp.Diff(got.readings, want.readings); diff != "" {
		t.Errorf("readings (-got +want), after %d cuts:\n%s", runs, diff)
	}
	if diff := gocmp.Diff(got.sampleIDs, want.sampleIDs); diff != "" {
		t.Errorf("records (-got +want):\n%s", diff)
	}
	for name, times := range got.series {
		if !slices.IsSorted(times) {
			t.Errorf("series %s is out of order", name)
		}
	}
	versions := slices.CompactFunc(got.placements, func(a, b telemetry.Placement) bool { return a.Revision == b.Revision })
	if diff := gocmp.Diff(versions, want.placements); diff != "" {
		t.Errorf("versions of placements (-got +want):\n%s", diff)
	}
}

// killer ends a replay at its nth acknowledged batch: what is under way then
// may or may not be in the log.
type killer struct {
	left atomic.Int64
	kill context.CancelFunc
}

func killAt(batch int, kill context.CancelFunc) *killer {
	k := &killer{kill: kill}
	k.left.Store(int64(batch))
	return k
}

func (k *killer) OnProduceBatchWritten(kgo.BrokerMetadata, string, int32, kgo.ProduceBatchMetrics) {
	if k.left.Add(-1) == 0 {
		k.kill()
	}
}

// chunkKiller ends a replay when so many chunks of it are recorded.
type chunkKiller struct {
	chunks uint64
	kill   context.CancelFunc
}

func (k chunkKiller) OnProduceRecordUnbuffered(r *kgo.Record, _ error) {
	if r.Topic != record.Replays {
		return
	}
	if p, err := record.DecodeReplayProgress(r.Value); err == nil && p.Chunks == k.chunks {
		k.kill()
	}
}

func TestReplayGoesOnAfterFaults(t *testing.T) {
	b := startBroker(t)
	dir := writeFiles(t,
		"inventory.csv", inventoryHeader+"n1,,wall,,,,,,,,\nn1,g0,gpu,H100,,,,,,,\n",
		"samples.csv", samplesHeader+"1789477200000,n1,g0,power_watts,400\n1789477201000,n1,g0,power_watts,-1\n1789477202000,n9,g0,power_watts,1\n1789477203000,n1,g0,power_watts,401\n",
		"placements.csv", "",
	)
	var out bytes.Buffer
	err := Run(t.Context(), configOf(dir), settings(t, b, &out))
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Rows != 3 {
		t.Fatalf("error %v, want 3 faults", err)
	}
	c := readContents(t, b)
	if got, want := len(c.readings), 2; got != want {
		t.Errorf("%d readings, want %d", got, want)
	}
	if got, want := len(c.seals), 1; got != want {
		t.Errorf("%d seals, want %d", got, want)
	}
	var reasons []telemetry.Reason
	for _, l := range c.letters {
		reasons = append(reasons, l.Reason)
	}
	slices.Sort(reasons)
	if got, want := reasons, []telemetry.Reason{
		telemetry.Unparsable, telemetry.Negative, telemetry.UnknownNode, telemetry.RateMissing, telemetry.RateMissing, telemetry.RateMissing,
	}; !slices.Equal(got, want) {
		t.Errorf("dead letters %v, want %v", got, want)
	}
	for _, want := range []string{
		`samples.csv:3:33: negative: value "-1" of power_watts: want 0 or more`, `samples.csv:4:15: unknown_node: node "n9": want a node of the inventory`,
		"placements.csv: unparsable: the file is empty", "(1 unparsable, 1 negative, 1 unknown_node)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, &out)
		}
	}
}

// What is warned of is used and counted: each warning is a letter of its own,
// also where several are about one row or a file as a whole.
func TestWarningsAreCounted(t *testing.T) {
	b := startBroker(t)
	placement := func(id, node, devices, end string) string {
		return id + ",slurm,c,train,training,,," + node + "," + devices + ",whole,,2026-09-15T13:00:00Z," + end + ",\n"
	}
	dir := writeFiles(t,
		"inventory.csv", inventoryHeader+"n1,,wall,,,,r,,,,\nn1,g0,gpu,H100,,,,,,,\nn1,g0,gpu,H100,,,,,,,\nn1,g1,gpu,H100,,,,,,,\n",
		"samples.csv", samplesHeader+"1789477200000,n1,g0,power_watts,400\n1789477260000,n1,g0,power_watts,400\n",
		"placements.csv", placementsHeader+placement("a", "n1", "g0", "")+placement("b", "n1", "g1", "")+placement("a", "n1", "g0", "")+placement("c", "n1", "*", "")+
			"d,nomad,c,train,training,,,n1,g0,fraction,0.5,2026-09-15T13:00:00Z,,\n",
		"rates.csv", ratesHeader+"device_price,H100,2,USD/h,,,\ndevice_price,H100,3,USD/h,2026-01-01T00:00:00Z,,\nelectricity,,0.1,EUR/kWh,,,\n",
		"sample.csv", "",
	)
	var out bytes.Buffer
	for range 2 { // the second one publishes nothing
		if err := Run(t.Context(), configOf(dir), settings(t, b, &out)); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
	}
	got := make(map[string]int)
	for _, l := range readContents(t, b).letters {
		got[l.Reason.String()]++
	}
	want := map[string]int{
		"device_versions": 1, "placement_versions": 1, "placement_overlap": 2, "rate_overlap": 1, "rate_missing": 2, "currency_mixed": 1, "ignored": 2,
	}
	if diff := gocmp.Diff(got, want); diff != "" {
		t.Errorf("dead letters by reason (-got +want):\n%s\n%s", diff, &out)
	}
}

// A replay that goes on reports the faults of what it has published before, and
// does not write their letters again.
func TestResumeRepeatsNoLetter(t *testing.T) {
	b := startBroker(t)
	dir := fleet(t, 2, 300)
	path := filepath.Join(dir, "samples.csv")
	samples, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(samples, []byte("power_watts,450\n"), []byte("power_watts,-450\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := configOf(dir)
	cfg.ChunkRows = 300
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := runWith(ctx, cfg, settings(t, b, &out), kgo.WithHooks(chunkKiller{2, cancel})); err == nil {
		t.Fatal("want an interruption")
	}
	before := readContents(t, b)
	if n := len(before.progress); n == 0 || before.progress[n-1].Chunks == 0 || len(before.letters) == 0 {
		t.Fatalf("interrupted before a chunk with letters was recorded: %+v", before.progress)
	}
	err = Run(t.Context(), cfg, settings(t, b, &out))
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Rows != 6 {
		t.Fatalf("error %v, want 6 faults", err)
	}
	lines := make(map[int64]bool)
	after := readContents(t, b)
	for _, l := range after.letters {
		lines[l.Position] = true
	}
	if len(after.letters) != 6 || len(lines) != 6 {
		t.Errorf("%d letters of %d lines, want 6 of 6", len(after.letters), len(lines))
	}
}

func TestStrictStopsAtTheFirstFault(t *testing.T) {
	b := startBroker(t)
	cfg := configOf(writeFiles(t,
		"inventory.csv", inventoryHeader+"n1,,wall,,,,,,,,\n",
		"samples.csv", samplesHeader+"1789477200000,n1,,power_watts,400\n1789477201000,n1,,power_watts,x\n1789477202000,n1,,power_watts,401\n",
	))
	cfg.Strict = true
	var out bytes.Buffer
	if err := Run(t.Context(), cfg, settings(t, b, &out)); !errors.Is(err, ErrFault) {
		t.Fatalf("error %v, want that of a fault", err)
	}
	c := readContents(t, b)
	if len(c.readings) != 1 || len(c.seals) != 0 {
		t.Errorf("%d readings and %d seals, want what stands before the fault: 1 and 0", len(c.readings), len(c.seals))
	}
	cfg.Dir = writeFiles(t, "inventory.csv", inventoryHeader+"n2,,wall,,,,,,,,\n", "rates.csv", ratesHeader+"pue,,0.9,1,,,\n")
	if err := Run(t.Context(), cfg, settings(t, b, &out)); !errors.Is(err, ErrFault) {
		t.Fatalf("error %v, want that of a fault", err)
	}
	if got, want := len(readContents(t, b).devices), 1; got != want {
		t.Errorf("%d devices, want %d: nothing of a directory whose rates have a fault", got, want)
	}
}

func TestAtShiftsAllTimes(t *testing.T) {
	b := startBroker(t)
	cfg := configOf(writeFiles(t,
		"inventory.csv", inventoryHeader+"n1,,wall,,,,,,,,\n",
		"samples.csv", samplesHeader+"2026-09-15T13:00:01Z,n1,,power_watts,400\n2026-09-15T13:00:00Z,n1,,power_watts,400\n",
		"placements.csv", placementsHeader+"p,slurm,c,w,,,,n1,*,whole,,2026-09-15T12:59:00Z,,\n",
		"rates.csv", ratesHeader+"pue,,1.2,1,2026-09-15T00:00:00Z,,\n",
	))
	cfg.At = time.Date(2026, 9, 14, 13, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	if err := Run(t.Context(), cfg, settings(t, b, &out)); err != nil {
		t.Fatal(err)
	}
	c := readContents(t, b)
	at := cfg.At.UnixNano()
	if got, want := c.series["n1  power_watts"], []int64{at + 1e9, at}; !slices.Equal(got, want) {
		t.Errorf("times %v, want %v", got, want)
	}
	if p := c.placements[0]; p.Start != at-60e9 || !p.Open() {
		t.Errorf("placement from %d to %d, want from %d on", p.Start, p.End, at-60e9)
	}
	if r := c.rates[0]; r.From != at-13*3600e9 || r.To != telemetry.MaxTime {
		t.Errorf("rate from %d to %d, want from %d on", r.From, r.To, at-13*3600e9)
	}
}

// What the processor refuses later is part of the replay's outcome.
func TestLateReadingsAreReported(t *testing.T) {
	b := startBroker(t)
	var out bytes.Buffer
	s := settings(t, b, &out)
	s.Ledger = lateLedger{ends{t, b}}
	err := Run(t.Context(), configOf(fleet(t, 1, 30)), s)
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Readings != 7 {
		t.Fatalf("error %v, want 7 refused readings", err)
	}
	if want := "late: readings of node \"n0\" older than its horizon were refused (those sent before already count): 7, from 2026-09-15T13:00:00Z to 2026-09-15T13:00:06Z"; !strings.Contains(out.String(), want) {
		t.Errorf("output lacks %q:\n%s", want, &out)
	}
}

// They are also when they were refused before the replay was interrupted.
func TestLateReadingsBeforeAnInterruption(t *testing.T) {
	b := startBroker(t)
	cfg := configOf(fleet(t, 1, 300))
	cfg.ChunkRows = 50
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := runWith(ctx, cfg, settings(t, b, &out), kgo.WithHooks(chunkKiller{2, cancel})); err == nil {
		t.Fatal("want an interruption")
	}
	if _, err := (lateLedger{ends{t, b}}).Offsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := Run(t.Context(), cfg, settings(t, b, &out))
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Readings != 7 {
		t.Fatalf("error %v, want 7 refused readings\n%s", err, &out)
	}
}

// lateLedger writes the letter that a processor writes of late readings.
type lateLedger struct{ ends }

func (l lateLedger) Offsets(ctx context.Context) (map[int32]record.Offsets, error) {
	client, err := kafka.NewClient(l.b.Config, nil)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	from := time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC).UnixNano()
	letter := record.DeadLetter{Reason: telemetry.Late, Node: "n0", Origin: record.Samples, Count: 7, First: from, Last: from + 6e9}
	e := record.Envelope{ID: "late/n0", // the same each time: a processor repeats a letter after a kill
		Source: "/process/0", Type: record.TypeDeadLetter}
	r := &kgo.Record{Topic: record.DeadLetters, Value: letter.Append(nil), Headers: kafka.RecordHeaders(e.Headers())}
	again := *r
	// Not about this replay's events: a correction, and another replay's row.
	correction, other := letter, letter
	correction.Origin, correction.Reason = record.Corrections, telemetry.OutOfRange
	other.Origin, other.Reason = "samples.csv", telemetry.Negative
	strange := []*kgo.Record{
		{Topic: record.DeadLetters, Value: correction.Append(nil), Headers: kafka.RecordHeaders(record.Envelope{ID: "correction", Source: "/process/0", Type: record.TypeDeadLetter}.Headers())},
		{Topic: record.DeadLetters, Value: other.Append(nil), Headers: kafka.RecordHeaders(record.Envelope{ID: "other", Source: sourceOf("another replay's"), Type: record.TypeDeadLetter}.Headers())},
	}
	if err := client.ProduceSync(ctx, append(strange, r, &again)...).FirstErr(); err != nil {
		return nil, err
	}
	return l.ends.Offsets(ctx)
}
