package benchset

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

// columns are a device's printed middle columns, one string a metric.
type columns struct{ power, energy, active, util, memory string }

// gpu is the running state of one device; all integers, see the package.
type gpu struct {
	columns
	busy   int64    // ppm
	goal   int64    // ppm that busy moves to
	idle   int64    // mW
	power  int64    // mW
	energy int64    // mJ
	rest   int64    // mW·ms not yet in energy
	parts  []string // printed columns of its instances
}

// ticker writes the set tick by tick.
type ticker struct {
	o       Options
	gpus    []gpu // node after node
	walls   []string
	events  []event // by second
	next    int
	rng     *rand.Rand
	weather *weather
}

// event changes what a device is asked to do.
type event struct {
	second, gpu int
	goal        int64
}

func newTicker(o Options, jobs []job) *ticker {
	t := &ticker{o: o, rng: rand.New(rand.NewPCG(o.Seed, 2))}
	for i := range o.Nodes {
		node := nodeName(i)
		t.walls = append(t.walls, replaydir.Columns(node, "", "power_watts"))
		for d := range o.Devices {
			dev := deviceName(d)
			t.gpus = append(t.gpus, gpu{
				columns: columns{
					power:  replaydir.Columns(node, dev, "power_watts"),
					energy: replaydir.Columns(node, dev, "energy_joules_total"),
					active: replaydir.Columns(node, dev, "sm_active_ratio"),
					util:   replaydir.Columns(node, dev, "gpu_util_ratio"),
					memory: replaydir.Columns(node, dev, "memory_used_bytes"),
				},
				idle:   66_200 + t.rng.Int64N(3_600),
				energy: t.rng.Int64N(400_000_000_000),
			})
		}
	}
	for n := range o.Nodes {
		for d := range o.Devices {
			if o.partitioned(n) {
				for i := range instanceProfiles {
					t.gpus[n*o.Devices+d].parts = append(t.gpus[n*o.Devices+d].parts, replaydir.Columns(nodeName(n), instanceName(d, i), "gr_engine_active_ratio"))
				}
			}
		}
	}
	t.weather = newWeather(t)
	t.events = events(o, jobs)
	return t
}

func (t *ticker) run(s *replaydir.Samples) {
	var stamp []byte
	for at := time.Duration(0); at <= t.o.Duration && s.Err() == nil; at += t.o.Every {
		for t.next < len(t.events) && t.events[t.next].second <= int(at/time.Second) {
			t.gpus[t.events[t.next].gpu].goal = t.events[t.next].goal
			t.next++
		}
		stamp = replaydir.AppendMillis(stamp[:0], t.o.Start.Add(at))
		step := t.o.Every.Milliseconds()
		if at == 0 {
			step = 0
		}
		t.weather.release(s, at)
		for n := range t.o.Nodes {
			t.node(s, stamp, n, at, step)
		}
	}
	t.weather.release(s, math.MaxInt64)
}

func (t *ticker) node(s *replaydir.Samples, stamp []byte, n int, at time.Duration, step int64) {
	w, read := t.weather, t.weather.begin(n, at, stamp)
	host := int64(1_450_000)
	gpus := t.gpus[n*t.o.Devices : (n+1)*t.o.Devices]
	for i := range gpus {
		g := &gpus[i]
		noise := int64(t.rng.Uint32())
		g.advance(step, noise)
		host += g.power + g.busy*112/1000
		if !read || w.chance(missingPPM) {
			continue
		}
		w.row(s, g.columns.power, g.power, 3)
		w.row(s, g.columns.energy, g.energy, 3)
		w.row(s, g.columns.active, g.busy/100, 4)
		w.row(s, g.columns.util, min(100, (g.busy+g.busy/4)/10_000), 2)
		w.row(s, g.columns.memory, g.memory(), 0)
		for k, columns := range g.parts {
			w.row(s, columns, min(10_000, g.busy/int64(60+80*k)), 4)
		}
	}
	if read {
		w.row(s, t.walls[n], host/100, 1)
	}
}

// advance moves a device by step milliseconds: utilisation drifts towards its
// goal with a little noise, power follows, the counter adds what lay between.
func (g *gpu) advance(step, noise int64) {
	before := g.power
	g.busy += (g.goal - g.busy) * 3 / 10
	if g.goal > 0 {
		g.busy = max(0, min(990_000, g.busy+noise%24_001-12_000))
	}
	base := g.idle
	if g.goal > 0 {
		base += 46_000
	}
	g.power = base + (660_000-base)*(g.busy/100)/10_000 + noise>>16%801
	if step > 0 {
		work := (before+g.power)*step/2 + g.rest
		g.energy += work / 1000
		g.rest = work % 1000
	}
}

func (g *gpu) memory() int64 {
	if g.goal == 0 {
		return 520 << 20
	}
	return (61_000 + g.busy/1000*12) << 20
}
