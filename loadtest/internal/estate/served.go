package estate

import (
	"fmt"
	"math"
	"strconv"
)

// service is what an inference workload does: the requests that one card finishes
// in a second at full load, and the tokens of one.
type service struct{ requests, input, output float64 }

// placementID names a hold, in the placements and in the readings of its server.
func (p *plan) placementID(hold int) string {
	return fmt.Sprintf("%s-%04d", p.workloads[p.holds[hold].job].manager, 4100+hold)
}

// work is how many seconds of full load the cards of a hold did by x.
func (p *plan) work(h hold, ph physics, x float64) float64 {
	sum := 0.0
	for d := range p.nodes[h.node].cards {
		if h.has(d) {
			sum += between(ph.busy[d], float64(h.from), math.Min(x, float64(p.end(h))))
		}
	}
	return sum
}

// served reads the counters of the servers on a node. Each counts for its
// placement as a whole, not for a card, and has counted before.
func (r *recorder) served(node int, x float64, keep func(device, metric, value string)) {
	for i, h := range r.plan.holds {
		s := r.plan.workloads[h.job].serves
		if h.node != node || s == (service{}) || x < float64(h.from) || x > float64(r.plan.end(h)) {
			continue
		}
		id := r.plan.placementID(i)
		if _, ok := r.offset[id]; !ok {
			r.offset[id] = math.Floor(r.rng.Float64() * 1e5)
		}
		requests := s.requests * r.plan.work(h, r.physics[node], x)
		count := func(n float64) string { return strconv.FormatInt(int64(r.offset[id]+n), 10) }
		keep("/"+id, "requests_total", count(requests))
		keep("/"+id, "tokens_input_total", count(requests*s.input))
		keep("/"+id, "tokens_output_total", count(requests*s.output))
	}
}

// service adds what a node's servers answered.
func (a *accountant) service(at int, ph physics) {
	for _, h := range a.plan.holds {
		w := a.plan.workloads[h.job]
		if h.node != at || w.serves == (service{}) {
			continue
		}
		requests := w.serves.requests * a.plan.work(h, ph, float64(a.plan.seconds))
		f := a.of(w.name)
		f.Requests += requests
		f.InputTokens += requests * w.serves.input
		f.OutputTokens += requests * w.serves.output
	}
}

// unused is how many of the hours [from, to) a card was idle: nobody held it, or
// its mean load over a minute of the clock was below a hundredth.
func (a *accountant) unused(name string, busy track, from, to float64) float64 {
	if name == "" {
		return (to - from) / 3600
	}
	idle, into := 0.0, float64(a.start.Unix()%60)
	for x := from; x < to; {
		edge := math.Min(to, (math.Floor((x+into)/60)+1)*60-into)
		if between(busy, x, edge) < 0.01*(edge-x) {
			idle += edge - x
		}
		x = edge
	}
	return idle / 3600
}
