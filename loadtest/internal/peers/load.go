package peers

import (
	"errors"
	"fmt"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Load says what is generated: nodes of eight accelerators, read once a second.
// Edges of placements are whole seconds and nobody holds a device twice in a
// minute, so a contender needs no more than a lookup by device and time.
type Load struct {
	Nodes    int
	Start    time.Time
	Duration time.Duration
	Seed     uint64
}

// Standard is the load that docs/performance.md speaks of.
func Standard() Load {
	c := cluster.Standard(0)
	return Load{Nodes: 64, Start: c.Start, Duration: 4 * time.Hour, Seed: c.Seed}
}

// source is that of the records.
const source = "/loadtest/peers"

// Validate lists everything that is wrong with the load.
func (l Load) Validate() error {
	var errs []error
	bad := func(when bool, format string, args ...any) {
		if when {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(l.Nodes < 1 || l.Nodes > 10_000, "nodes %d: from 1 to 10000", l.Nodes)
	bad(l.Duration < 2*time.Minute || l.Duration > 24*time.Hour || l.Duration%time.Minute != 0, "duration %s: whole minutes, from 2m to 24h", l.Duration)
	bad(l.Start.Truncate(time.Minute) != l.Start, "start %s: a whole minute", l.Start)
	return errors.Join(errs...)
}

func (l Load) cluster() cluster.Load {
	return cluster.Load{Accelerators: l.Nodes * cluster.PerNode, Interval: time.Second, Start: l.Start, Seed: l.Seed}
}

// Readings counts the readings of the load.
func (l Load) Readings() int64 { return l.cluster().Readings(l.Duration) }

func (l Load) dimensions(emit func(topics.Entry)) { l.cluster().Dimensions(l.Duration, emit) }

func (l Load) placements(node int) []telemetry.Placement {
	return l.cluster().Placements(node, l.Duration)
}

func (l Load) samples(emit func(topics.Entry)) { l.cluster().Samples(l.Duration, emit) }
