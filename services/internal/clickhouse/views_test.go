package clickhouse_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	schema "github.com/ntegral/ntegral/schemas/clickhouse"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
)

// viewed makes the fact of an hour of a device that drew 3.6 MJ, of which 0.9 MJ
// were overhead and 0.9 MJ idle, at a PUE of 1.25, times n.
func viewed(workload, state string, n int64, edit func(*fact.Row)) fact.Row {
	r := fact.Row{}
	r.WindowStart, r.WindowLength = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC).UnixNano(), int64(time.Minute)
	r.Node, r.Device, r.DeviceModel, r.Workload, r.State, r.Cluster, r.Currency = "n1", "GPU-0", "H100", workload, state, "c", "EUR"
	s := &r.Sums
	s[fact.DeviceSeconds], s[fact.KnownSeconds], s[fact.CoveredSeconds] = n*3600e9, n*3600e9, n*3600e9
	s[fact.Energy], s[fact.Overhead], s[fact.Idle], s[fact.Facility] = n*3_600_000e6, n*900_000e6, n*900_000e6, n*4_500_000e6
	s[fact.HoldCost], s[fact.EnergyCost], s[fact.CarbonLocation], s[fact.CarbonMarket] = n*1e9, n*5e8, n*450e6, n*90e6
	s[fact.Intervals], s[fact.CostIntervals], s[fact.LocationIntervals], s[fact.MarketIntervals], s[fact.IdleIntervals] = n, 2*n, n, n, n
	r.Reason, r.RecordedAt, r.Epoch, r.Step = fact.ReasonClosed, r.WindowStart, 1, 1
	if edit != nil {
		edit(&r)
	}
	return r
}

func zero(columns ...fact.Column) func(*fact.Row) {
	return func(r *fact.Row) {
		for _, c := range columns {
			r.Sums[c] = 0
		}
	}
}

// served gives n hours' requests and tokens.
func served(n int64) func(*fact.Row) {
	return func(r *fact.Row) {
		r.Sums[fact.Requests], r.Sums[fact.InputTokens], r.Sums[fact.OutputTokens] = n*100, n*50_000, n*10_000
	}
}

func viewedFacts() []fact.Row {
	return []fact.Row{
		viewed("chat", fact.StateActive, 2, served(2)),
		viewed("chat", fact.StateHeldBetweenRequests, 1, nil),
		viewed("chat", fact.StateAllocatedIdle, 1, nil), viewed("chat", fact.StateAllocatedIdle, -1, nil), // taken back
		viewed("notebook", fact.StateAllocatedIdle, 3, zero(fact.Idle, fact.IdleIntervals, fact.HoldCost, fact.EnergyCost, fact.CostIntervals)),
		viewed("", fact.StateUnallocated, 4, zero(fact.CarbonLocation, fact.LocationIntervals, fact.CarbonMarket, fact.MarketIntervals)),
		viewed("", fact.StateDark, 1, zero(fact.Energy, fact.Overhead, fact.Idle, fact.Facility, fact.KnownSeconds, fact.CoveredSeconds)),
		// Served, and neither its price nor its factor is known.
		viewed("embed", fact.StateActive, 1, func(r *fact.Row) {
			served(1)(r)
			r.Currency = ""
			zero(fact.HoldCost, fact.EnergyCost, fact.CostIntervals, fact.CarbonLocation, fact.LocationIntervals)(r)
		}),
		// Dark, but requests were counted.
		viewed("unseen", fact.StateDark, 1, func(r *fact.Row) {
			served(1)(r)
			zero(fact.Energy, fact.Overhead, fact.Idle, fact.Facility)(r)
		}),
		viewed("etl", "", 1, func(r *fact.Row) { // a node without accelerators
			r.Device, r.DeviceModel = "", ""
			zero(fact.DeviceSeconds, fact.KnownSeconds, fact.CoveredSeconds, fact.Idle, fact.IdleIntervals)(r)
			r.Sums[fact.Overhead] = r.Sums[fact.Energy]
		}),
	}
}

// viewStore holds the facts above in two parts.
func viewStore(t *testing.T) *clickhouse.Client {
	t.Helper()
	c := open(t, chservertest.Start(t, t.TempDir()))
	if err := c.Migrate(t.Context(), schema.Migrations); err != nil {
		t.Fatal(err)
	}
	b := fact.NewBuilder()
	rows := viewedFacts()
	for i, part := range [][]fact.Row{rows[:3], rows[3:]} {
		stream, _, err := b.Encode(part)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.InsertArrow(t.Context(), "INSERT INTO facts", string(rune('a'+i)), nil, bytes.NewReader(stream)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestViews asks every view, as a user would.
func TestViews(t *testing.T) {
	c := viewStore(t)
	for _, tt := range []struct{ name, query, want string }{
		{"idle and active energy", `SELECT workload, device_hours, energy_kwh, overhead_kwh, idle_kwh, active_kwh, cost
FROM workload_efficiency_hourly ORDER BY workload`, `
	5	4	1	1	2	7.5
chat	3	3	0.75	0.75	1.5	4.5
embed	1	1	0.25	0.25	0.5	\N
etl	0	1	1	\N	\N	1.5
notebook	3	3	0.75	\N	\N	\N
unseen	1	0	0	0	0	1.5
`},
		{"states", `SELECT toDate(day), cluster, device_model, workload, state, device_hours, energy_kwh, idle_kwh, cost, currency, carbon_location_g, carbon_market_g
FROM states_daily ORDER BY workload, state`, `
2026-05-04	c	H100		dark	1	0	0	1.5	EUR	450	90
2026-05-04	c	H100		unallocated	4	4	1	6	EUR	\N	\N
2026-05-04	c	H100	chat	active	2	2	0.5	3	EUR	900	180
2026-05-04	c	H100	chat	held_between_requests	1	1	0.25	1.5	EUR	450	90
2026-05-04	c	H100	embed	active	1	1	0.25	\N		\N	90
2026-05-04	c		etl		0	1	\N	1.5	EUR	450	90
2026-05-04	c	H100	notebook	allocated_idle	3	3	\N	\N	EUR	1350	270
2026-05-04	c	H100	unseen	dark	1	0	0	1.5	EUR	450	90
`},
		{"idle", `SELECT workload, idle_hours, unallocated_hours, allocated_idle_hours, held_between_requests_hours, dark_hours, energy_kwh, cost
FROM idle_daily ORDER BY workload`, `
	5	4	0	0	1	4	7.5
chat	1	0	0	1	0	1	1.5
notebook	3	0	3	0	0	3	\N
unseen	1	0	0	0	1	0	1.5
`},
		{"served, the whole of it", `SELECT workload, requests, input_tokens, output_tokens, facility_j, accelerator_j, cost, carbon_location_g, accelerator_part
FROM served_hourly WHERE requests != 0 ORDER BY workload`, `
chat	200	100000	20000	13500000	8100000	4.5	1350	0.6
embed	100	50000	10000	4500000	2700000	\N	\N	0.6
unseen	100	50000	10000	0	0	1.5	450	\N
`},
		{"a token", `SELECT workload, j_per_output_token, cost_per_output_token, g_per_output_token,
    accelerator_j_per_output_token, round(accelerator_cost_per_output_token, 9), round(accelerator_g_per_output_token, 9)
FROM served_hourly ORDER BY workload`, `
	\N	\N	\N	\N	\N	\N
chat	675	0.000225	0.0675	405	0.000135	0.0405
embed	450	\N	\N	270	\N	\N
etl	\N	\N	\N	\N	\N	\N
notebook	\N	\N	\N	\N	\N	\N
unseen	\N	0.00015	0.045	\N	\N	\N
`},
		{"a request", `SELECT workload, j_per_request, cost_per_request, g_per_request,
    accelerator_j_per_request, round(accelerator_cost_per_request, 9), round(accelerator_g_per_request, 9)
FROM served_hourly WHERE requests != 0 ORDER BY workload`, `
chat	67500	0.0225	6.75	40500	0.0135	4.05
embed	45000	\N	\N	27000	\N	\N
unseen	\N	0.015	4.5	\N	\N	\N
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want[1:], answer(t, c, tt.query)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func answer(t *testing.T, c *clickhouse.Client, query string) string {
	t.Helper()
	stream, err := c.QueryFormat(t.Context(), "TabSeparated", query)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
