package benchset

import (
	"fmt"
	"strings"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

// In a mixed set most nodes are as in a regular one; of each eight one has its
// cards partitioned and one has them shared in time. Readings go missing, one by
// one and for minutes, and some come late.
const (
	partitionedPlace, sharedPlace = 5, 6 // of a node among eight
	missingPPM                    = 3_000
	outagePPM                     = 200 // of a node's ticks begin an outage
	outage                        = 150 * time.Second
	latePPM                       = 4_000            // of a node's ticks come late
	lateLeast, lateMore           = time.Minute, 480 // s
)

var instanceProfiles = []string{"3g.40gb", "2g.20gb"}

func (o Options) partitioned(node int) bool { return o.Mixed && node%8 == partitionedPlace }
func (o Options) shared(node int) bool      { return o.Mixed && node%8 == sharedPlace }

func instanceName(d, i int) string { return fmt.Sprintf("%s-mig-%d", deviceName(d), i) }

// instances are the inventory's rows of a partitioned node's cards.
func instances(o Options, card replaydir.Device, d int) []replaydir.Device {
	var rows []replaydir.Device
	for i, profile := range instanceProfiles {
		r := card
		r.Device, r.Kind, r.Model, r.Parent = instanceName(d, i), "mig", profile, card.Device
		rows = append(rows, r)
	}
	return rows
}

// split turns a placement of whole cards into two that hold the node's instances
// or share its time; on other nodes it stays as it is.
func split(o Options, node int, j job, r replaydir.Placement) []replaydir.Placement {
	if !o.partitioned(node) && !o.shared(node) {
		return []replaydir.Placement{r}
	}
	var rows []replaydir.Placement
	for i := range instanceProfiles {
		p := r
		p.ID, p.Workload = fmt.Sprintf("%s.%d", r.ID, i), fmt.Sprintf("%s.%d", r.Workload, i)
		p.Mode = "timeslice"
		var names []string
		for d := j.first; d < j.last; d++ {
			name := deviceName(d)
			if o.partitioned(node) {
				p.Mode, name = "mig", instanceName(d, i)
			}
			names = append(names, name)
		}
		p.Devices = strings.Join(names, ";")
		rows = append(rows, p)
	}
	return rows
}

// late is a row that waits to be written.
type late struct {
	due      time.Duration
	stamp    string
	columns  string
	value    int64
	decimals int
}

// weather is what happens to a mixed set's readings on their way.
type weather struct {
	t    *ticker
	held []late
	dark []time.Duration // per node, until when nothing of it is read
	// of the node's tick at hand
	stamp []byte
	due   time.Duration // 0: written at once
}

func newWeather(t *ticker) *weather { return &weather{t: t, dark: make([]time.Duration, t.o.Nodes)} }

func (w *weather) chance(ppm int) bool { return w.t.o.Mixed && w.t.rng.IntN(1_000_000) < ppm }

// begin says whether a node is read at all at a tick.
func (w *weather) begin(node int, at time.Duration, stamp []byte) bool {
	if w.chance(outagePPM) {
		w.dark[node] = at + outage
	}
	w.stamp, w.due = stamp, 0
	if w.chance(latePPM) {
		w.due = at + lateLeast + time.Duration(w.t.rng.IntN(lateMore))*time.Second
	}
	return at >= w.dark[node]
}

// row writes a reading of the node's tick at hand, now or later.
func (w *weather) row(s *replaydir.Samples, columns string, value int64, decimals int) {
	if w.due == 0 {
		s.Fixed(w.stamp, columns, value, decimals)
		return
	}
	w.held = append(w.held, late{w.due, string(w.stamp), columns, value, decimals})
}

// release writes what was held up to now.
func (w *weather) release(s *replaydir.Samples, now time.Duration) {
	left := w.held[:0]
	for _, l := range w.held {
		if l.due > now {
			left = append(left, l)
			continue
		}
		s.Fixed([]byte(l.stamp), l.columns, l.value, l.decimals)
	}
	w.held = left
}
