package conformance_test

import (
	"math/big"
	"sort"
	"strings"
)

// placement is one that counts: the last version of its (id, node).
type placement struct {
	id, workload, tenant, team string
	mode                       string
	devices                    []string // resolved: "*" is every accelerator
	share                      *big.Rat
	open                       bool
	held                       interval
	cores, memory              int64 // asked for: 10⁻³ cores, bytes; 0 says nothing
}

func (p placement) lists(device string) bool {
	for _, d := range p.devices {
		if d == device {
			return true
		}
	}
	return false
}

// readPlacements follows the first paragraph of section 5. A rejected version
// is as if never sent (reading 12).
func readPlacements(nodes map[string]*node, rows []row) {
	latest := make(map[string]map[string]placement)
	for _, r := range rows {
		n := nodes[r["node"]]
		if n == nil || r["id"] == "" {
			continue
		}
		if p, ok := n.placementOf(r); ok {
			if latest[n.name] == nil {
				latest[n.name] = make(map[string]placement)
			}
			latest[n.name][p.id] = p
		}
	}
	for name, byID := range latest {
		n := nodes[name]
		for _, id := range sortedKeys(byID) {
			p := byID[id]
			if p.open { // up to the last reading: every node is sealed
				p.held.to = p.held.from
				if n.hasReading {
					p.held.to = max(p.held.from, n.lastReading)
				}
			}
			n.placements = append(n.placements, p)
		}
	}
}

// placementOf reads one row, or rejects it whole.
func (n *node) placementOf(r row) (placement, bool) {
	p := placement{
		id: r["id"], workload: r["workload"], tenant: r["tenant"], team: r["team"],
		mode: r["mode"], share: big.NewRat(1, 1), open: r["end"] == "",
	}
	var ok bool
	if p.held.from, ok = instant(r["start"]); !ok {
		return p, false
	}
	if !p.open {
		if p.held.to, ok = instant(r["end"]); !ok || p.held.to <= p.held.from {
			return p, false
		}
	}
	if r["share"] != "" {
		if p.share, ok = number(r["share"]); !ok || p.share.Sign() <= 0 || p.share.Cmp(big.NewRat(1, 1)) > 0 {
			return p, false
		}
	}
	if p.cores, ok = asked(r["cpu_request_cores"], 1000, maxCores); !ok {
		return p, false
	}
	if p.memory, ok = asked(r["memory_request_bytes"], 1, maxMemory); !ok {
		return p, false
	}
	switch r["devices"] {
	case "":
	case "*":
		p.devices = n.accelerators
	default:
		p.devices = strings.Split(r["devices"], ";")
	}
	for _, id := range p.devices {
		if n.devices[id] == nil || id == "" || !n.fits(p.mode, n.devices[id]) {
			return p, false
		}
	}
	return p, p.mode == "whole" || p.mode == "mig" || p.mode == "fraction" || p.mode == "timeslice" || p.mode == "mps"
}

// fits holds if a mode can hold a device (section 5).
func (n *node) fits(mode string, d *device) bool {
	if (mode == "mig") != (d.kind == "mig") {
		return false
	}
	return mode == "whole" || mode == "mig" || len(n.instances(d.id)) == 0
}

// instances are the MIG rows of a card, sorted.
func (n *node) instances(card string) []string {
	var out []string
	for _, id := range n.devices[card].children {
		if n.devices[id].kind == "mig" {
			out = append(out, id)
		}
	}
	return out
}

// running are the placements that hold over the whole of an elementary
// interval, sorted by id.
func (n *node) running(iv interval) []placement {
	var out []placement
	for _, p := range n.placements {
		if p.held.from <= iv.from && iv.to <= p.held.to {
			out = append(out, p)
		}
	}
	return out
}

// presence follows section 6: the union of all reading times and placement
// intervals, gaps of up to an hour closed. A single instant is none.
func (n *node) presence() []interval {
	var events []interval
	for _, readings := range n.series {
		for _, r := range readings {
			events = append(events, interval{r.at, r.at})
		}
	}
	for _, p := range n.placements {
		events = append(events, p.held)
	}
	sort.Slice(events, func(i, j int) bool { return events[i].from < events[j].from })
	var joined []interval
	for _, e := range events {
		last := len(joined) - 1
		if last >= 0 && e.from-joined[last].to <= maxSilence {
			joined[last].to = max(joined[last].to, e.to)
			continue
		}
		joined = append(joined, e)
	}
	var out []interval
	for _, iv := range joined {
		if iv.length() > 0 {
			out = append(out, iv)
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
