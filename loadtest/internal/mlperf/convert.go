package mlperf

import (
	"fmt"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

const (
	accelerators = 8
	model        = "NVIDIA H100 80GB HBM3"
	network      = "interconnect"
	// networkEvery is short enough for any rule about gaps between readings.
	networkEvery = 30 * time.Second
)

// Convert writes one replay directory a set into out and returns their paths.
func Convert(data, out string) ([]string, error) {
	sets, err := load(data)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, s := range sets {
		dir := filepath.Join(out, s.name)
		if err := s.write(dir); err != nil {
			return nil, fmt.Errorf("convert %s: %w", s.name, err)
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

func (s set) write(dir string) error {
	if err := replaydir.WriteInventory(dir, s.inventory()); err != nil {
		return err
	}
	if err := replaydir.WritePlacements(dir, s.placements()); err != nil {
		return err
	}
	_, err := replaydir.WriteSamples(dir, false, func(w *replaydir.Samples) {
		for _, r := range s.runs {
			for _, row := range s.rows(r) {
				w.Text(strconv.FormatInt(row.ms, 10), row.node, row.device, "power_watts", row.value)
			}
		}
	})
	return err
}

// nodesOf lists the nodes of a run in the order of their numbers.
func (s set) nodesOf(r run) []string {
	seen := map[string]bool{}
	var nodes []string
	for _, x := range s.readings[r.name] {
		if !seen[x.node] {
			seen[x.node] = true
			nodes = append(nodes, x.node)
		}
	}
	sort.Slice(nodes, func(i, j int) bool {
		return len(nodes[i]) < len(nodes[j]) || len(nodes[i]) == len(nodes[j]) && nodes[i] < nodes[j]
	})
	return nodes
}

func (s set) inventory() []replaydir.Device {
	var rows []replaydir.Device
	seen := map[string]bool{}
	for _, r := range s.runs {
		for i, n := range s.nodesOf(r) {
			name := r.node(n)
			base := replaydir.Device{Node: name, Kind: "wall", Provider: "smc", Cluster: "mlperf-" + s.name}
			if !seen[name] {
				rows = append(rows, base)
				for d := range accelerators {
					gpu := base
					gpu.Device, gpu.Kind, gpu.Model = fmt.Sprintf("gpu-%d", d), "gpu", model
					rows = append(rows, gpu)
				}
			}
			if i == 0 && r.network > 0 && !seen[name+network] {
				link := base
				link.Device, link.Kind = network, "network"
				rows = append(rows, link)
				seen[name+network] = true
			}
			seen[name] = true
		}
	}
	return rows
}

func (s set) placements() []replaydir.Placement {
	var rows []replaydir.Placement
	for _, r := range s.runs {
		for _, n := range s.nodesOf(r) {
			rows = append(rows, replaydir.Placement{
				ID: r.name + "-" + n, Manager: "slurm", Cluster: "mlperf-" + s.name, Workload: r.workload(), Kind: "training",
				Team: "mlperf", Node: r.node(n), Devices: "*", Mode: "whole", Share: "1", Start: r.start, End: r.stop,
				Labels: `{"verified":"not verified by MLCommons Association"}`,
			})
		}
	}
	return rows
}

// sample is one row of a replay directory.
type sample struct {
	ms                  int64
	node, device, value string
}

// rows are the readings of a run in file order, nodes of the log interleaved by
// time, with the interconnect's constant power merged in at both ends of the
// run and in between.
func (s set) rows(r run) []sample {
	var out []sample
	for _, x := range s.readings[r.name] {
		out = append(out, sample{ms: x.ms, node: r.node(x.node), value: x.value})
	}
	if nodes := s.nodesOf(r); r.network > 0 && len(nodes) > 0 {
		watts := strconv.FormatFloat(r.network, 'f', -1, 64)
		for at := r.start; ; at = at.Add(networkEvery) {
			if at.After(r.stop) {
				at = r.stop
			}
			out = append(out, sample{ms: at.UnixMilli(), node: r.node(nodes[0]), device: network, value: watts})
			if at.Equal(r.stop) {
				break
			}
		}
	}
	return interleave(out)
}

// interleave merges the rows of different series by time and leaves the order
// within each series as it was found, disorder included: a series' rows are
// keyed by the latest time it has shown so far.
func interleave(rows []sample) []sample {
	type keyed struct {
		sample
		key int64
	}
	latest := map[string]int64{}
	keys := make([]keyed, len(rows))
	for i, r := range rows {
		series := r.node + "/" + r.device
		latest[series] = max(latest[series], r.ms)
		keys[i] = keyed{r, latest[series]}
	}
	sort.SliceStable(keys, func(i, j int) bool { return keys[i].key < keys[j].key })
	for i, k := range keys {
		rows[i] = k.sample
	}
	return rows
}
