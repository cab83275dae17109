package replay

import (
	"fmt"
	"strings"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// DeviceRow is a row of inventory.csv.
type DeviceRow struct {
	telemetry.Device
	Line int
}

const (
	inventoryNode = iota
	inventoryDevice
	inventoryKind
	inventoryModel
	inventoryParent
	inventoryProvider
	inventoryRegion
	inventoryZone
	inventoryInstanceType
	inventoryCluster
	inventoryTenant
)

// ReadInventory reads inventory.csv, puts its rows into the estate and returns
// those to publish: of two rows of one device the later. A parent that the
// estate does not have, or that is contained in its own child, counts as not
// given.
func ReadInventory(src Source, estate *Estate) []DeviceRow {
	t := openTable(src, inventoryColumns, nil)
	if t == nil {
		return nil
	}
	type key struct{ node, id string }
	var devices []DeviceRow
	at := make(map[key]int)
	parents := make(map[key]Fault) // where each parent is written
	for t.next() {
		d, ok := t.device()
		if !ok {
			continue
		}
		if d.Kind == telemetry.KindMIG && telemetry.ProfileSlices(d.Model) == 0 {
			t.warn(inventoryModel, telemetry.UnknownProfile, fmt.Sprintf("%s of the instance %s names no slices: want a profile such as 3g.40gb; who holds the instance holds nothing of its card", quoteCell(d.Model), quoteCell(d.ID)))
		}
		k := key{d.Node, d.ID}
		parents[k] = t.at(inventoryParent, telemetry.UnknownParent, "")
		row := DeviceRow{Device: d, Line: t.rows.line}
		if i, twice := at[k]; twice {
			t.warn(inventoryDevice, telemetry.DeviceVersions, fmt.Sprintf("%s of node %s stands on line %d, too: this later row counts", quoteCell(d.ID), quoteCell(d.Node), devices[i].Line))
			devices[i] = row
		} else {
			at[k] = len(devices)
			devices = append(devices, row)
		}
		estate.Put(d)
	}
	noWall := make(map[string]bool)
	for i := range devices {
		d := &devices[i]
		if message := checkParent(estate, d.Device); message != "" {
			where := parents[key{d.Node, d.ID}]
			where.Node, where.Message = d.Node, "parent "+message
			t.report(where)
			d.Parent = ""
		}
		if !estate.Known(d.Node) && !noWall[d.Node] {
			noWall[d.Node] = true
			t.report(Fault{
				Line: d.Line, Node: d.Node, Reason: telemetry.UnknownNode,
				Message: fmt.Sprintf("node %s has no row of its own: want one with an empty device and kind wall; without it nothing of the node can be used", quoteCell(d.Node)),
			})
		}
	}
	for _, d := range devices { // only now: each parent is judged by all as they are written
		estate.Put(d.Device)
	}
	return devices
}

func (t *table) device() (d telemetry.Device, ok bool) {
	var kind string
	ok = t.texts(
		[]int{
			inventoryNode, inventoryDevice, inventoryKind, inventoryModel, inventoryParent, inventoryProvider,
			inventoryRegion, inventoryZone, inventoryInstanceType, inventoryCluster, inventoryTenant,
		},
		&d.Node, &d.ID, &kind, &d.Model, &d.Parent, &d.Provider, &d.Region, &d.Zone, &d.InstanceType, &d.Cluster, &d.Tenant,
	)
	if !ok {
		return d, false
	}
	if d.Node == "" {
		t.cellFault(inventoryNode, telemetry.UnknownNode, "is empty: want the node's name")
		return d, false
	}
	d.Kind = telemetry.ParseKind(kind)
	if d.Kind == telemetry.KindUnknown {
		t.cellFault(inventoryKind, telemetry.Unparsable, fmt.Sprintf("%s: want one of %s", quoteCell(kind), strings.Join(telemetry.KindNames(), " ")))
		return d, false
	}
	if d.ID == "" && d.Kind != telemetry.KindWall {
		t.cellFault(inventoryKind, telemetry.Unparsable, fmt.Sprintf("%s of a row without device, which is the node itself: want wall", kind))
		return d, false
	}
	return d, true
}

// checkParent says what is wrong with a device's parent, "" where nothing is.
func checkParent(estate *Estate, d telemetry.Device) string {
	parent, ok := estate.Device(d.Node, d.Parent)
	switch {
	case d.Kind == telemetry.KindMIG && (d.Parent == "" || !ok || parent.Kind != telemetry.KindGPU):
		return fmt.Sprintf("%s of the instance %s: want a card (kind gpu) of node %s", quoteCell(d.Parent), quoteCell(d.ID), quoteCell(d.Node))
	case d.Parent == "":
		return ""
	case !ok:
		return fmt.Sprintf("%s: node %s has no row for it; it counts as not given", quoteCell(d.Parent), quoteCell(d.Node))
	}
	seen, last := make(map[string]bool), parent
	for p := d.Parent; p != ""; p = last.Parent {
		if p == d.ID {
			return fmt.Sprintf("%s leads back to %s: want a tree of meters; it counts as not given", quoteCell(d.Parent), quoteCell(p))
		}
		next, ok := estate.Device(d.Node, p)
		if !ok {
			break
		}
		last = next
		if seen[p] { // in a circle of others, whose parents are not given either
			break
		}
		seen[p] = true
	}
	if d.ID == "" && belongsToNode(last.Kind) {
		return fmt.Sprintf("%s belongs to the node itself: want a meter outside it; it counts as not given", quoteCell(d.Parent))
	}
	return ""
}

// belongsToNode reports whether the node's own row contains a device that names
// no parent.
func belongsToNode(k telemetry.Kind) bool {
	return k == telemetry.KindGPU || k == telemetry.KindCPU || k == telemetry.KindModule
}
