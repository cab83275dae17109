package estate

import (
	"math"
	"math/rand/v2"
)

// track is one quantity of the model: its value at every second, linear in
// between, so that its integral is exact and not an approximation.
type track struct {
	at  []float64
	sum []float64 // integral from 0 to the second
}

func newTrack(at []float64) track {
	sum := make([]float64, len(at))
	for i := 1; i < len(at); i++ {
		sum[i] = sum[i-1] + (at[i-1]+at[i])/2
	}
	return track{at: at, sum: sum}
}

// until is the integral from 0 to x seconds.
func (t track) until(x float64) float64 {
	i := int(x)
	if i >= len(t.at)-1 {
		return t.sum[len(t.sum)-1]
	}
	f := x - float64(i)
	return t.sum[i] + t.at[i]*f + (t.at[i+1]-t.at[i])*f*f/2
}

// mean is the mean of the span seconds before x.
func (t track) mean(x, span float64) float64 {
	from := math.Max(0, x-span)
	if x <= from {
		return t.at[0]
	}
	return (t.until(x) - t.until(from)) / (x - from)
}

// physics is what happens on one node.
type physics struct {
	busy  []track // per card
	power []track
	cpu   []track // per CPU package
	wall  track   // everything in the machine
	used  [][]float64
}

// model plays the plan: utilisation by workload, power by utilisation, and the
// host's power by the load of what it hosts.
func model(p plan, seed uint64) []physics {
	courses := make([][]float64, len(p.workloads))
	for i, w := range p.workloads {
		courses[i] = w.shape(rand.New(rand.NewPCG(seed, uint64(1000+i))), p.seconds)
	}
	out := make([]physics, len(p.nodes))
	for i := range p.nodes {
		out[i] = nodeModel(p, i, courses, rand.New(rand.NewPCG(seed, uint64(i+1))))
	}
	return out
}

func nodeModel(p plan, at int, courses [][]float64, rng *rand.Rand) physics {
	n, ph := p.nodes[at], physics{}
	load := make([]float64, p.seconds+1)
	total := make([]float64, p.seconds+1)
	for d := range n.cards {
		busy, held := course(p, at, d, courses, rng)
		watts := powerOf(n.card, busy, held, rng)
		for i := range watts {
			load[i] += busy[i] / float64(n.cards)
			total[i] += watts[i]
		}
		ph.busy, ph.power = append(ph.busy, newTrack(busy)), append(ph.power, newTrack(watts))
		ph.used = append(ph.used, held)
	}
	if n.cards == 0 {
		load = hostLoad(p, at, courses)
	}
	ripple := 0.0
	host := make([]float64, p.seconds+1)
	for i := range host {
		ripple = 0.97*ripple + 0.002*rng.NormFloat64()
		host[i] = (n.host + (n.hostTop-n.host)*load[i]) * (1 + ripple)
		total[i] += host[i]
	}
	for range n.cpus {
		part := make([]float64, len(host))
		for i := range part {
			part[i] = host[i] * 0.7 / float64(n.cpus)
		}
		ph.cpu = append(ph.cpu, newTrack(part))
	}
	ph.wall = newTrack(total)
	return ph
}

// course is the utilisation of one card, and how much of it a workload keeps
// resident (0 free, 1 held), which decides idle power and memory.
func course(p plan, at, d int, courses [][]float64, rng *rand.Rand) (busy, held []float64) {
	busy, held = make([]float64, p.seconds+1), make([]float64, p.seconds+1)
	jitter := 0.0
	for _, h := range p.holds {
		if h.node != at || !h.has(d) {
			continue
		}
		// A job's course begins with the job; a service's runs all day.
		for i := h.from; i <= p.end(h); i++ {
			if i == p.end(h) && h.to >= 0 {
				break
			}
			jitter = 0.9*jitter + 0.004*rng.NormFloat64()
			u := courses[h.job][i-h.from]
			if u > 0 {
				u = within(u+jitter, 0, 1)
			}
			busy[i], held[i] = u, 1
		}
	}
	return busy, held
}

// hostLoad is the load of a machine without cards: its jobs', at most full.
func hostLoad(p plan, at int, courses [][]float64) []float64 {
	load := make([]float64, p.seconds+1)
	for _, h := range p.holds {
		if h.node != at {
			continue
		}
		for i := h.from; i < p.end(h); i++ {
			load[i] = within(load[i]+0.6*courses[h.job][i-h.from], 0, 1)
		}
	}
	return load
}

// powerOf turns utilisation into watts. Power follows it with some inertia and
// less than proportionally at the top, and never exceeds the limit.
func powerOf(c card, busy, held []float64, rng *rand.Rand) []float64 {
	watts := make([]float64, len(busy))
	idle := c.idleLow + (c.idleHigh-c.idleLow)*rng.Float64()
	level, ripple := 0.0, 0.0
	for i, u := range busy {
		level += (math.Pow(u, 0.85) - level) * 0.7
		ripple = 0.8*ripple + 0.008*rng.NormFloat64()
		base := idle + c.loaded*held[i]
		span := c.limit*c.utilisedLimit - base
		watts[i] = within(base+span*level*(1+ripple)+0.1*rng.NormFloat64(), 0, c.limit)
	}
	return watts
}
