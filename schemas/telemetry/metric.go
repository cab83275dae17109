package telemetry

import "github.com/ntegral/ntegral/schemas/unit"

// Metric is what a reading measures.
type Metric uint8

// The canonical metrics. Sources with other names and units are translated at
// the edge.
const (
	MetricUnknown Metric = iota
	PowerWatts
	EnergyJoules
	GPUUtil
	GraphicsEngineActive
	SMActive
	SMOccupancy
	TensorActive
	DRAMActive
	MemoryUsed
	MemoryTotal
	SMClock
	Temperature
	PowerLimit
	ThrottleSeconds
	XIDErrors
	CPUSeconds
	TokensInput
	TokensOutput
	Requests
	NumMetrics
)

// quantity groups metrics that share a unit and bounds.
type quantity uint8

const (
	count quantity = iota
	power
	energy
	ratio
	duration
	temperature
)

var metrics = [NumMetrics]struct {
	name     string
	quantity quantity
	scale    int
}{
	PowerWatts:           {"power_watts", power, unit.PowerScale},
	EnergyJoules:         {"energy_joules_total", energy, unit.EnergyScale},
	GPUUtil:              {"gpu_util_ratio", ratio, unit.RatioScale},
	GraphicsEngineActive: {"gr_engine_active_ratio", ratio, unit.RatioScale},
	SMActive:             {"sm_active_ratio", ratio, unit.RatioScale},
	SMOccupancy:          {"sm_occupancy_ratio", ratio, unit.RatioScale},
	TensorActive:         {"tensor_active_ratio", ratio, unit.RatioScale},
	DRAMActive:           {"dram_active_ratio", ratio, unit.RatioScale},
	MemoryUsed:           {"memory_used_bytes", count, 0},
	MemoryTotal:          {"memory_total_bytes", count, 0},
	SMClock:              {"sm_clock_hertz", count, 0},
	Temperature:          {"temperature_celsius", temperature, 3},
	PowerLimit:           {"power_limit_watts", power, unit.PowerScale},
	ThrottleSeconds:      {"throttle_seconds_total", duration, unit.TimeScale},
	XIDErrors:            {"xid_errors_total", count, 0},
	CPUSeconds:           {"cpu_seconds_total", duration, unit.TimeScale},
	TokensInput:          {"tokens_input_total", count, 0},
	TokensOutput:         {"tokens_output_total", count, 0},
	Requests:             {"requests_total", count, 0},
}

func (m Metric) String() string {
	if m == MetricUnknown || m >= NumMetrics {
		return "unknown"
	}
	return metrics[m].name
}

// Scale is how many decimals of the metric's unit its integer values keep.
func (m Metric) Scale() int { return metrics[m].scale }

// Known reports whether m is one of the canonical metrics.
func (m Metric) Known() bool { return m > MetricUnknown && m < NumMetrics }

var metricByName = func() map[string]Metric {
	byName := make(map[string]Metric, NumMetrics)
	for m := PowerWatts; m < NumMetrics; m++ {
		byName[m.String()] = m
	}
	return byName
}()

// ParseMetric returns MetricUnknown for a name it does not know.
func ParseMetric(name string) Metric { return metricByName[name] }

// MetricNames lists the canonical metrics in the order of their numbers.
func MetricNames() []string {
	names := make([]string, 0, NumMetrics-1)
	for m := PowerWatts; m < NumMetrics; m++ {
		names = append(names, m.String())
	}
	return names
}
