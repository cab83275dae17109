package estate

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

const (
	every = 10 // s between two readings of a series
	// heldBack ticks is how much later a disordered row is written, inside
	// the delay a watermark allows; heldLong is beyond it, inside the horizon.
	heldBack = 2
	heldLong = 18
)

// row is one reading on its way into the file.
type row struct{ time, node, device, metric, value string }

// recorder is the telemetry of the whole estate: it asks the model what is, and
// tells what imperfect sensors make of it.
type recorder struct {
	plan    plan
	physics []physics
	start   time.Time
	rng     *rand.Rand
	faults  faults
	gain    map[string]float64 // of each power sensor
	offset  map[string]float64 // J on each counter before the recording
	hung    map[string]string  // the reading a hung counter repeats
	late    map[int][]row      // by the tick at which the row gets written
	out     *replaydir.Samples
}

func newRecorder(p plan, ph []physics, start time.Time, seed uint64) *recorder {
	return &recorder{
		plan: p, physics: ph, start: start, rng: rand.New(rand.NewPCG(seed, 1<<32)), faults: newFaults(p),
		gain: map[string]float64{}, offset: map[string]float64{}, hung: map[string]string{}, late: map[int][]row{},
	}
}

// record writes every tick of every node, the last one exactly at the end.
func (r *recorder) record(out *replaydir.Samples) {
	r.out = out
	last := r.plan.seconds / every
	for k := 0; k <= last; k++ {
		for _, held := range r.late[k] {
			r.write(held)
		}
		delete(r.late, k)
		for i := range r.plan.nodes {
			r.tick(k, last, i)
		}
	}
	for k := last + 1; k <= last+heldLong; k++ {
		for _, held := range r.late[k] {
			r.write(held)
		}
	}
}

// tick reads one node once. Scrapes start a few hundred milliseconds late now
// and then, but the first and the last are on time, so that the recording
// covers exactly the span that the truth is about.
func (r *recorder) tick(k, last, i int) {
	n, ph := r.plan.nodes[i], r.physics[i]
	x := float64(k * every)
	if k > 0 && k < last {
		x += math.Round(r.rng.ExpFloat64()*80) / 1000
	}
	if r.faults.silent(n.name, x) {
		return
	}
	at := r.start.Add(time.Duration(math.Round(x*1000)) * time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00")
	keep := func(device, metric, value string) {
		r.keep(k, row{at, n.name, device, metric, value})
	}
	if n.metered {
		keep("", "power_watts", decimal(r.sensed(n.name, 0.002)*ph.wall.mean(x, 1), 1))
	}
	for c := range n.cpus {
		keep(cpuName(c), "energy_joules_total", r.counter(n.name, cpuName(c), ph.cpu[c], x))
	}
	for d := range n.cards {
		r.card(n, ph, d, x, keep)
	}
	r.served(i, x, keep)
}

func (r *recorder) card(n node, ph physics, d int, x float64, keep func(device, metric, value string)) {
	name, busy := deviceName(d), ph.busy[d].mean(x, every)
	if x == 0 {
		keep(name, "power_limit_watts", decimal(n.card.limit, 0))
	}
	watts := r.sensed(n.name+name, 0.003) * ph.power[d].mean(x, 1)
	keep(name, "power_watts", decimal(math.Min(watts, n.card.limit), 3))
	if n.card.counter {
		keep(name, "energy_joules_total", r.counter(n.name, name, ph.power[d], x))
	}
	if n.card.profiling {
		keep(name, "sm_active_ratio", decimal(busy, 4))
		keep(name, "gpu_util_ratio", decimal(1-math.Pow(1-busy, 2.2), 2))
	} else {
		keep(name, "gpu_util_ratio", decimal(busy, 2))
	}
	if n.name == r.faults.throttle.node {
		keep(name, "throttle_seconds_total", decimal(throttled*r.faults.throttledUntil(x), 3))
	}
	held := ph.used[d][int(x)]
	used := n.card.memory * (0.006 + held*(0.72+0.1*busy))
	keep(name, "memory_used_bytes", strconv.FormatInt(int64(used)>>20<<20, 10))
}

// sensed is the constant error of one power sensor.
func (r *recorder) sensed(sensor string, spread float64) float64 {
	g, ok := r.gain[sensor]
	if !ok {
		g = 1 + spread*within(r.rng.NormFloat64(), -2, 2)
		r.gain[sensor] = g
	}
	return g
}

// counter reads an energy counter: exact to the millijoule, but it starts
// anywhere, and it may hang or begin again.
func (r *recorder) counter(node, device string, power track, x float64) string {
	key := node + "/" + device
	if _, ok := r.offset[key]; !ok {
		r.offset[key] = 1e6 + math.Floor(r.rng.Float64()*4e8)
	}
	if value, hung := r.hung[key]; hung && r.faults.hangs(node, device, x) {
		return value
	}
	joules := r.offset[key] + power.until(x)
	if from, ok := r.faults.reset(node, device, x); ok {
		joules = power.until(x) - power.until(from)
	}
	value := decimal(joules, 3)
	if r.faults.hangs(node, device, x) {
		r.hung[key] = value
	} else {
		delete(r.hung, key)
	}
	return value
}

// keep writes a row now, or later, or twice.
func (r *recorder) keep(tick int, w row) {
	switch u := r.rng.Float64(); {
	case r.faults.lateNode(w.node, tick):
		r.late[tick+heldLong] = append(r.late[tick+heldLong], w)
	case u < 0.0010:
		r.late[tick+heldBack] = append(r.late[tick+heldBack], w)
	case u < 0.0015:
		r.write(w)
		r.write(w)
	default:
		r.write(w)
	}
}

func (r *recorder) write(w row) { r.out.Text(w.time, w.node, w.device, w.metric, w.value) }

func decimal(v float64, decimals int) string { return strconv.FormatFloat(v, 'f', decimals, 64) }
