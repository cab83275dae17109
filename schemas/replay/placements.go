package replay

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// PlacementRow is a row of placements.csv. Number counts the file's rows, from
// 1; with the time at which a replay begins it makes the placement's revision.
type PlacementRow struct {
	telemetry.Placement
	Line   int
	Number int
}

const (
	placementID = iota
	placementManager
	placementCluster
	placementWorkload
	placementKind
	placementTenant
	placementTeam
	placementNode
	placementDevices
	placementMode
	placementShare
	placementStart
	placementEnd
	placementLabels
	placementCPU
	placementMemory
)

// maxPlacementAhead is how much later than now a placement may begin or end, ns: facts
// are made for all of its time, so a far end that stands for none would make
// millions of them.
const maxPlacementAhead = 366 * 24 * 3_600_000_000_000

// ReadPlacements reads placements.csv and returns what can be held against the
// estate: of two versions of one placement the later. Times before 2000 or more
// than a year after now are refused.
func ReadPlacements(src Source, estate *Estate, now int64) []PlacementRow {
	t := openOptional(src, placementsColumns, placementsOptional)
	if t == nil {
		return nil
	}
	type key struct{ id, node string }
	var placements []PlacementRow
	at := make(map[key]int)
	for number := 1; t.next(); number++ {
		p, ok := t.placement(estate, now)
		if !ok {
			continue
		}
		row := PlacementRow{Placement: p, Line: t.rows.line, Number: number}
		if i, twice := at[key{p.ID, p.Node}]; twice {
			t.warn(placementID, telemetry.PlacementVersions, fmt.Sprintf("%s on node %s stands on line %d, too: this later version counts", quoteCell(p.ID), quoteCell(p.Node), placements[i].Line))
			placements[i] = row
			continue
		}
		at[key{p.ID, p.Node}] = len(placements)
		placements = append(placements, row)
	}
	t.overlaps(placements, estate)
	return placements
}

func (t *table) placement(estate *Estate, now int64) (p telemetry.Placement, ok bool) {
	var manager, mode string
	ok = t.texts(
		[]int{
			placementID, placementManager, placementCluster, placementWorkload, placementKind, placementTenant, placementTeam,
			placementNode, placementMode, placementShare,
		},
		&p.ID, &manager, &p.Cluster, &p.Workload, &p.Kind, &p.Tenant, &p.Team, &p.Node, &mode, &p.Share,
	)
	devices, ok2 := t.text(placementDevices, MaxLine)
	if !ok || !ok2 {
		return p, false
	}
	p.Manager, p.Mode = telemetry.ParseManager(manager), telemetry.ParseMode(mode)
	switch {
	case p.ID == "":
		t.cellFault(placementID, telemetry.Unparsable, "is empty: want what names the placement on its node")
		return p, false
	case !estate.Known(p.Node):
		t.cellFault(placementNode, telemetry.UnknownNode, quoteCell(p.Node)+": want a node of the inventory")
		return p, false
	case p.Mode == telemetry.ModeUnknown:
		t.cellFault(placementMode, telemetry.UnknownMode, fmt.Sprintf("%s: want one of %s", quoteCell(mode), strings.Join(telemetry.ModeNames(), " ")))
		return p, false
	}
	if p.Manager == telemetry.ManagerUnknown && manager != "" {
		t.warn(placementManager, telemetry.Ignored, fmt.Sprintf("%s: want one of %s; it counts as unknown", quoteCell(manager), strings.Join(telemetry.ManagerNames(), " ")))
	}
	if !t.share(p.Share) || !t.held(&p, devices, estate) || !t.interval(&p, now) {
		return p, false
	}
	p.CPURequest, ok = t.request(placementCPU, 3, telemetry.MaxCPURequest)
	p.MemoryRequest, ok2 = t.request(placementMemory, 0, telemetry.MaxMemoryRequest)
	p.Labels = t.labels()
	return p, ok && ok2
}

// request reads what a placement asked for, 0 where the cell is empty or the
// file does not have the column.
func (t *table) request(column, scale int, limit uint64) (v uint64, ok bool) {
	text := string(t.cell(column))
	if text == "" {
		return 0, true
	}
	d, err := unit.ParseDecimal(text)
	if err != nil || d.Negative() || d.Above(limit, scale) {
		t.cellFault(column, telemetry.Unparsable, fmt.Sprintf("%s: want a decimal from 0 to %s", quoteCell(text), unit.FormatDecimal(int64(limit), scale)))
		return 0, false
	}
	n, err := d.Scaled(scale)
	return uint64(n), err == nil
}

// share checks that the share lies in (0, 1]; it stays as it is written.
func (t *table) share(text string) bool {
	if text == "" {
		return true
	}
	const hint = ": want a decimal above 0 and at most 1"
	d, err := unit.ParseDecimal(text)
	if err != nil {
		t.cellFault(placementShare, telemetry.Unparsable, quoteCell(text)+hint)
		return false
	}
	if d.Negative() || !d.Above(0, 0) || d.Above(1, 0) {
		t.cellFault(placementShare, telemetry.ShareOutOfRange, quoteCell(text)+hint)
		return false
	}
	return true
}

// held reads the devices and checks that the mode fits each of them.
func (t *table) held(p *telemetry.Placement, text string, estate *Estate) bool {
	if text != "" {
		p.Devices = strings.Split(text, ";")
	}
	if len(p.Devices) > record.MaxDevices {
		t.cellFault(placementDevices, telemetry.TooLarge, fmt.Sprintf("lists %d: want at most %d, or * for every accelerator", len(p.Devices), record.MaxDevices))
		return false
	}
	for _, id := range heldBy(p, estate) {
		d, ok := estate.Device(p.Node, id)
		if !ok || id == "" {
			t.cellFault(placementDevices, telemetry.UnknownDevice, fmt.Sprintf("%s: want devices that the inventory has for node %s, with ; between them, or * alone for every accelerator", quoteCell(id), quoteCell(p.Node)))
			return false
		}
		if message := misfit(p.Mode, d, estate); message != "" {
			t.cellFault(placementMode, telemetry.ModeMismatch, message)
			return false
		}
	}
	return true
}

// heldBy lists the devices that a placement names.
func heldBy(p *telemetry.Placement, estate *Estate) []string {
	if len(p.Devices) == 1 && p.Devices[0] == telemetry.AllDevices {
		return estate.Accelerators(p.Node)
	}
	return p.Devices
}

// misfit says why a device cannot be held in a mode, "" where it can.
func misfit(mode telemetry.Mode, d telemetry.Device, estate *Estate) string {
	instance := d.Kind == telemetry.KindMIG
	switch {
	case mode == telemetry.ModeMIG && !instance:
		return fmt.Sprintf("mig on %s, a device of kind %s: want instances (kind mig)", quoteCell(d.ID), d.Kind)
	case mode != telemetry.ModeMIG && instance:
		return fmt.Sprintf("%s on the instance %s: want mig", mode, quoteCell(d.ID))
	case mode != telemetry.ModeMIG && mode != telemetry.ModeWhole && estate.Partitioned(d.Node, d.ID):
		return fmt.Sprintf("%s on %s, a card that has instances: want mig with its instances, or whole", mode, quoteCell(d.ID))
	}
	return ""
}

func (t *table) interval(p *telemetry.Placement, now int64) (ok bool) {
	if len(t.cell(placementStart)) == 0 {
		t.cellFault(placementStart, telemetry.Unparsable, "is empty: "+timeHint)
		return false
	}
	var ok2 bool
	p.Start, ok = t.time(placementStart, 0)
	p.End, ok2 = t.time(placementEnd, telemetry.MaxTime)
	if !ok || !ok2 {
		return false
	}
	for _, at := range []struct {
		column int
		time   int64
	}{{placementStart, p.Start}, {placementEnd, p.End}} {
		if reason := telemetry.CheckTime(at.time, now, maxPlacementAhead); reason != telemetry.Accepted && (at.column == placementStart || !p.Open()) {
			t.cellFault(at.column, reason, quoteCell(string(t.cell(at.column)))+": want a time from 2000 on and at most a year ahead; leave end empty while the placement runs")
			return false
		}
	}
	if p.End <= p.Start {
		t.cellFault(placementEnd, telemetry.EndNotAfterStart, fmt.Sprintf("%s is not after start %s: want a later end, or none while it runs",
			quoteCell(string(t.cell(placementEnd))), quoteCell(string(t.cell(placementStart)))))
		return false
	}
	return true
}

// labels returns the labels, or none, with a warning, where they are not a JSON
// object: no figure depends on them.
func (t *table) labels() string {
	c := t.cell(placementLabels)
	if len(c) == 0 {
		return ""
	}
	var object map[string]any
	if len(c) > record.MaxText || json.Unmarshal(c, &object) != nil || object == nil {
		t.warn(placementLabels, telemetry.Ignored, fmt.Sprintf("%s: want a JSON object of at most %d bytes, such as {\"job\":\"7\"}; left out", quoteCell(string(c)), record.MaxText))
		return ""
	}
	return string(c)
}
