package attribution

import (
	"github.com/ntegral/ntegral/pipelines/exact"
	"github.com/ntegral/ntegral/pipelines/rate"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// defaultLifetime is an accelerator's where no rate says another: four years,
// as Cloud Carbon Footprint assumes (methodology, "Embodied emissions").
const defaultLifetime = 35_040 * int64(unit.NanosecondsPerHour)

// lines are the timelines that concern a node.
type lines struct {
	node        [4]*rate.Timeline // electricity, PUE, location, market
	instance    *rate.Timeline
	accelerator []acceleratorLines
	all         []*rate.Timeline
}

type acceleratorLines struct {
	price, embodied, lifetime, idle, full *rate.Timeline
}

const (
	electricity = iota
	pue
	gridLocation
	gridMarket
)

// resolve brings the node's timelines up to date with the table.
func (n *Node) resolve(t *rate.Table) *lines {
	if n.linesFor == t && n.linesVersion == t.Version() {
		return &n.lines
	}
	l := &n.lines
	*l = lines{}
	keys := rate.NodeKeys(&n.Attributes)
	for i, kind := range []telemetry.RateKind{telemetry.RateElectricity, telemetry.RatePUE, telemetry.RateGridLocation, telemetry.RateGridMarket} {
		l.node[i] = t.Timeline(kind, keys)
	}
	region := n.Attributes.Region
	l.instance = t.Timeline(telemetry.RateInstancePrice, rate.RegionalKeys(n.Attributes.InstanceType, region))
	l.all = append(l.node[:4:4], l.instance)
	l.accelerator = make([]acceleratorLines, 0, len(n.accelerators))
	model := ""
	for k, i := range n.accelerators {
		if k > 0 && n.meters[i].Model == model { // as on nearly every node
			l.accelerator = append(l.accelerator, l.accelerator[k-1])
			continue
		}
		model = n.meters[i].Model
		keys := rate.RegionalKeys(model, region)
		a := acceleratorLines{
			price:    t.Timeline(telemetry.RateDevicePrice, keys),
			embodied: t.Timeline(telemetry.RateEmbodied, keys),
			lifetime: t.Timeline(telemetry.RateLifetime, keys),
			idle:     t.Timeline(telemetry.RateIdlePower, keys),
			full:     t.Timeline(telemetry.RateFullPower, keys),
		}
		l.accelerator = append(l.accelerator, a)
		l.all = append(l.all, a.price, a.embodied, a.lifetime, a.idle, a.full)
	}
	n.linesFor, n.linesVersion = t, t.Version()
	return l
}

// at returns what applies at x and since when.
func at(l *rate.Timeline, x int64) (r *telemetry.Rate, since int64) {
	i := l.At(x)
	return l.Rows[i], l.Moments[i]
}

// accrued returns what price per hour gives in [from, to) when it has been
// counted from a on: the difference of two rounded cumulative figures.
func accrued(price, per, a, from, to int64) int64 {
	return exact.MulDivRound(price, to-a, per) - exact.MulDivRound(price, from-a, per)
}
