package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Load says what is generated.
type Load struct {
	Accelerators int
	Interval     time.Duration // between two readings of a series
	Start        time.Time
	Seed         uint64
}

const (
	// PerNode is how many accelerators a node has; the last one may have fewer.
	PerNode = 8
	// Metrics are read of each accelerator.
	Metrics = 5

	pack   = 10 * time.Second
	model  = "NVIDIA H100 80GB HBM3"
	region = "eu-central-1"
	source = "/loadtest/cluster"
	// most is how many accelerators a load may have: the state of the generator
	// takes 32 bytes each.
	most = 1_000_000
)

// Standard is a load of so many accelerators, read once a second.
func Standard(accelerators int) Load {
	return Load{Accelerators: accelerators, Interval: time.Second, Start: time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC), Seed: 1}
}

// Validate lists everything that is wrong with the load.
func (l Load) Validate() error {
	var errs []error
	if l.Accelerators < 1 || l.Accelerators > most {
		errs = append(errs, fmt.Errorf("accelerators %d: from 1 to %d", l.Accelerators, most))
	}
	if l.Interval < time.Second || l.Interval > 5*time.Minute || pack%l.Interval != 0 && l.Interval%pack != 0 {
		errs = append(errs, fmt.Errorf("interval %s: from 1s to 5m, a part or a multiple of %s", l.Interval, pack))
	}
	if l.Start.Truncate(time.Minute) != l.Start {
		errs = append(errs, fmt.Errorf("start %s: a whole minute", l.Start))
	}
	return errors.Join(errs...)
}

// Nodes is how many nodes the accelerators are on.
func (l Load) Nodes() int { return (l.Accelerators + PerNode - 1) / PerNode }

// Slot is the time that one record of a node covers.
func (l Load) Slot() time.Duration { return max(pack, l.Interval) }

// Slots is how many records a node sends in d.
func (l Load) Slots(d time.Duration) int { return int(d / l.Slot()) }

// Readings counts the readings of the whole slots in d.
func (l Load) Readings(d time.Duration) int64 {
	return int64(l.Accelerators) * Metrics * int64(l.Slots(d)) * int64(l.Slot()/l.Interval)
}

// on is how many accelerators a node has.
func (l Load) on(node int) int { return min(PerNode, l.Accelerators-node*PerNode) }

// NodeName is the name of the n-th node.
func NodeName(n int) string { return fmt.Sprintf("node-%06d", n) }

var deviceNames = [PerNode]string{"gpu-0", "gpu-1", "gpu-2", "gpu-3", "gpu-4", "gpu-5", "gpu-6", "gpu-7"}

// rates price everything, for ever.
func rates(emit func(topics.Entry)) {
	for _, r := range []telemetry.Rate{
		{Kind: telemetry.RateDevicePrice, Key: model, Currency: "USD", Value: 1_900_000_000},
		{Kind: telemetry.RateElectricity, Key: region, Currency: "USD", Value: 184_000_000},
		{Kind: telemetry.RatePUE, Key: region, Value: 1_270_000},
		{Kind: telemetry.RateGridLocation, Key: region, Value: 370_930_000},
		{Kind: telemetry.RateGridMarket, Key: region, Value: 182_500_000},
		{Kind: telemetry.RateEmbodied, Key: model, Value: 164_000_000_000},
	} {
		r.From, r.To, r.Source = telemetry.MinTime, telemetry.MaxTime, "illustrative; planted for the load test"
		emit(topics.Entry{Topic: record.Rates, Key: record.RatesKey, Kind: record.TypeRate, Value: record.AppendRate(nil, &r)})
	}
}

// Dimensions hands out rates, and inventory and placements of all nodes, of a load
// of the given length.
func (l Load) Dimensions(length time.Duration, emit func(topics.Entry)) {
	rates(emit)
	for n := range l.Nodes() {
		l.node(n, length, emit)
	}
}

// node hands out inventory and placements of a node.
func (l Load) node(node int, length time.Duration, emit func(topics.Entry)) {
	device := func(d telemetry.Device) {
		emit(topics.Entry{Topic: record.Inventory, Key: d.Node, Kind: record.TypeDevice, Value: record.AppendDevice(nil, &d)})
	}
	d := telemetry.Device{Node: NodeName(node), Kind: telemetry.KindWall, Provider: "onprem", Region: region, Cluster: "cluster-0"}
	device(d)
	d.Kind, d.Model = telemetry.KindGPU, model
	for i := range l.on(node) {
		d.ID = deviceNames[i]
		device(d)
	}
	for _, p := range l.Placements(node, length) {
		emit(topics.Entry{Topic: record.Placements, Key: p.Node, Kind: record.TypePlacement, Value: record.AppendPlacement(nil, &p)})
	}
}

// Placements of a node: jobs of 5 to 50 minutes one after the other, of all its
// accelerators or of half of them each, with pauses of minutes that nobody holds;
// those that reach the end of the load still run. Devices are listed, edges are
// whole seconds and nobody holds a device twice in a minute.
func (l Load) Placements(node int, length time.Duration) []telemetry.Placement {
	rng := rand.New(rand.NewPCG(l.Seed, uint64(node)))
	var out []telemetry.Placement
	end := int64(length / time.Second)
	for at := rng.Int64N(240); at < end; {
		to := min(at+300+rng.Int64N(2700), end)
		parts := min(1+rng.IntN(2), l.on(node))
		for part := range parts {
			p := telemetry.Placement{
				ID: fmt.Sprintf("job-%06d-%05d-%d", node, at, part), Node: NodeName(node), Revision: 1, Manager: telemetry.ManagerSlurm,
				Cluster: "cluster-0", Workload: fmt.Sprintf("train-%06d-%05d-%d", node, at, part), Kind: "training",
				Tenant: fmt.Sprintf("tenant-%d", node%3), Team: fmt.Sprintf("team-%d", node%11), Mode: telemetry.ModeWhole, Share: "1",
				Start: l.Start.Add(time.Duration(at) * time.Second).UnixNano(), End: l.Start.Add(time.Duration(to) * time.Second).UnixNano(),
			}
			if to == end {
				p.End = telemetry.MaxTime
			}
			p.Devices = append(p.Devices, deviceNames[part*l.on(node)/parts:(part+1)*l.on(node)/parts]...)
			out = append(out, p)
		}
		at = to + 60 + rng.Int64N(340)
	}
	return out
}
