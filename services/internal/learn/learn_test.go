package learn

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
)

func TestMain(m *testing.M) {
	if os.Getenv("NTEGRAL_TEST_CHSERVER") != "" {
		chservertest.Main(m)
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

var midnight = time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)

// window makes the fact of an idle minute of a device that nobody held.
func window(model, device string, minute int, watts float64, edit func(*fact.Row)) fact.Row {
	r := fact.Row{}
	r.WindowStart, r.WindowLength = midnight.Add(time.Duration(minute)*time.Minute).UnixNano(), int64(time.Minute)
	r.Node, r.Device, r.DeviceKind, r.DeviceModel, r.Region, r.State = "n1", device, "gpu", model, "eu", fact.StateUnallocated
	s := &r.Sums
	s[fact.DeviceSeconds], s[fact.KnownSeconds], s[fact.CoveredSeconds] = 60e9, 60e9, 60e9
	s[fact.Overhead] = 7_000_001
	s[fact.Energy] = int64(watts*60e6) + s[fact.Overhead]
	s[fact.Intervals] = 1
	r.RecordedAt, r.Epoch, r.Step, r.Reason = midnight.Add(24*time.Hour).UnixNano(), 1, 1, fact.ReasonClosed
	if edit != nil {
		edit(&r)
	}
	return r
}

func set(c fact.Column, v int64) func(*fact.Row) {
	return func(r *fact.Row) { r.Sums[c] = v }
}

// halves splits a window between two holders: only together it is whole.
func halves(r fact.Row) []fact.Row {
	a, b := r, r
	a.Placement, a.State = "p1", fact.StateAllocatedIdle
	for i, v := range r.Sums {
		a.Sums[i] = v / 3
		b.Sums[i] = v - a.Sums[i]
	}
	return []fact.Row{a, b}
}

// facts are 80 idle windows of two cards of 70 to 109 W, and beside them what
// must not count: less power, in windows that are not idle or not fully known.
func facts() []fact.Row {
	var rows []fact.Row
	for i := range 40 {
		rows = append(rows, halves(window("H100", "GPU-0", i, 70+float64(i), nil))...)
		rows = append(rows, window("H100", "GPU-1", i, 70+float64(i), set(fact.BusySeconds, 600e6-1)))
	}
	for i, edit := range []func(*fact.Row){
		set(fact.BusySeconds, 600e6), // a hundredth of the minute is used
		set(fact.KnownSeconds, 60e9-1),
		set(fact.CoveredSeconds, 60e9-1),
		set(fact.Estimated, 1),
		func(r *fact.Row) {
			r.Sums[fact.DeviceSeconds], r.Sums[fact.KnownSeconds], r.Sums[fact.CoveredSeconds] = 30e9, 30e9, 30e9
		},
		func(r *fact.Row) { r.DeviceKind = "mig" },
		func(r *fact.Row) { r.DeviceModel = "" },
		func(r *fact.Row) { r.WindowStart = midnight.Add(-time.Minute).UnixNano() },
		func(r *fact.Row) { r.WindowStart = midnight.Add(100 * time.Minute).UnixNano() },
	} {
		rows = append(rows, window("H100", "GPU-0", 50+i, 1, edit))
	}
	// Taken back, and found to be in use after all.
	rows = append(rows, window("H100", "GPU-1", 60, 1, nil), window("H100", "GPU-1", 60, 1, func(r *fact.Row) {
		for i := range r.Sums {
			r.Sums[i] *= -1
		}
	}), window("H100", "GPU-1", 61, 1, nil), window("H100", "GPU-1", 61, 0, func(r *fact.Row) { r.Sums = fact.Sums{fact.BusySeconds: 40e9} }))
	for i := range 59 {
		rows = append(rows, window("L4", fmt.Sprintf("GPU-%d", 2+i%2), i, 16, nil))
	}
	for i := range 61 {
		rows = append(rows, window("A100", fmt.Sprintf("GPU-%d", 4+i%2), i, 47.1234567, nil))
	}
	return rows
}

func store(t *testing.T) *clickhouse.Client {
	t.Helper()
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	target := sink.ClickHouse{Client: client}
	if err := target.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := fact.NewBuilder()
	days := map[string][]fact.Row{} // a part has one day's rows
	for _, row := range facts() {
		day := time.Unix(0, row.WindowStart).UTC().Format(time.DateOnly)
		days[day] = append(days[day], row)
	}
	for day, rows := range days {
		stream, _, err := b.Encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		if err := target.InsertPart(t.Context(), day, bytes.NewReader(stream)); err != nil {
			t.Fatal(err)
		}
	}
	return client
}

// topic returns all rates that have been published.
func topic(t *testing.T, b *kafkatest.Broker) []telemetry.Rate {
	t.Helper()
	var out []telemetry.Rate
	r := &run{cfg: DefaultConfig(), set: Settings{Kafka: b.Config}}
	table, err := r.readRates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	table.table.Each(func(row *telemetry.Rate) { out = append(out, *row) })
	return out
}

func publishRate(t *testing.T, b *kafkatest.Broker, r telemetry.Rate) {
	t.Helper()
	rec := &kgo.Record{Topic: record.Rates, Key: []byte(record.RatesKey), Value: record.AppendRate(nil, &r)}
	for _, h := range (record.Envelope{ID: "1", Source: "/test", Type: record.TypeRate}).Headers() {
		rec.Headers = append(rec.Headers, kgo.RecordHeader(h))
	}
	if err := b.Client(t).ProduceSync(t.Context(), rec).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestLearn(t *testing.T) {
	client, broker := store(t), kafkatest.InProcess(t)
	sinktest.Topics(t, broker, 2)
	set := Settings{Kafka: broker.Config, Store: client, Logger: kafkatest.Logger(t)}
	learn := func(edit func(*Config)) *Report {
		t.Helper()
		cfg := DefaultConfig()
		cfg.From, cfg.To = midnight, midnight.Add(100*time.Minute)
		edit(&cfg)
		found, err := Run(t.Context(), cfg, set)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	known := telemetry.Rate{Kind: telemetry.RateIdlePower, Key: "A100", Value: 47_000_000, From: telemetry.MinTime, To: telemetry.MaxTime, Source: "list"}
	publishRate(t, broker, known)

	current := unit.Power(known.Value)
	want := []Model{
		{Key: "A100", Windows: 61, Devices: 2, Figure: 47_123_457, Median: 47_123_457, Current: &current, Action: Keep},
		{Key: "H100", Windows: 80, Devices: 2, Figure: 71_000_000, Median: 89_000_000, Action: WouldPublish},
		{Key: "L4", Windows: 59, Devices: 2, Figure: 16_000_000, Median: 16_000_000, Action: TooLittle},
	}
	found := learn(func(*Config) {})
	if diff := cmp.Diff(want, found.Models); diff != "" || found.Published != 0 {
		t.Errorf("found (-want +got), %d published:\n%s", found.Published, diff)
	}
	if diff := cmp.Diff([]telemetry.Rate{known}, topic(t, broker)); diff != "" {
		t.Errorf("without --publish (-want +got):\n%s", diff)
	}

	publish := func(c *Config) { c.Publish = true }
	if found = learn(publish); found.Published != 1 {
		t.Errorf("%d published, want 1: %+v", found.Published, found.Models)
	}
	learned := telemetry.Rate{
		Kind: telemetry.RateIdlePower, Key: "H100", Value: 71_000_000, From: midnight.Add(100 * time.Minute).UnixNano(), To: telemetry.MaxTime,
		Source: "learned by ntegral from facts 2026-05-04T00:00:00Z..2026-05-04T01:40:00Z: 80 windows of 2 devices, 5 % quantile",
	}
	if diff := cmp.Diff([]telemetry.Rate{known, learned}, topic(t, broker)); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprint(found.Models), "eu") {
		t.Errorf("no region has a rate of its own: %+v", found.Models)
	}
	if found = learn(publish); found.Published != 0 || found.Models[1].Action != Keep {
		t.Errorf("the second run: %d published, %+v", found.Published, found.Models)
	}

	// The rate of a model serves its regions, until one has its own. Before it
	// applies there is none.
	if found = learn(func(c *Config) { c.ByRegion = true }); found.Models[1].Key != "H100@eu" || found.Models[1].Action != Keep {
		t.Errorf("by region: %+v", found.Models[1])
	}
	own := known
	own.Key, own.Value, own.To = "H100@eu", 70_000_000, midnight.Add(3*time.Hour).UnixNano()
	publishRate(t, broker, own)
	own.From--
	publishRate(t, broker, own) // another row of it
	for _, tc := range []struct {
		edit func(*Config)
		want []string
	}{
		{func(*Config) {}, []string{"eu"}},
		{func(c *Config) { c.ByRegion = true }, nil},
		{func(c *Config) { c.ValidFrom = midnight.Add(3 * time.Hour) }, nil}, // when it is over
	} {
		if found = learn(tc.edit); !slices.Equal(found.Models[1].Apart, tc.want) || found.Models[0].Apart != nil {
			t.Errorf("regions with rates of their own: %+v, want %q of the second", found.Models, tc.want)
		}
	}
	if found = learn(func(c *Config) { c.ValidFrom = midnight }); found.Models[1].Current != nil || found.Models[1].Action != WouldPublish {
		t.Errorf("valid from an earlier time: %+v", found.Models[1])
	}
}

func TestRangeIsThatOfTheFacts(t *testing.T) {
	client, broker := store(t), kafkatest.InProcess(t)
	sinktest.Topics(t, broker, 2)
	set := Settings{Kafka: broker.Config, Store: client}
	found, err := Run(t.Context(), DefaultConfig(), set)
	if err != nil {
		t.Fatal(err)
	}
	end := midnight.Add(101 * time.Minute)
	if !found.To.Equal(end) || !found.From.Equal(end.Add(-7*24*time.Hour)) || !found.ValidFrom.Equal(end) {
		t.Errorf("learned from %s to %s for %s", found.From, found.To, found.ValidFrom)
	}
	var out bytes.Buffer
	if err := found.Write(&out, "json"); err != nil || !strings.Contains(out.String(), `"windows": 82`) {
		t.Errorf("%v:\n%s", err, out.String())
	}
	cfg := DefaultConfig()
	cfg.To = midnight.Add(time.Second)
	if _, err := Run(t.Context(), cfg, set); err == nil || !strings.Contains(err.Error(), "not on the edge") {
		t.Errorf("a range that cuts a window: %v", err)
	}
	cfg.To, cfg.From = time.Time{}, end
	if _, err := Run(t.Context(), cfg, set); err == nil || !strings.Contains(err.Error(), "is not before to") {
		t.Errorf("a range behind the facts: %v", err)
	}
	if err := client.Exec(t.Context(), "TRUNCATE TABLE facts"); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), DefaultConfig(), set); err == nil || !strings.Contains(err.Error(), "no facts yet") {
		t.Errorf("without facts: %v", err)
	}
}

func TestTable(t *testing.T) {
	power := unit.Power(68_000_000)
	r := &Report{From: midnight, To: midnight.Add(time.Hour), ValidFrom: midnight.Add(time.Hour), Quantile: 50_000, Models: []Model{
		{Key: "H100", Windows: 120, Devices: 8, Figure: 71_000_000, Median: 80_500_000, Current: &power, Action: WouldPublish, Apart: []string{"eu", "us"}},
		{Key: "L4", Windows: 3, Devices: 1, Figure: 16_000_000, Median: 16_000_000, Action: TooLittle},
	}}
	var out bytes.Buffer
	if err := r.Write(&out, "table"); err != nil {
		t.Fatal(err)
	}
	want := `facts from 2026-05-04T00:00:00Z to 2026-05-04T01:00:00Z
  model  windows  devices  5 % quantile W   median W  current W           action
   H100      120        8       71.000000  80.500000  68.000000    would publish
     L4        3        1       16.000000  16.000000          -  too little seen
H100 has a rate of its own in eu, us, which one for all regions does not reach: see --by-region
learn: 1 rate would be published, valid from 2026-05-04T01:00:00Z; nothing was changed (--publish)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
