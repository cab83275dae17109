package engine

import (
	"slices"

	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// trim forgets what no event can reach any more, and what is not needed to
// compute what an event can reach.
func (e *Engine) trim(n *node) {
	w := n.watermark(&e.cfg)
	if w == never {
		return
	}
	drop := n.forgettable(w - e.cfg.horizon)
	if drop == 0 {
		return
	}
	n.floor = n.history[drop-1].edge
	n.history = slices.Delete(n.history, 0, drop)
	n.setTail()
	for _, d := range n.devices {
		d.Readings.Counter.TrimKept(n.floor)
	}
	for key, b := range n.activity {
		if all := b.Series(); lastOf(all[:]) < n.floor {
			delete(n.activity, key)
			n.layout = layout{}
		}
	}
	for key, c := range n.counters {
		if all := c.Series(); lastOf(all[:]) < n.floor {
			delete(n.counters, key)
			n.layout = layout{}
		}
	}
	for len(n.islands) > 1 && n.islands[0].To < n.floor-e.cfg.maxSilence {
		n.islands = n.islands[1:]
	}
	// Versions stay longer than what they can change: an old one that is sent
	// again must not be taken for news.
	keep := n.floor - 2*(e.cfg.maxSilence+2*e.cfg.maxGap)
	for id, versions := range n.placements {
		if !slices.ContainsFunc(versions, func(p *telemetry.Placement) bool { return p.End >= keep }) {
			delete(n.placements, id)
			n.holding = nil
		}
	}
}

// forgettable returns how many blocks of history nothing can reach: an event is
// not older than oldest, so the newest block that is says from when on windows
// can change.
func (n *node) forgettable(oldest int64) int {
	for k := len(n.history) - 1; k >= 0; k-- {
		if n.history[k].edge > oldest {
			continue
		}
		drop := 0
		for drop <= k && n.history[drop].edge <= n.history[k].reach {
			drop++
		}
		return drop
	}
	return 0
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
	for _, c := range n.counters {
		for _, s := range c.Series() {
			from = min(from, e.reachCount(s, oldest))
		}
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

// lastOf is the time of the last reading of some series, never if there is none.
func lastOf(series []*meter.Series) int64 {
	last := int64(never)
	for _, s := range series {
		if t, ok := s.Last(); ok {
			last = max(last, t)
		}
	}
	return last
}
