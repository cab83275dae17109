package engine

import (
	"slices"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Of a placement a node keeps, highest revision first, the version that counts
// and at most one above it that does not fit the inventory: a rejected version
// is as if never sent, but may fit once the inventory has its device.

// neverFits reports whether a placement is refused whatever the inventory says.
func neverFits(r telemetry.Reason) bool {
	return r == telemetry.TooOld || r == telemetry.InFuture || r == telemetry.UnknownMode || r == telemetry.EndNotAfterStart || r == telemetry.ShareOutOfRange
}

// counting returns the version that counts, nil if none does.
func (n *node) counting(versions []*telemetry.Placement) *telemetry.Placement {
	for _, p := range versions {
		if n.check(p) == telemetry.Accepted {
			return p
		}
	}
	return nil
}

// withVersion returns the versions that are to be kept once p has come.
func (n *node) withVersion(old []*telemetry.Placement, p *telemetry.Placement) []*telemetry.Placement {
	version := *p
	all := make([]*telemetry.Placement, 0, len(old)+1)
	for _, v := range old {
		if v.Revision != p.Revision {
			all = append(all, v)
		}
	}
	i := 0
	for i < len(all) && all[i].Revision > p.Revision {
		i++
	}
	all = slices.Insert(all, i, &version)
	kept := all[:0]
	for _, v := range all {
		if n.check(v) == telemetry.Accepted {
			return append(kept, v)
		}
		if len(kept) == 0 {
			kept = append(kept, v)
		}
	}
	return kept
}

// changesFrom returns the time from which on figures change when version b of
// a placement counts in place of a; either may be nil.
func (e *Engine) changesFrom(n *node, a, b *telemetry.Placement) int64 {
	switch {
	case a == nil:
		return e.eventBefore(n, b.ID, b.Start)
	case b == nil:
		return e.eventBefore(n, a.ID, a.Start)
	}
	moved := *b
	moved.End = a.End
	if samePlacement(a, &moved) {
		// Most versions only say when a long run ended.
		return min(n.endOf(a), n.endOf(b))
	}
	return e.eventBefore(n, a.ID, min(a.Start, b.Start))
}

// eventBefore returns the last moment up to t at which the node has an event
// other than those of placement id, if the silence from there to t would be
// presence; otherwise t.
func (e *Engine) eventBefore(n *node, id string, t int64) int64 {
	n.build()
	last := int64(never)
	for _, s := range n.islands {
		if s.From <= t {
			last = max(last, min(s.To, t))
		}
	}
	for i := range n.holding {
		if p := &n.holding[i]; p.ID != id && p.Start <= t {
			last = max(last, min(p.End, t))
		}
	}
	if last < back(t, e.cfg.maxSilence) {
		return t
	}
	return last
}

// endOf is up to when a placement holds: without an end, up to the frontier.
func (n *node) endOf(p *telemetry.Placement) int64 {
	if p.Open() {
		return max(p.Start, n.frontier)
	}
	return p.End
}

// samePlacement reports whether two versions say the same, labels aside, on
// which no figure depends. Either may be nil.
func samePlacement(a, b *telemetry.Placement) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Devices, b.Devices) &&
		a.ID == b.ID && a.Node == b.Node && a.Manager == b.Manager && a.Cluster == b.Cluster && a.Workload == b.Workload && a.Kind == b.Kind &&
		a.Tenant == b.Tenant && a.Team == b.Team && a.Mode == b.Mode && a.Share == b.Share && a.Start == b.Start && a.End == b.End &&
		a.CPURequest == b.CPURequest && a.MemoryRequest == b.MemoryRequest
}
