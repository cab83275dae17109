package peers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Load says what is generated.
type Load struct {
	Nodes    int
	Devices  int // accelerators a node
	Start    time.Time
	Duration time.Duration
	Seed     uint64
}

// Standard is the load that docs/performance.md speaks of: 64 nodes of eight
// accelerators, read once a second.
func Standard() Load {
	return Load{Nodes: 64, Devices: 8, Start: time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC), Duration: 4 * time.Hour, Seed: 1}
}

const (
	packed  = 10 // seconds of a node in one record
	metrics = 5  // of a device sample
	model   = "NVIDIA H100 80GB HBM3"
	second  = int64(time.Second)
	source  = "/loadtest/peers"
)

// Validate lists everything that is wrong with the load.
func (l Load) Validate() error {
	var errs []error
	bad := func(when bool, format string, args ...any) {
		if when {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(l.Nodes < 1 || l.Nodes > 10_000, "nodes %d: from 1 to 10000", l.Nodes)
	bad(l.Devices < 2 || l.Devices > 64 || l.Devices%2 != 0, "devices %d: even, from 2 to 64", l.Devices)
	bad(l.Duration < 2*time.Minute || l.Duration > 24*time.Hour || l.Duration%time.Minute != 0, "duration %s: whole minutes, from 2m to 24h", l.Duration)
	bad(l.Start.Truncate(time.Minute) != l.Start, "start %s: a whole minute", l.Start)
	return errors.Join(errs...)
}

// Readings counts the readings of the load.
func (l Load) Readings() int64 {
	return int64(l.Nodes) * int64(l.Devices) * metrics * int64(l.Duration/time.Second)
}

func nodeName(n int) string   { return fmt.Sprintf("node-%04d", n) }
func deviceName(d int) string { return fmt.Sprintf("gpu-%d", d) }

// entry is one record of a topic.
type entry struct {
	topic, key, kind string
	value            []byte
}

// dimensions hands out inventory, rates and placements.
func (l Load) dimensions(emit func(entry)) {
	rate := func(kind telemetry.RateKind, key, currency string, value int64) {
		r := telemetry.Rate{Kind: kind, Key: key, Value: value, Currency: currency, From: telemetry.MinTime, To: telemetry.MaxTime, Source: "illustrative; planted for the load test"}
		emit(entry{record.Rates, kind.String() + "/" + key, record.TypeRate, record.AppendRate(nil, &r)})
	}
	rate(telemetry.RateDevicePrice, model, "USD", 1_900_000_000)
	rate(telemetry.RateElectricity, "eu-central-1", "USD", 184_000_000)
	rate(telemetry.RatePUE, "eu-central-1", "", 1_270_000)
	rate(telemetry.RateGridLocation, "eu-central-1", "", 370_930_000)
	rate(telemetry.RateGridMarket, "eu-central-1", "", 182_500_000)
	rate(telemetry.RateEmbodied, model, "", 164_000_000_000)
	for n := range l.Nodes {
		d := telemetry.Device{Node: nodeName(n), Kind: telemetry.KindWall, Provider: "onprem", Region: "eu-central-1", Cluster: "cluster-0"}
		emit(entry{record.Inventory, d.Node, record.TypeDevice, record.AppendDevice(nil, &d)})
		d.Kind, d.Model = telemetry.KindGPU, model
		for i := range l.Devices {
			d.ID = deviceName(i)
			emit(entry{record.Inventory, d.Node, record.TypeDevice, record.AppendDevice(nil, &d)})
		}
		for _, p := range l.placements(n) {
			emit(entry{record.Placements, p.Node, record.TypePlacement, record.AppendPlacement(nil, &p)})
		}
	}
}

// placements of a node: jobs of 5 to 50 minutes one after the other, of all its
// accelerators or of half of them each, with pauses that nobody holds; those that
// reach the end still run. Devices are listed, edges are whole seconds and nobody
// holds a device twice in a minute, so that a contender needs no more than a
// lookup by device and time.
func (l Load) placements(node int) []telemetry.Placement {
	rng := rand.New(rand.NewPCG(l.Seed, uint64(node)))
	var out []telemetry.Placement
	end := int64(l.Duration / time.Second)
	for at := rng.Int64N(240); at < end; {
		to := min(at+300+rng.Int64N(2700), end)
		parts := 1 + rng.IntN(2)
		for part := range parts {
			p := telemetry.Placement{
				ID: fmt.Sprintf("job-%04d-%05d-%d", node, at, part), Node: nodeName(node), Revision: 1, Manager: telemetry.ManagerSlurm,
				Cluster: "cluster-0", Workload: fmt.Sprintf("train-%04d-%05d-%d", node, at, part), Kind: "training",
				Tenant: fmt.Sprintf("tenant-%d", node%3), Team: fmt.Sprintf("team-%d", node%11), Mode: telemetry.ModeWhole, Share: "1",
				Start: l.Start.UnixNano() + at*second, End: l.Start.UnixNano() + to*second,
			}
			if to == end {
				p.End = telemetry.MaxTime
			}
			for d := part * l.Devices / parts; d < (part+1)*l.Devices/parts; d++ {
				p.Devices = append(p.Devices, deviceName(d))
			}
			out = append(out, p)
		}
		at = to + 60 + rng.Int64N(340)
	}
	return out
}

// gauge is the running state of one accelerator, in the units of its metrics.
type gauge struct{ power, energy, active int64 }

// samples hands out the records of all nodes in the order of time, ten seconds
// after ten seconds, then a seal for each node.
func (l Load) samples(emit func(entry)) {
	rng := rand.New(rand.NewPCG(l.Seed, 1<<32))
	gauges := make([]gauge, l.Nodes*l.Devices)
	for i := range gauges {
		gauges[i] = gauge{power: 400_000_000, energy: rng.Int64N(400_000_000_000) * 1000, active: 500_000}
	}
	end := int64(l.Duration / time.Second)
	for at := int64(0); at < end; at += packed {
		for n := range l.Nodes {
			b := batch(l, gauges[n*l.Devices:(n+1)*l.Devices], n, at, rng)
			emit(entry{record.Samples, b.Node, record.TypeSamples, b.Append(nil)})
		}
	}
	for n := range l.Nodes {
		s := record.Seal{Node: nodeName(n), TakenIn: l.Start.UnixNano() + end*second}
		emit(entry{record.Samples, s.Node, record.TypeSeal, s.Append(nil)})
	}
}

var metricOrder = [metrics]telemetry.Metric{telemetry.PowerWatts, telemetry.EnergyJoules, telemetry.SMActive, telemetry.GPUUtil, telemetry.MemoryUsed}

func batch(l Load, gauges []gauge, node int, at int64, rng *rand.Rand) record.SampleBatch {
	b := record.SampleBatch{Node: nodeName(node), Axes: [][]int64{nil}}
	for i := range int64(packed) {
		b.Axes[0] = append(b.Axes[0], l.Start.UnixNano()+(at+i)*second)
	}
	b.TakenIn = b.Axes[0][packed-1]
	for d := range gauges {
		g := &gauges[d]
		first := len(b.Series)
		for _, m := range metricOrder {
			b.Series = append(b.Series, record.SeriesColumn{Device: deviceName(d), Metric: m})
		}
		for range packed {
			for i, v := range g.advance(rng) {
				c := &b.Series[first+i]
				c.Values = append(c.Values, v)
			}
		}
	}
	return b
}

// advance moves an accelerator by a second and reads it: utilisation wanders in
// steps of 10⁻⁴, power follows in mW, the counter adds the trapezoid in mJ.
func (g *gauge) advance(rng *rand.Rand) [metrics]int64 {
	before := g.power
	g.active = min(990_000, max(10_000, g.active+rng.Int64N(401)*100-20_000))
	g.power = 70_000_000 + g.active/100*59_000 + rng.Int64N(801)*1000
	g.energy += (before + g.power) / 2000 * 1000
	return [metrics]int64{g.power, g.energy, g.active, g.active / 10_000 * 10_000, (61_000 + g.active/1000*12) << 20}
}
