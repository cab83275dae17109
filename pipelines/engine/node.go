package engine

import (
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// node is what the engine knows of one node.
type node struct {
	id         string
	devices    map[string]*attribution.Device
	activity   map[string]*meter.Busy            // by "D/P"
	counters   map[string]*meter.Counters        // by "D" or "D/P"
	placements map[string][]*telemetry.Placement // versions, see placement.go
	order      []*attribution.Device             // by ID; nil: to be built
	history    []block                           // readings that are packed
	vault      *vault                            // of the engine
	tail       int64                             // from when on no question about readings needs history; never: always
	layout     layout                            // targets of the last record's columns
	islands    []attribution.Interval            // reading times, joined over silences that count as presence; [From, To] both included

	tree    *attribution.Node       // nil: to be built
	holding []attribution.Placement // valid placements by ID; nil: to be built

	clock
	lastReading int64 // largest reading time of all
	frontier    int64 // up to which placements without an end hold
	heard       int64 // partition time when the node's last record came
	closeTo     int64 // windows up to here are closed
	emitted     int64 // windows up to here have their rows out, or among the step's
	floor       int64 // windows before this can no longer be computed
	settled     int64 // the floor when the run of reconciliation began that counts

	postponed     bool // see Engine.postponed
	mentioned     bool // is among the engine's touched nodes
	before        []fact.Row
	beforeFrom    int64 // window edge from which before holds rows, up to emitted
	outsideBefore attribution.Totals
}

func newNode(id string) *node {
	return &node{
		id: id, devices: map[string]*attribution.Device{}, activity: map[string]*meter.Busy{}, counters: map[string]*meter.Counters{}, placements: map[string][]*telemetry.Placement{},
		clock: clock{newest: never, ahead: never}, lastReading: never, frontier: never, heard: never, closeTo: never, emitted: never, floor: never, settled: never, beforeFrom: math.MaxInt64, tail: never,
	}
}

// known reports whether the inventory has the node's own row.
func (n *node) known() bool {
	_, ok := n.devices[""]
	return ok
}

// build makes the tree and the list of valid placements.
func (n *node) build() {
	if n.tree == nil {
		devices := make([]*attribution.Device, 0, len(n.devices))
		for _, d := range n.devices {
			devices = append(devices, d)
		}
		sort.Slice(devices, func(i, j int) bool { return devices[i].ID < devices[j].ID })
		n.tree = attribution.NewNode(devices)
		n.tree.Activity, n.tree.Counters = n.activity, n.counters
	}
	if n.holding == nil {
		n.holding = make([]attribution.Placement, 0, len(n.placements))
		for _, versions := range n.placements {
			if p := n.counting(versions); p != nil {
				n.holding = append(n.holding, attribution.Placement{Placement: p})
			}
		}
		slices.SortFunc(n.holding, func(a, b attribution.Placement) int { return strings.Compare(a.ID, b.ID) })
	}
	for i := range n.holding {
		n.holding[i].End = n.endOf(n.holding[i].Placement)
	}
}

// Times between which a placement must lie, 2000 and 2200: sums of times stay
// far from overflow. What is plausible is for the source to say.
const (
	firstTime = 946_684_800_000_000_000
	lastTime  = 7_258_118_400_000_000_000
)

// check says whether a placement fits the node, as the inventory stands.
func (n *node) check(p *telemetry.Placement) telemetry.Reason {
	switch {
	case !n.known():
		return telemetry.UnknownNode
	case p.Mode == telemetry.ModeUnknown:
		return telemetry.UnknownMode
	case p.End <= p.Start:
		return telemetry.EndNotAfterStart
	case p.Start < firstTime:
		return telemetry.TooOld
	case p.Start > lastTime || p.End > lastTime && !p.Open():
		return telemetry.InFuture
	case !validShare(p.Share):
		return telemetry.ShareOutOfRange
	}
	for _, id := range p.Devices {
		if id == telemetry.AllDevices {
			if r := n.checkAll(p.Mode); r != telemetry.Accepted {
				return r
			}
			continue
		}
		d, ok := n.devices[id]
		if !ok || id == "" {
			return telemetry.UnknownDevice
		}
		if !n.fits(p.Mode, d) {
			return telemetry.ModeMismatch
		}
	}
	return telemetry.Accepted
}

func (n *node) checkAll(m telemetry.Mode) telemetry.Reason {
	for _, d := range n.devices {
		if d.Kind == telemetry.KindGPU && !n.fits(m, d) {
			return telemetry.ModeMismatch
		}
	}
	return telemetry.Accepted
}

// fits says whether a mode can hold a device: mig for instances only and
// nothing else for them, sharing modes only on cards without instances.
func (n *node) fits(m telemetry.Mode, d *attribution.Device) bool {
	if (m == telemetry.ModeMIG) != (d.Kind == telemetry.KindMIG) {
		return false
	}
	if m == telemetry.ModeWhole || m == telemetry.ModeMIG {
		return true
	}
	for _, other := range n.devices {
		if other.Kind == telemetry.KindMIG && other.Parent == d.ID {
			return false
		}
	}
	return true
}

func validShare(s string) bool {
	if s == "" {
		return true
	}
	d, err := unit.ParseDecimal(s)
	return err == nil && !d.Negative() && !d.Above(1, 0) && d.Above(0, 0)
}

// presence returns the stretches at which the node is present, in order:
// reading times and placements' intervals, silences up to limit closed.
func (n *node) presence(limit int64) []attribution.Interval {
	n.build()
	all := slices.Clone(n.islands)
	for i := range n.holding {
		all = append(all, attribution.Interval{From: n.holding[i].Start, To: n.holding[i].End})
	}
	slices.SortFunc(all, func(a, b attribution.Interval) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	joined := all[:0]
	for _, s := range all {
		if k := len(joined) - 1; k >= 0 && s.From-joined[k].To <= limit {
			joined[k].To = max(joined[k].To, s.To)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

func (n *node) presenceEnd(e *Engine) int64 {
	p := n.presence(e.cfg.maxSilence)
	if len(p) == 0 {
		return never
	}
	return p[len(p)-1].To
}
