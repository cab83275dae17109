package replay

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// overlaps warns of whole-device placements that hold one device at one time:
// they share it equally, as conflict. A pair is named once, whatever the
// number of devices it has in common.
func (t *table) overlaps(placements []PlacementRow, estate *Estate) {
	type device struct{ node, id string }
	holders := make(map[device][]int)
	var order []device
	for i := range placements {
		p := &placements[i]
		if p.Mode != telemetry.ModeWhole {
			continue
		}
		for _, id := range heldBy(&p.Placement, estate) {
			d := device{p.Node, id}
			if holders[d] == nil {
				order = append(order, d)
			}
			if hs := holders[d]; len(hs) == 0 || hs[len(hs)-1] != i {
				holders[d] = append(hs, i)
			}
		}
	}
	type pair struct{ a, b int }
	said := make(map[pair]bool)
	for _, d := range order {
		hs := holders[d]
		slices.SortStableFunc(hs, func(a, b int) int { return cmp.Compare(placements[a].Start, placements[b].Start) })
		longest := hs[0]
		for _, i := range hs[1:] {
			a, b := &placements[longest], &placements[i]
			if a.End > b.Start && !said[pair{longest, i}] {
				said[pair{longest, i}] = true
				t.report(Fault{
					Line: b.Line, Node: d.node, Reason: telemetry.PlacementOverlap, Warning: true,
					Message: fmt.Sprintf("placement %s holds %s of node %s whole while %s of line %d does: want one whole holder at a time; they get equal parts, counted as conflict",
						quoteCell(b.ID), quoteCell(d.id), quoteCell(d.node), quoteCell(a.ID), a.Line),
				})
			}
			if b.End > a.End {
				longest = i
			}
		}
	}
}
