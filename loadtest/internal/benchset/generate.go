package benchset

import (
	"math/rand/v2"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

const model = "NVIDIA H100 80GB HBM3"

// Generate writes the set as a replay directory.
func Generate(o Options) (Set, error) {
	if err := o.Validate(); err != nil {
		return Set{}, err
	}
	o.Start = o.Start.UTC()
	jobs := schedule(o, rand.New(rand.NewPCG(o.Seed, 1)))
	rows := placements(o, jobs)
	if err := replaydir.WriteInventory(o.Dir, inventory(o)); err != nil {
		return Set{}, err
	}
	if err := replaydir.WritePlacements(o.Dir, rows); err != nil {
		return Set{}, err
	}
	if err := replaydir.WriteRates(o.Dir, rates(o)); err != nil {
		return Set{}, err
	}
	// A mixed set's device samples are those that were due, some of which are missing.
	n, err := replaydir.WriteSamples(o.Dir, o.Zip, func(s *replaydir.Samples) { newTicker(o, jobs).run(s) })
	ticks := int64(o.Duration/o.Every) + 1
	return Set{Rows: n, DeviceSamples: ticks * int64(o.Nodes) * int64(o.Devices), Placements: len(rows)}, err
}

func inventory(o Options) []replaydir.Device {
	var rows []replaydir.Device
	for i := range o.Nodes {
		r := replaydir.Device{Node: nodeName(i), Kind: "wall", Provider: "onprem", Region: region(i), Zone: region(i) + "-a", Cluster: cluster(i)}
		rows = append(rows, r)
		r.Kind, r.Model = "gpu", model
		for d := range o.Devices {
			r.Device = deviceName(d)
			rows = append(rows, r)
			if o.partitioned(i) {
				rows = append(rows, instances(o, r, d)...)
			}
		}
	}
	return rows
}

// rates price both regions; one tariff changes inside the set, so that a
// change of rates is part of what is measured.
func rates(o Options) []replaydir.Rate {
	const source = "illustrative; planted for the load test"
	half := o.Start.Add(o.Duration / 2).Truncate(time.Minute)
	rows := []replaydir.Rate{
		{Kind: "device_price", Key: model, Value: "1.90", Unit: "USD/h"},
		{Kind: "electricity", Key: "eu-central-1", Value: "0.184", Unit: "USD/kWh", To: half},
		{Kind: "electricity", Key: "eu-central-1", Value: "0.236", Unit: "USD/kWh", From: half},
		{Kind: "electricity", Key: "us-east-1", Value: "0.091", Unit: "USD/kWh"},
		{Kind: "pue", Key: "eu-central-1", Value: "1.27", Unit: "1"},
		{Kind: "pue", Key: "us-east-1", Value: "1.15", Unit: "1"},
		{Kind: "grid_location", Key: "eu-central-1", Value: "370.93", Unit: "g/kWh"},
		{Kind: "grid_location", Key: "us-east-1", Value: "396.25", Unit: "g/kWh"},
		{Kind: "grid_market", Key: "eu-central-1", Value: "182.5", Unit: "g/kWh"},
		{Kind: "grid_market", Key: "us-east-1", Value: "0", Unit: "g/kWh"},
		{Kind: "embodied", Key: model, Value: "164", Unit: "kg"},
		{Kind: "idle_power", Key: model, Value: "68", Unit: "W"},
	}
	for i := range rows {
		rows[i].Source = source
	}
	return rows
}
