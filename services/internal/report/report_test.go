package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/report"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
)

var update = flag.Bool("update", false, "rewrite the expected reports")

func TestMain(m *testing.M) {
	if os.Getenv("NTEGRAL_TEST_CHSERVER") != "" {
		chservertest.Main(m)
	}
	goleak.VerifyTestMain(m)
}

var (
	midnight = time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	first    = midnight.Add(24 * time.Hour) // step 1 was recorded
	second   = first.Add(time.Hour)         // step 2
)

// row makes a fact of one window: a device-minute of 100 J in which half was
// busy, and so on, times n.
func row(workload string, minute int, n int64, edit func(*fact.Row)) fact.Row {
	r := fact.Row{}
	r.WindowStart, r.WindowLength = midnight.Add(time.Duration(minute)*time.Minute).UnixNano(), int64(time.Minute)
	r.Node, r.Device, r.Workload, r.Placement = "n1", "GPU-0", workload, "p-"+workload
	r.Cluster, r.Region, r.Currency, r.Team = "c", "eu", "EUR", "team of "+workload
	s := &r.Sums
	s[fact.DeviceSeconds], s[fact.BusySeconds], s[fact.KnownSeconds], s[fact.CoveredSeconds] = n*60e9, n*30e9, n*60e9, n*54e9
	s[fact.Energy], s[fact.Overhead], s[fact.Facility], s[fact.Estimated] = n*100_000_000, n*7_000_001, n*120_000_000, n*3
	s[fact.HoldCost], s[fact.EnergyCost] = n*2_000_000_001, n*500_000_000
	s[fact.CarbonLocation], s[fact.CarbonMarket], s[fact.Embodied] = n*40_000_000, n*10_000_000, n*5_000_000
	s[fact.Intervals], s[fact.CostIntervals], s[fact.LocationIntervals], s[fact.MarketIntervals], s[fact.EmbodiedIntervals] = n, n, n, n, n
	r.State = fact.StateActive
	if workload == "" {
		r.State = fact.StateUnallocated
	}
	r.RecordedAt, r.Task, r.Epoch, r.Step, r.Reason = first.UnixNano(), 0, 1, 1, fact.ReasonClosed
	if edit != nil {
		edit(&r)
	}
	return r
}

func unknown(columns ...fact.Column) func(*fact.Row) {
	return func(r *fact.Row) {
		for _, c := range columns {
			r.Sums[c] = 0
		}
	}
}

// facts are the table that every case reads.
func facts() []fact.Row {
	corrected := func(r *fact.Row) { r.RecordedAt, r.Step, r.Reason = second.UnixNano(), 2, fact.ReasonCorrected }
	rows := []fact.Row{
		row("train", 0, 1, nil), row("train", 1, 1, nil),
		row("train", 1, -1, corrected), row("late", 1, 1, corrected), // re-attributed
		row("", 0, 1, nil),
		row("Zürich, \"1\"", 0, 1, nil),
		row("retracted", 0, 1, nil), row("retracted", 0, -1, corrected),
		// Two currencies, one without a known cost beside them.
		row("abroad", 0, 1, func(r *fact.Row) { r.Currency = "USD" }),
		row("abroad", 1, 1, nil),
		row("abroad", 2, 1, func(r *fact.Row) {
			r.Currency = ""
			unknown(fact.HoldCost, fact.EnergyCost, fact.CostIntervals)(r)
		}),
		row("nobody knows", 0, 1, func(r *fact.Row) {
			r.Currency = ""
			unknown(fact.HoldCost, fact.EnergyCost, fact.CostIntervals, fact.CarbonLocation, fact.LocationIntervals,
				fact.CarbonMarket, fact.MarketIntervals, fact.Embodied, fact.EmbodiedIntervals)(r)
		}),
		// A cost of nothing is known.
		row("free", 0, 1, unknown(fact.HoldCost, fact.EnergyCost)),
		row("cpu only", 0, 1, func(r *fact.Row) {
			r.Node, r.Device, r.State = "n0", "", ""
			unknown(fact.DeviceSeconds, fact.BusySeconds, fact.KnownSeconds, fact.CoveredSeconds)(r)
		}),
		// Present, and nothing else is known of it.
		row("dark", 0, 1, func(r *fact.Row) {
			r.Node, r.Device, r.State, r.Currency, r.Sums = "n9", "", "", "", fact.Sums{fact.Intervals: 1}
		}),
		// More µJ than 64 bits hold.
	}
	for i := range 20 {
		rows = append(rows, row("vast", 3+i, 1, func(r *fact.Row) { r.Sums[fact.Energy] = 900_000_000_000_000_000; r.Team = "vast" }))
	}
	return rows
}

// store fills a store with facts and a ledger that ends with step 2.
func store(t *testing.T) *clickhouse.Client {
	t.Helper()
	client := sinktest.Client(t, chservertest.Start(t, t.TempDir()))
	target := sink.ClickHouse{Client: client}
	if err := target.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := fact.NewBuilder()
	stream, _, err := b.Encode(facts())
	if err != nil {
		t.Fatal(err)
	}
	if err := target.InsertPart(t.Context(), "0/1/1/1", bytes.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{first, second} {
		if err := target.InsertLedger(t.Context(), at.String(), []string{"task", "recorded_at"}, []any{int32(0), at}); err != nil {
			t.Fatal(err)
		}
	}
	return client
}

func TestReports(t *testing.T) {
	client := store(t)
	for _, tt := range []struct {
		name string
		q    report.Query
	}{
		{"workload.csv", report.Query{By: "workload"}},
		{"workload.json", report.Query{By: "workload"}},
		{"workload.table", report.Query{By: "workload"}},
		{"device.csv", report.Query{By: "device"}},
		{"device.table", report.Query{By: "device"}},
		{"state.csv", report.Query{By: "state"}},
		{"state.table", report.Query{By: "state"}},
		{"range.csv", report.Query{By: "workload", From: midnight.Add(time.Minute), To: midnight.Add(2 * time.Minute)}},
		{"as_of_first.csv", report.Query{By: "workload", AsOf: first, To: midnight.Add(2 * time.Minute)}},
		{"as_of_second.csv", report.Query{By: "workload", AsOf: second, To: midnight.Add(2 * time.Minute)}},
		{"nothing.csv", report.Query{By: "team", From: midnight.Add(time.Hour)}},
		{"nothing.json", report.Query{By: "team", From: midnight.Add(time.Hour)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Format = strings.TrimPrefix(filepath.Ext(tt.name), ".")
			var got bytes.Buffer
			if err := report.Write(t.Context(), report.Source{Store: client, Inputs: idle}, tt.q, &got); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", tt.name)
			if *update {
				if os.Getenv("CI") != "" {
					t.Fatal("-update rewrites what CI compares with")
				}
				if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("bounds", func(t *testing.T) { testBounds(t, client) })
	t.Run("as of", func(t *testing.T) { testAsOf(t, client) })
}

func testBounds(t *testing.T, client *clickhouse.Client) {
	for _, tt := range []struct {
		name string
		q    report.Query
		want string
	}{
		{"from inside a window", report.Query{From: midnight.Add(30 * time.Second)}, "from 2026-05-04T00:00:30Z is not on the edge of a window of 60 s: use 2026-05-04T00:00:00Z or 2026-05-04T00:01:00Z"},
		{"to a nanosecond off", report.Query{To: midnight.Add(1)}, "is not on the edge"},
		{"from after to", report.Query{From: midnight.Add(time.Hour), To: midnight}, "is not before"},
		{"from equals to", report.Query{From: midnight, To: midnight}, "is not before"},
		{"unknown grouping", report.Query{By: "colour"}, `group by "colour": use one of workload, team`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Format = "csv"
			if tt.q.By == "" {
				tt.q.By = "node"
			}
			err := report.Write(t.Context(), report.Source{Store: client}, tt.q, &bytes.Buffer{})
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
