package estate

import (
	"sort"
	"time"
)

// Truth is what was planted: one figure for each workload and for the estate.
type Truth struct {
	Notes     []string  `json:"notes"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Workloads []Figures `json:"workloads"` // sorted by name; the empty name is what nobody held
	Total     Figures   `json:"total"`
}

// Figures are the sums of one workload. Embodied and cost are nil where the
// estate has no rate for any of its devices.
type Figures struct {
	Workload         string   `json:"workload"`
	DeviceHours      float64  `json:"device_hours"`
	IdleHours        float64  `json:"idle_hours"` // of them, held by nobody or not used
	BusyRatio        float64  `json:"busy_ratio"`
	EnergyKWh        float64  `json:"energy_kwh"`
	OverheadKWh      float64  `json:"overhead_kwh"`
	FacilityKWh      float64  `json:"facility_kwh"`
	Cost             *float64 `json:"cost"`
	Currency         string   `json:"currency"`
	CarbonLocationKg float64  `json:"carbon_location_kg"`
	CarbonMarketKg   float64  `json:"carbon_market_kg"`
	EmbodiedKg       *float64 `json:"embodied_kg"`
	Requests         float64  `json:"requests"`
	InputTokens      float64  `json:"input_tokens"`
	OutputTokens     float64  `json:"output_tokens"`
}

var notes = []string{
	"sums over the seconds of the model that the readings were taken from, not over the readings",
	"energy: accelerators, plus the overhead of their machine where it has a wall meter, in equal parts for each accelerator, held or not; on a machine without accelerators in equal parts for each running job",
	"boundary: the hosts of rented instances have no meter, so their energy is in neither truth nor measurement",
	"idle: held by nobody, or loaded below a hundredth in the mean of a minute",
	"requests and tokens: in proportion to the load of the server's cards",
	"cost: a rented instance in equal parts for each accelerator; on own sites the accelerator's price and the electricity",
}

// accountant sums the model by workload.
type accountant struct {
	plan  plan
	rates []rate
	start time.Time
	sums  map[string]*Figures
	busy  map[string]float64
}

func truth(p plan, ph []physics, rates []rate, start time.Time) Truth {
	a := accountant{plan: p, rates: rates, start: start, sums: map[string]*Figures{}, busy: map[string]float64{}}
	for i := range p.nodes {
		a.node(i, ph[i])
	}
	t := Truth{Notes: notes, Start: start, End: start.Add(time.Duration(p.seconds) * time.Second)}
	for name := range a.sums {
		t.Workloads = append(t.Workloads, a.finish(name))
	}
	sort.Slice(t.Workloads, func(i, j int) bool { return t.Workloads[i].Workload < t.Workloads[j].Workload })
	busyHours := 0.0
	for _, w := range t.Workloads {
		busyHours += w.BusyRatio * w.DeviceHours
		t.Total.Add(w)
	}
	t.Total.Currency = currency
	if t.Total.DeviceHours > 0 {
		t.Total.BusyRatio = busyHours / t.Total.DeviceHours
	}
	return t
}

func (a *accountant) finish(name string) Figures {
	f := *a.sums[name]
	if f.DeviceHours > 0 {
		f.BusyRatio = a.busy[name] / f.DeviceHours
	}
	return f
}

// Add adds the sums of o; the busy ratio, which is none, stays.
func (f *Figures) Add(o Figures) {
	f.DeviceHours += o.DeviceHours
	f.IdleHours += o.IdleHours
	f.Requests += o.Requests
	f.InputTokens += o.InputTokens
	f.OutputTokens += o.OutputTokens
	f.EnergyKWh += o.EnergyKWh
	f.OverheadKWh += o.OverheadKWh
	f.FacilityKWh += o.FacilityKWh
	f.CarbonLocationKg += o.CarbonLocationKg
	f.CarbonMarketKg += o.CarbonMarketKg
	if o.Cost != nil {
		plus(&f.Cost, *o.Cost)
	}
	if o.EmbodiedKg != nil {
		plus(&f.EmbodiedKg, *o.EmbodiedKg)
	}
}

func plus(sum **float64, v float64) {
	if *sum == nil {
		*sum = new(float64)
	}
	**sum += v
}

// node adds up one node in spells in which nothing changes hands or price.
func (a *accountant) node(at int, ph physics) {
	n := a.plan.nodes[at]
	a.service(at, ph)
	for _, s := range a.spells(at) {
		from, to := float64(s[0]), float64(s[1])
		hours := (to - from) / 3600
		pr := a.priced(n, s[0])
		rest := 0.0
		if n.metered {
			rest = between(ph.wall, from, to)
		}
		for d := range n.cards {
			rest -= between(ph.power[d], from, to)
		}
		if !n.metered {
			rest = 0
		}
		for d := range n.cards {
			name := a.holder(at, d, s[0])
			f := a.of(name)
			f.DeviceHours += hours
			f.IdleHours += a.unused(name, ph.busy[d], from, to)
			a.busy[name] += between(ph.busy[d], from, to) / 3600
			pr.hold(f, n.cards, hours)
			pr.energy(f, between(ph.power[d], from, to), rest/float64(n.cards))
		}
		if n.cards == 0 {
			names := a.running(at, s[0])
			for _, name := range names {
				pr.energy(a.of(name), 0, rest/float64(len(names)))
			}
		}
	}
}

func between(t track, from, to float64) float64 { return t.until(to) - t.until(from) }

// spells are the seconds between which a node's holders and rates stay.
func (a *accountant) spells(at int) [][2]int {
	cuts := map[int]bool{0: true, a.plan.seconds: true}
	for _, h := range a.plan.holds {
		if h.node == at {
			cuts[h.from], cuts[a.plan.end(h)] = true, true
		}
	}
	for _, r := range a.rates {
		for _, t := range []time.Time{r.From, r.To} {
			if s := int(t.Sub(a.start) / time.Second); !t.IsZero() && s > 0 && s < a.plan.seconds {
				cuts[s] = true
			}
		}
	}
	var sorted []int
	for c := range cuts {
		sorted = append(sorted, c)
	}
	sort.Ints(sorted)
	var out [][2]int
	for i := 1; i < len(sorted); i++ {
		out = append(out, [2]int{sorted[i-1], sorted[i]})
	}
	return out
}

func (a *accountant) holder(at, d, second int) string {
	for _, h := range a.plan.holds {
		if h.node == at && h.has(d) && second >= h.from && second < a.plan.end(h) {
			return a.plan.workloads[h.job].name
		}
	}
	return ""
}

// running are the jobs on a node without cards, or nobody.
func (a *accountant) running(at, second int) []string {
	var names []string
	for _, h := range a.plan.holds {
		if h.node == at && second >= h.from && second < a.plan.end(h) {
			names = append(names, a.plan.workloads[h.job].name)
		}
	}
	if names == nil {
		return []string{""}
	}
	return names
}

func (a *accountant) of(name string) *Figures {
	f := a.sums[name]
	if f == nil {
		f = &Figures{Workload: name, Currency: currency}
		a.sums[name] = f
	}
	return f
}
