package benchset

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

// blockSizes are how many neighbouring nodes run their jobs together.
var blockSizes = []int{1, 1, 2, 4, 8}

// job is a workload on all nodes of a block, on the devices [first, last).
type job struct {
	name        string
	node, nodes int
	first, last int
	from, to    int // seconds; to may be the end
	level       int // ppm of utilisation
}

// schedule fills blocks of nodes with jobs one after the other, now and then
// two side by side, and with pauses in which nobody holds anything.
func schedule(o Options, rng *rand.Rand) []job {
	var jobs []job
	end := int(o.Duration / time.Second)
	for node, b := 0, 0; node < o.Nodes; b++ {
		size := min(blockSizes[b%len(blockSizes)], o.Nodes-node)
		for at := rng.IntN(240); at < end; {
			length := 300 + rng.IntN(3000)
			to := min(at+length, end)
			parts := 1
			if size == 1 && o.Devices > 1 && rng.IntN(3) == 0 {
				parts = 2
			}
			for p := range parts {
				jobs = append(jobs, job{
					name: fmt.Sprintf("job-%05d", len(jobs)), node: node, nodes: size,
					first: p * o.Devices / parts, last: (p + 1) * o.Devices / parts,
					from: at, to: to, level: 350_000 + rng.IntN(600_000),
				})
			}
			at = to + rng.IntN(400)
		}
		node += size
	}
	return jobs
}

func placements(o Options, jobs []job) []replaydir.Placement {
	var rows []replaydir.Placement
	end := int(o.Duration / time.Second)
	for i, j := range jobs {
		for n := j.node; n < j.node+j.nodes; n++ {
			r := replaydir.Placement{
				ID: fmt.Sprintf("%s-%d", j.name, n-j.node), Manager: "slurm", Cluster: cluster(n), Workload: j.name, Kind: "training",
				Tenant: fmt.Sprintf("tenant-%d", i%3), Team: fmt.Sprintf("team-%d", i%11), Node: nodeName(n),
				Devices: "*", Mode: "whole", Share: "1", Start: o.Start.Add(time.Duration(j.from) * time.Second),
			}
			if j.first != 0 || j.last != o.Devices {
				var names []string
				for d := j.first; d < j.last; d++ {
					names = append(names, deviceName(d))
				}
				r.Devices = strings.Join(names, ";")
			}
			if j.to < end {
				r.End = o.Start.Add(time.Duration(j.to) * time.Second)
			}
			rows = append(rows, split(o, n, j, r)...)
		}
	}
	return rows
}

func cluster(node int) string { return fmt.Sprintf("cluster-%d", node%2) }
func region(node int) string  { return []string{"eu-central-1", "us-east-1"}[node%2] }
