package fact_test

import (
	"fmt"
	"testing"

	"github.com/ntegral/ntegral/schemas/fact"
)

// BenchmarkBuilder encodes parts of what a step that lags closes: an hour of 17 nodes of
// eight accelerators, which training jobs hold. ns and bytes a row.
func BenchmarkBuilder(b *testing.B) {
	var rows []fact.Row
	for n := range 17 {
		for minute := range int64(60) {
			for d := range 8 {
				rows = append(rows, hourRow(n, d, minute))
			}
		}
	}
	builder := fact.NewBuilder()
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		stream, _, err := builder.Encode(rows)
		if err != nil {
			b.Fatal(err)
		}
		size = len(stream)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
	b.ReportMetric(float64(size)/float64(len(rows)), "bytes/row")
}

// hourRow is a minute of a device of a node; what nobody has of it is nothing.
func hourRow(node, device int, minute int64) fact.Row {
	r := fact.Row{
		Key: fact.Key{
			WindowStart: minute * 60e9, WindowLength: 60e9, Node: fmt.Sprintf("node-%05d", node), Device: fmt.Sprintf("gpu%d", device),
			Placement: fmt.Sprintf("job-%d", node), State: fact.StateActive,
		},
		Dimensions: fact.Dimensions{
			Provider: "onprem", Region: "eu-central-1", Cluster: "cluster-0", DeviceKind: "gpu", DeviceModel: "H100",
			Manager: "slurm", Workload: fmt.Sprintf("train-%d", node%5), Team: fmt.Sprintf("team-%d", node%3), Currency: "USD",
		},
		Origin: fact.Origin{RecordedAt: 1_800_000_000e9, Reason: fact.ReasonClosed, Task: 1, Epoch: 1, Step: 7},
	}
	for _, c := range []fact.Column{fact.DeviceSeconds, fact.KnownSeconds, fact.CoveredSeconds} {
		r.Sums[c] = 60e9
	}
	for i, c := range []fact.Column{fact.BusySeconds, fact.Energy, fact.Facility, fact.HoldCost, fact.EnergyCost, fact.CarbonLocation, fact.CarbonMarket, fact.Embodied} {
		r.Sums[c] = 1_234_567 * (int64(i+node*device) + minute)
	}
	for _, c := range []fact.Column{fact.Intervals, fact.CostIntervals, fact.LocationIntervals, fact.MarketIntervals, fact.EmbodiedIntervals} {
		r.Sums[c] = 1
	}
	return r
}
