package replay

import (
	"maps"
	"slices"
	"strings"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Estate is the nodes and devices that are known: what an earlier inventory
// said, and then what the directory says.
type Estate struct {
	nodes map[string]map[string]telemetry.Device
}

// NewEstate returns an empty estate.
func NewEstate() *Estate { return &Estate{nodes: make(map[string]map[string]telemetry.Device)} }

// Put makes a device known, or known anew.
func (e *Estate) Put(d telemetry.Device) {
	devices := e.nodes[d.Node]
	if devices == nil {
		devices = make(map[string]telemetry.Device)
		e.nodes[d.Node] = devices
	}
	devices[d.ID] = d
}

// Known reports whether a node has a row of its own. Without one its readings
// and placements cannot be used.
func (e *Estate) Known(node string) bool {
	_, ok := e.nodes[node][""]
	return ok
}

// Nodes lists the known nodes by name.
func (e *Estate) Nodes() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(e.nodes)), func(node string) bool { return !e.Known(node) })
}

// Device returns a row of the inventory.
func (e *Estate) Device(node, id string) (telemetry.Device, bool) {
	d, ok := e.nodes[node][id]
	return d, ok
}

// Metered returns the device that a series belongs to: id itself, or D where
// id is D/P, the activity of placement P on device D.
func (e *Estate) Metered(node, id string) (telemetry.Device, bool) {
	if d, ok := e.nodes[node][id]; ok {
		return d, true
	}
	device, _, activity := strings.Cut(id, "/")
	if !activity {
		return telemetry.Device{}, false
	}
	d, ok := e.nodes[node][device]
	return d, ok
}

// Accelerators lists a node's accelerators by identity.
func (e *Estate) Accelerators(node string) []string { return e.ofKind(node, telemetry.KindGPU) }

func (e *Estate) ofKind(node string, kind telemetry.Kind) []string {
	var ids []string
	for id, d := range e.nodes[node] {
		if d.Kind == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Partitioned reports whether a card has instances.
func (e *Estate) Partitioned(node, card string) bool {
	for _, d := range e.nodes[node] {
		if d.Kind == telemetry.KindMIG && d.Parent == card {
			return true
		}
	}
	return false
}
