package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

const second = int64(1_000_000_000)

// estate is a small random set of nodes and what happens to them: the same set
// of events for every way of delivering it.
type estate struct {
	r        *rand.Rand
	span     int64
	dims     []any // telemetry.Device, telemetry.Placement, telemetry.Rate
	readings []reading
}

type reading struct {
	node string
	telemetry.Reading
}

// newEstate draws nodes with readings over a span of time. Times lie mostly on
// a grid of ten seconds, so that edges of windows are hit.
func newEstate(seed uint64, span int64) *estate {
	s := &estate{r: rand.New(rand.NewPCG(seed, 11)), span: span}
	for i := range 1 + s.r.IntN(2) {
		s.node(fmt.Sprintf("n%d", i))
	}
	s.rates()
	return s
}

func (s *estate) node(name string) {
	add := func(id string, kind telemetry.Kind, model, parent string) {
		s.dims = append(s.dims, telemetry.Device{Node: name, ID: id, Kind: kind, Model: model, Parent: parent, Region: "r", Cluster: "c"})
	}
	add("", telemetry.KindWall, "", "")
	if s.r.IntN(6) == 0 { // a node without accelerators
		s.power(name, "")
		s.counts(name)
		for i := range 5 {
			s.placement(name, fmt.Sprintf("p%d", i), false)
		}
		return
	}
	add("a", telemetry.KindGPU, "H100", "")
	add("b", telemetry.KindGPU, "A30", "")
	mig := s.r.IntN(2) == 0
	if mig {
		add("b0", telemetry.KindMIG, "1g.6gb", "b")
		add("b1", telemetry.KindMIG, "2g.12gb", "b")
		s.ratio(name, "b1", telemetry.GraphicsEngineActive)
	}
	for _, device := range []string{"", "a", "b"} {
		s.counter(name, device)
		s.power(name, device)
	}
	s.ratio(name, "a", telemetry.SMActive)
	s.ratio(name, "a", telemetry.GPUUtil)
	s.ratio(name, "a/p1", telemetry.SMActive)
	s.ratio(name, "b", telemetry.GPUUtil)
	s.counts(name)
	for i := range 5 {
		s.placement(name, fmt.Sprintf("p%d", i), mig)
	}
}

// times draws reading times: a steady pace with gaps of all lengths.
func (s *estate) times(gaps int) []int64 {
	pace := []int64{10, 30, 60}[s.r.IntN(3)] * second
	var out []int64
	for t := s.r.Int64N(5 * 60 * second / 10); t < s.span; t += pace {
		at := scriptStart + t
		if s.r.IntN(8) > 0 {
			at -= at % (10 * second)
		}
		if len(out) == 0 || at > out[len(out)-1] {
			out = append(out, at)
		}
		if s.r.IntN(gaps) == 0 {
			t += s.r.Int64N([]int64{2, 6, 15, 80}[s.r.IntN(4)] * 60 * second)
		}
	}
	return out
}

func (s *estate) add(node, device string, m telemetry.Metric, t, v int64) {
	s.readings = append(s.readings, reading{node, telemetry.Reading{Device: device, Metric: m, Time: t, Value: v}})
}

func (s *estate) counter(node, device string) {
	v, last := s.r.Int64N(1_000_000_000), int64(0)
	for _, t := range s.times(12) {
		switch s.r.IntN(12) {
		case 0: // hangs
		case 1:
			v = s.r.Int64N(100_000_000)
		case 2:
			v += s.r.Int64N(10_000_000_000_000) // too much, now and then
		default:
			v += (t - last) / 1000 * s.r.Int64N(400) % 50_000_000_000
		}
		last = t
		s.add(node, device, telemetry.EnergyJoules, t, v)
	}
	if s.r.IntN(3) == 0 {
		for range 3 {
			s.add(node, device, telemetry.PowerLimit, scriptStart+s.r.Int64N(s.span), s.r.Int64N(500_000_000))
		}
	}
}

func (s *estate) power(node, device string) {
	if s.r.IntN(3) == 0 {
		return
	}
	for _, t := range s.times(8) {
		s.add(node, device, telemetry.PowerWatts, t, s.r.Int64N(700_000_000))
	}
}

func (s *estate) ratio(node, device string, m telemetry.Metric) {
	if s.r.IntN(3) == 0 {
		return
	}
	for _, t := range s.times(8) {
		s.add(node, device, m, t, s.r.Int64N(1_000_001))
	}
}

func (s *estate) placement(node, id string, mig bool) {
	for revision := range uint64(1 + s.r.IntN(2)) {
		start := scriptStart + s.r.Int64N(s.span/second)*second
		p := telemetry.Placement{
			ID: id, Node: node, Revision: revision + 1, Workload: "w" + id, Mode: telemetry.ModeWhole, Devices: []string{"*"},
			Start: start, End: start + (1+s.r.Int64N(s.span/second/2))*second,
		}
		if s.r.IntN(4) == 0 {
			p.End = telemetry.MaxTime
		}
		switch s.r.IntN(5) {
		case 0:
			p.Devices, p.Mode, p.Share = []string{"a"}, telemetry.ModeFraction, fmt.Sprintf("0.%d", 1+s.r.IntN(9))
		case 1:
			p.Devices, p.Mode = []string{"a"}, telemetry.ModeTimeSlice
		case 2:
			if mig {
				p.Devices, p.Mode = []string{"b1"}, telemetry.ModeMIG
			}
		case 3:
			p.Share = []string{"2", "0.5"}[s.r.IntN(2)] // the former is refused
		}
		if s.r.IntN(3) == 0 {
			p.CPURequest, p.MemoryRequest = uint64(s.r.IntN(64_000)), uint64(s.r.Int64N(1<<40))
		}
		s.dims = append(s.dims, p)
	}
}

func (s *estate) rates() {
	for _, k := range []struct {
		kind     telemetry.RateKind
		key      string
		currency string
		value    int64
	}{
		{telemetry.RateDevicePrice, "H100", "EUR", 3_333_333_333},
		{telemetry.RateDevicePrice, "H100@r", "USD", 2_000_000_001},
		{telemetry.RateElectricity, "c", "EUR", 250_000_007},
		{telemetry.RatePUE, "", "", 1_234_567},
		{telemetry.RateGridLocation, "r", "", 400_000_003},
		{telemetry.RateGridMarket, "r", "", 13},
		{telemetry.RateEmbodied, "A30", "", 150_000_000_000},
		{telemetry.RateIdlePower, "H100", "", 50_000_000},
		{telemetry.RateFullPower, "H100", "", 700_000_000},
	} {
		if s.r.IntN(3) == 0 {
			continue
		}
		r := telemetry.Rate{Kind: k.kind, Key: k.key, Currency: k.currency, Value: k.value, From: telemetry.MinTime, To: telemetry.MaxTime}
		if s.r.IntN(2) == 0 {
			r.From = scriptStart + s.r.Int64N(s.span)
		}
		if s.r.IntN(2) == 0 {
			r.To = max(r.From, scriptStart) + 1 + s.r.Int64N(s.span)
		}
		s.dims = append(s.dims, r)
	}
}

// event is one thing that an engine is told.
type event struct {
	at    int64 // order of arrival
	dim   any
	node  string
	batch []telemetry.Reading
}

func (v *event) apply(e *engine.Engine) {
	switch d := v.dim.(type) {
	case telemetry.Device:
		e.ApplyDevice(&d)
	case telemetry.Placement:
		e.ApplyPlacement(&d)
	case telemetry.Rate:
		e.ApplyRate(&d)
	case record.Seal:
		e.ApplySeal(d)
	default:
		e.ApplySamples(batchOf(v.node, telemetry.MaxTime, v.batch))
	}
}

// delivery is a way of delivering an estate.
type delivery struct {
	seed       uint64
	jitter     int64 // of readings' arrival; less than the horizon keeps all of them in time
	packs      int   // most readings a record
	duplicates int   // one record of so many comes once more; 0: none
	dimsLate   bool  // inventory, placements and rates come at any time, else first
}

// events orders the estate's events for a delivery; seals come last.
func (s *estate) events(d delivery) []event {
	r := rand.New(rand.NewPCG(d.seed, 13))
	type arrival struct {
		at int64
		reading
	}
	var arrivals []arrival
	nodes := []string{}
	for _, x := range s.readings {
		arrivals = append(arrivals, arrival{x.Time + r.Int64N(d.jitter+1), x})
		if !slices.Contains(nodes, x.node) {
			nodes = append(nodes, x.node)
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.at/1000 - b.at/1000) })
	var out []event
	open := map[string]*event{}
	for _, a := range arrivals {
		v := open[a.node]
		if v == nil {
			v = &event{node: a.node, at: a.at}
			open[a.node] = v
		}
		v.batch, v.at = append(v.batch, a.Reading), a.at
		if len(v.batch) >= d.packs || r.IntN(10) == 0 {
			out = append(out, *v)
			delete(open, a.node)
		}
	}
	for _, n := range nodes {
		if v := open[n]; v != nil {
			out = append(out, *v)
		}
	}
	if d.duplicates > 0 {
		for _, v := range slices.Clone(out) {
			if r.IntN(d.duplicates) == 0 {
				v.at += r.Int64N(20 * 60 * second)
				out = append(out, v)
			}
		}
	}
	out = append(out, s.dimEvents(r, d)...)
	slices.SortStableFunc(out, func(a, b event) int { return int(a.at/1000 - b.at/1000) })
	for _, n := range nodes {
		out = append(out, event{dim: record.Seal{Node: n}})
	}
	return out
}

func (s *estate) dimEvents(r *rand.Rand, d delivery) []event {
	var out []event
	for _, dim := range s.dims {
		v := event{dim: dim}
		device, isDevice := dim.(telemetry.Device)
		if d.dimsLate && !(isDevice && device.ID == "") && !isDevice {
			v.at = scriptStart + r.Int64N(s.span)
		}
		out = append(out, v)
	}
	return out
}
