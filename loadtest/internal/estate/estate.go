package estate

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

// Options choose one recording; the same options give the same bytes.
type Options struct {
	Dir      string // the replay directory
	Truth    string // the file for the planted truth, outside of Dir
	Seed     uint64
	Start    time.Time // whole seconds
	Duration time.Duration
	Zip      bool
}

// Validate lists everything that is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Dir == "" || o.Truth == "":
		return fmt.Errorf("no directory, or no file for the truth, given")
	case o.Duration < 10*time.Minute || o.Duration > 24*time.Hour || o.Duration%(10*time.Second) != 0:
		return fmt.Errorf("duration %s: from 10m to 24h, in steps of 10s", o.Duration)
	case o.Start.Truncate(time.Second) != o.Start:
		return fmt.Errorf("start %s: whole seconds only", o.Start)
	}
	return nil
}

// Generate writes the estate's recording and its truth, and returns the truth
// and the number of readings.
func Generate(o Options) (Truth, int64, error) {
	if err := o.Validate(); err != nil {
		return Truth{}, 0, err
	}
	start := o.Start.UTC()
	rows, err := rates(start, o.Duration)
	if err != nil {
		return Truth{}, 0, err
	}
	p := newPlan(o.Duration)
	ph := model(p, o.Seed)
	dir := o.Dir
	if err := replaydir.WriteInventory(dir, inventory(p)); err != nil {
		return Truth{}, 0, err
	}
	if err := replaydir.WritePlacements(dir, placements(p, start)); err != nil {
		return Truth{}, 0, err
	}
	published := make([]replaydir.Rate, len(rows))
	for i, r := range rows {
		published[i] = r.Rate
	}
	if err := replaydir.WriteRates(dir, published); err != nil {
		return Truth{}, 0, err
	}
	n, err := replaydir.WriteSamples(dir, o.Zip, newRecorder(p, ph, start, o.Seed).record)
	if err != nil {
		return Truth{}, 0, err
	}
	t := truth(p, ph, rows, start)
	return t, n, writeTruth(o.Truth, t)
}

func writeTruth(path string, t Truth) error {
	return replaydir.WriteFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(t)
	})
}

func inventory(p plan) []replaydir.Device {
	var rows []replaydir.Device
	for _, n := range p.nodes {
		base := replaydir.Device{Node: n.name, Provider: n.provider, Region: n.region, Zone: n.zone, InstanceType: n.instanceType, Cluster: n.cluster}
		wall := base
		wall.Kind = "wall"
		rows = append(rows, wall)
		for c := range n.cpus {
			cpu := base
			cpu.Device, cpu.Kind, cpu.Model = cpuName(c), "cpu", "AMD EPYC 9654"
			rows = append(rows, cpu)
		}
		for d := range n.cards {
			gpu := base
			gpu.Device, gpu.Kind, gpu.Model = deviceName(d), "gpu", n.card.model
			rows = append(rows, gpu)
		}
	}
	return rows
}

func placements(p plan, start time.Time) []replaydir.Placement {
	var rows []replaydir.Placement
	for i, h := range p.holds {
		w, n := p.workloads[h.job], p.nodes[h.node]
		r := replaydir.Placement{
			ID: p.placementID(i), Manager: w.manager, Cluster: n.cluster, Workload: w.name,
			Kind: w.kind, Tenant: w.tenant, Team: w.team, Node: n.name, Devices: "*", Mode: "whole", Share: "1",
			Start: start.Add(time.Duration(h.from) * time.Second), Labels: fmt.Sprintf(`{"project":%q}`, w.team),
		}
		if h.devices != nil {
			names := make([]string, len(h.devices))
			for j, d := range h.devices {
				names[j] = deviceName(d)
			}
			r.Devices = strings.Join(names, ";")
		}
		if h.to >= 0 {
			r.End = start.Add(time.Duration(h.to) * time.Second)
		}
		rows = append(rows, r)
	}
	return rows
}
