// Package attribution says what each holder had of a node's devices in each
// window, and what that used, cost and emitted.
//
// Words. A node's meters form a tree: a meter contributes only what those
// inside it do not explain, its own energy. An elementary interval is a
// stretch of presence in which nothing changes but readings: it is cut by
// windows, by placements' edges and by rates' moments. In it each accelerator
// belongs to its pieces: one for every placement on it, one for nobody if
// shares leave a rest. Energy of meters that are not accelerators is overhead,
// split among all pieces of the node.
//
// Invariants, held for every window by integer splits (package exact): the
// pieces' energies add up to the meters' own energies, their times to the
// accelerators' presence, their costs to price × time and tariff × energy.
// Totals carries both sides, so that a caller can publish the difference.
//
// Calculator is pure and reuses its buffers; it is not safe for concurrent
// use. Definitions: docs/methodology.md, "The tree of meters" to "Rates".
package attribution

import (
	"sort"

	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/pipelines/rate"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Device is one device of a node with its readings.
type Device struct {
	telemetry.Device
	Readings meter.Meter
	Busy     meter.Busy
}

// Node is a node as attribution sees it: its meters as a tree.
type Node struct {
	Attributes   telemetry.Device // of the node itself
	meters       []*Device        // every device with energy of its own; children before parents
	parent       []int            // per meter, -1 for a root
	leaf         []bool
	accelerators []int          // meters that are accelerators, by device ID
	slot         []int          // per meter, its index in accelerators or -1
	index        map[string]int // of every device, among meters; -1: an instance
	instances    [][]instance   // per accelerator

	// Activity is the busy series of placements of their own, by "D/P".
	Activity map[string]*meter.Busy

	// Counters are what devices and placements count, by "D" or "D/P".
	Counters map[string]*meter.Counters

	lines        lines
	linesVersion uint64
	linesFor     *rate.Table
}

// NewNode builds the tree of the devices of a node. Devices must include the
// node's own row, with the empty ID. A parent that is not there, or that makes
// a circle, counts as not given.
func NewNode(devices []*Device) *Node {
	n := &Node{index: make(map[string]int, len(devices))}
	byID := make(map[string]*Device, len(devices))
	for _, d := range devices {
		byID[d.ID] = d
		n.index[d.ID] = -1
		if d.ID == "" {
			n.Attributes = d.Device
		}
	}
	var metered []*Device
	for _, d := range devices {
		if d.Kind != telemetry.KindMIG { // an instance repeats its card's energy
			metered = append(metered, d)
		}
	}
	sort.Slice(metered, func(i, j int) bool {
		di, dj := depth(byID, metered[i]), depth(byID, metered[j])
		return di > dj || di == dj && metered[i].ID < metered[j].ID
	})
	n.build(byID, metered)
	n.addInstances(byID, devices)
	return n
}

func (n *Node) build(byID map[string]*Device, metered []*Device) {
	count := len(metered)
	n.meters, n.parent, n.leaf, n.slot = metered, make([]int, count), make([]bool, count), make([]int, count)
	for i, d := range metered {
		n.index[d.ID] = i
		n.leaf[i], n.slot[i] = true, -1
	}
	for i, d := range metered {
		n.parent[i] = -1
		if p, ok := containing(byID, d); ok {
			n.parent[i] = n.index[p]
			n.leaf[n.index[p]] = false
		}
		if d.Kind == telemetry.KindGPU {
			n.accelerators = append(n.accelerators, i)
		}
	}
	sort.Slice(n.accelerators, func(a, b int) bool {
		return metered[n.accelerators[a]].ID < metered[n.accelerators[b]].ID
	})
	for slot, i := range n.accelerators {
		n.slot[i] = slot
	}
}

// containing returns the ID of the meter that contains d, if one does. An instance has
// nothing of its own, so what it contains is the card's.
func containing(byID map[string]*Device, d *Device) (string, bool) {
	p, ok := parentOf(byID, d)
	for ok && byID[p].Kind == telemetry.KindMIG {
		p, ok = parentOf(byID, byID[p])
	}
	return p, ok
}

// parentOf returns the ID of the device that contains d, if one does.
func parentOf(byID map[string]*Device, d *Device) (string, bool) {
	p, ok := givenParent(byID, d)
	if ok && !circular(byID, d) {
		return p, true
	}
	switch d.Kind {
	case telemetry.KindGPU, telemetry.KindCPU, telemetry.KindModule:
		_, wall := byID[""]
		return "", wall && d.ID != ""
	}
	return "", false
}

// givenParent returns the parent that d's row names, if it names one that is there.
func givenParent(byID map[string]*Device, d *Device) (string, bool) {
	_, ok := byID[d.Parent]
	return d.Parent, ok && d.Parent != ""
}

// circular reports whether following given parents from d comes back to d. The
// node's own row is not given as a parent: it is led back to through what
// belongs to it by kind.
func circular(byID map[string]*Device, d *Device) bool {
	if d.ID == "" {
		return leadsToWall(byID, byID[d.Parent])
	}
	at := d
	for range byID {
		p, ok := givenParent(byID, at)
		if !ok {
			return false
		}
		if at = byID[p]; at == d {
			return true
		}
	}
	return false
}

// leadsToWall reports whether the node's own row contains d, whose own parents
// make no circle once those that are given in one are left out.
func leadsToWall(byID map[string]*Device, d *Device) bool {
	for {
		p, ok := parentOf(byID, d)
		if !ok || p == "" {
			return ok
		}
		d = byID[p]
	}
}

// depth is how many devices contain d; circles were cut.
func depth(byID map[string]*Device, d *Device) int {
	n := 0
	for at := d; n <= len(byID); n++ {
		p, ok := parentOf(byID, at)
		if !ok {
			return n
		}
		at = byID[p]
	}
	return n
}

// Accelerators returns the node's accelerators, by ID.
func (n *Node) Accelerators() []*Device {
	all := make([]*Device, len(n.accelerators))
	for slot, i := range n.accelerators {
		all[slot] = n.meters[i]
	}
	return all
}
