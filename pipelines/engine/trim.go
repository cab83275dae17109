package engine

import (
	"slices"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// trimEvery spreads the cost of trimming over this many windows.
const trimEvery = 4

// trim forgets what no event can reach any more, and what is not needed to
// compute what an event can reach.
func (e *Engine) trim(n *node) {
	w := n.watermark(&e.cfg)
	if w == never {
		return
	}
	floor := e.floor(e.reachable(n, w-e.cfg.horizon))
	if n.floor != never && floor < n.floor+trimEvery*e.cfg.window {
		return
	}
	n.floor = floor
	for _, d := range n.devices {
		e.trimDevice(d, floor)
	}
	for key, b := range n.activity {
		trimBusy(b, floor)
		if last := lastBusy(b); last < floor {
			delete(n.activity, key)
			n.columns = nil
		}
	}
	for len(n.islands) > 1 && n.islands[0].To < floor-e.cfg.maxSilence {
		n.islands = n.islands[1:]
	}
	// Versions stay longer than what they can change: an old one that is sent
	// again must not be taken for news.
	keep := floor - 2*(e.cfg.maxSilence+2*e.cfg.maxGap)
	for id, versions := range n.placements {
		if !slices.ContainsFunc(versions, func(p *telemetry.Placement) bool { return p.End >= keep }) {
			delete(n.placements, id)
			n.holding = nil
		}
	}
}

// reachable returns from when on events that are not older than oldest can
// change figures. A reading reaches back to the one before it, and a silence to
// where it began: with readings every few seconds that is a few seconds, with
// gaps up to the longest silence. What an event says that is older than the
// horizon (a rate, say) takes effect from here on.
func (e *Engine) reachable(n *node, oldest int64) int64 {
	from := oldest - e.cfg.maxSilence
	for _, s := range n.islands {
		if s.From <= oldest {
			from = max(from, min(s.To, oldest))
		}
	}
	for _, d := range n.devices {
		r := &d.Readings
		power := e.reachGauge(&r.Power, oldest, e.cfg.hold)
		from = min(from, power, e.reachCounter(&r.Counter, power), e.reachBusy(&d.Busy, oldest))
	}
	for _, b := range n.activity {
		from = min(from, e.reachBusy(b, oldest))
	}
	return from
}

func (e *Engine) reachBusy(b *meter.Busy, oldest int64) int64 {
	from := oldest
	for _, s := range b.Series() {
		from = min(from, e.reachGauge(s, oldest, 0))
	}
	return from
}

// trimDevice keeps what windows from floor on need. A counter segment over the
// floor that turns out to be a bridge needs the power in all of it.
func (e *Engine) trimDevice(d *attribution.Device, floor int64) {
	r := &d.Readings
	power := floor
	if start, ok := r.Counter.TrimKept(floor); ok && floor-start <= e.cfg.maxSilence {
		power = start
	}
	r.Power.Trim(power - e.cfg.hold)
	r.Limit.Trim(floor)
	trimBusy(&d.Busy, floor)
}

func trimBusy(b *meter.Busy, keep int64) {
	for _, s := range b.Series() {
		s.Trim(keep)
	}
}

func lastBusy(b *meter.Busy) int64 {
	last := int64(never)
	for _, s := range b.Series() {
		if t, ok := s.Last(); ok {
			last = max(last, t)
		}
	}
	return last
}
