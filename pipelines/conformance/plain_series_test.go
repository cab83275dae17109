package conformance_test

import (
	"math/big"
	"sort"
	"strconv"
	"strings"
	"time"
)

// metricScale is how many of its integer units a metric's own unit has.
var metricScale = map[string]int64{
	"power_watts": 1e6, "power_limit_watts": 1e6, "energy_joules_total": 1e6,
	"gpu_util_ratio": 1e6, "gr_engine_active_ratio": 1e6, "sm_active_ratio": 1e6,
	"sm_occupancy_ratio": 1e6, "tensor_active_ratio": 1e6, "dram_active_ratio": 1e6,
	"memory_used_bytes": 1, "memory_total_bytes": 1, "sm_clock_hertz": 1, "temperature_celsius": 1000,
	"throttle_seconds_total": 1e9, "xid_errors_total": 1, "cpu_seconds_total": 1e9,
	"tokens_input_total": 1, "tokens_output_total": 1, "requests_total": 1,
}

// maxPower in microwatts, of a kind of device (section 2).
func maxPower(kind string) int64 {
	if kind == "wall" || kind == "network" {
		return 200_000 * 1e6
	}
	return 5_000 * 1e6
}

// sentinels are the first of four numbers each.
var sentinels = []string{"2147483632", "9223372036854775792", "140737488355328"}

// isSentinel holds for the number as written, without its decimals.
func isSentinel(x *big.Rat) bool {
	whole := new(big.Int).Quo(x.Num(), x.Denom()).String()
	for _, s := range sentinels {
		if len(whole) != len(s) || whole[:len(s)-2] != s[:len(s)-2] {
			continue
		}
		first, _ := strconv.Atoi(s[len(s)-2:])
		last, _ := strconv.Atoi(whole[len(s)-2:])
		if last >= first && last <= first+3 {
			return true
		}
	}
	return false
}

// valueOf follows section 2: the value in the metric's unit, or rejected.
// Bounds hold before rounding.
func valueOf(metric, kind, text string) (int64, bool) {
	scale, known := metricScale[metric]
	x, ok := number(text)
	if !known || !ok || x.Sign() < 0 || isSentinel(x) {
		return 0, false
	}
	switch {
	case strings.HasSuffix(metric, "_ratio"):
		if x.Cmp(big.NewRat(105, 100)) > 0 {
			return 0, false
		}
		if x.Cmp(big.NewRat(1, 1)) > 0 {
			x = big.NewRat(1, 1)
		}
	case strings.HasSuffix(metric, "_watts"): // reading 6
		if x.Cmp(big.NewRat(maxPower(kind), 1e6)) > 0 {
			return 0, false
		}
	case metric == "energy_joules_total":
		if x.Cmp(big.NewRat(1e12, 1)) > 0 {
			return 0, false
		}
	}
	return scaled(x, scale)
}

// readSamples accepts and rejects readings (section 2).
func readSamples(nodes map[string]*node, rows []row, takenIn time.Time) {
	earliest := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	latest := int64(unboundedTo)
	if !takenIn.IsZero() {
		latest = takenIn.UnixNano() + maxSkew
	}
	for _, r := range rows {
		at, ok := instant(r["time"])
		n := nodes[r["node"]]
		if !ok || at < earliest || at > latest || n == nil || r["late"] != "" {
			continue
		}
		d := n.metered(r["device"])
		if d == nil {
			continue
		}
		v, ok := valueOf(r["metric"], d.kind, r["value"])
		if !ok {
			continue
		}
		key := seriesKey{r["device"], r["metric"]}
		n.series[key] = append(n.series[key], reading{at, v})
		if !n.hasReading || at > n.lastReading {
			n.hasReading, n.lastReading = true, at
		}
	}
	for _, n := range nodes {
		for key, readings := range n.series {
			n.series[key] = inOrder(readings)
		}
	}
}

// inOrder sorts by time; of several readings at one time the largest counts.
func inOrder(readings []reading) []reading {
	sort.Slice(readings, func(i, j int) bool {
		a, b := readings[i], readings[j]
		return a.at < b.at || a.at == b.at && a.value > b.value
	})
	var out []reading
	for _, r := range readings {
		if len(out) == 0 || out[len(out)-1].at != r.at {
			out = append(out, r)
		}
	}
	return out
}

// segment is two neighbouring readings of one series.
type segment struct{ first, second reading }

func (s segment) span() interval    { return interval{s.first.at, s.second.at} }
func (s segment) duration() int64   { return s.second.at - s.first.at }
func (s segment) difference() int64 { return s.second.value - s.first.value }

// gaugeSegments are the segments of a gauge that count (section 2).
func gaugeSegments(readings []reading) []segment {
	var out []segment
	for i := 1; i < len(readings); i++ {
		if s := (segment{readings[i-1], readings[i]}); s.duration() <= maxGap {
			out = append(out, s)
		}
	}
	return out
}

// counterSegments skips readings equal to the one before and keeps the
// segments no longer than the longest silence (section 2).
func counterSegments(readings []reading) []segment {
	var said []reading
	for _, r := range readings {
		if len(said) == 0 || said[len(said)-1].value != r.value {
			said = append(said, r)
		}
	}
	var out []segment
	for i := 1; i < len(said); i++ {
		if s := (segment{said[i-1], said[i]}); s.duration() <= maxSilence {
			out = append(out, s)
		}
	}
	return out
}

// trapezoid is R of the integral of a gauge from the segment's start to x;
// divisor turns value × ns into the unit of the result.
func (s segment) trapezoid(x, divisor int64) int64 {
	dx, dt := x-s.first.at, s.duration()
	// v₀·dx + (v₁ − v₀)·dx²/(2·dt), over the common denominator 2·dt.
	n := product(2, s.first.value, dx, dt)
	n.Add(n, product(s.difference(), dx, dx))
	return halfUp(n, product(2, dt, divisor))
}
