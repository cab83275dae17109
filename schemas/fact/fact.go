// Package fact is the product's one fact: what a placement (or nobody) had of
// a device of a node in a window, and what that consumed, cost and emitted.
//
// A row has a key, dimensions that describe the key, sums, and where it came
// from. All figures are sums of integers, never averages, so rows of one key
// add up, and a correction is another row with signed differences. [Columns]
// is the list of sums from which the Arrow schema, the ClickHouse tables and
// the documentation are built and held against each other.
//
// The Arrow schema carries repeated strings as dictionaries and sums as
// decimals of their table columns' scales. A Builder is not safe for
// concurrent use; rows are plain values.
package fact

import "github.com/ntegral/ntegral/schemas/unit"

// Key identifies what a row is about. Rows of one key add up.
type Key struct {
	WindowStart  int64 // ns since the epoch
	WindowLength int64 // ns
	Node         string
	Device       string // empty: the node has no accelerator
	Placement    string // empty: held by nobody
	State        string // of the accelerator, see StateDark and the others; empty: the node has none
}

// Dimensions describe a key. Those of the device and the node come from the
// inventory, those of the workload from the placement; empty for nobody.
type Dimensions struct {
	Provider, Region, Zone, InstanceType, Cluster string
	DeviceKind, DeviceModel                       string
	Manager, Workload, WorkloadKind, Tenant, Team string
	// Currency of the row's costs; empty where it has none.
	Currency string
}

// Origin is which step of which task wrote a row, when and why.
type Origin struct {
	RecordedAt int64 // wall clock of the step, ns; stored to the millisecond
	Reason     string
	Task       int32
	Epoch      uint64
	Step       uint64
}

// Reasons of rows.
const (
	ReasonClosed     = "closed"     // the window closed
	ReasonCorrected  = "corrected"  // something became known after it had closed
	ReasonReconciled = "reconciled" // ntegral reconcile found what came too late for that
)

// Row is one fact.
type Row struct {
	Key
	Dimensions
	Sums
	Origin
}

const nsPerDay = 24 * 60 * 60 * 1_000_000_000

// Day numbers days (UTC) from the epoch; windows before it count down.
func (r *Row) Day() int64 {
	d := r.WindowStart / nsPerDay
	if r.WindowStart%nsPerDay < 0 {
		d--
	}
	return d
}

// Column is one of the sums of a row.
type Column int

// The sums. Times are device-time of the row's piece (presence × share) unless
// said otherwise; docs/methodology.md defines each.
const (
	DeviceSeconds Column = iota
	BusySeconds
	KnownSeconds
	CoveredSeconds
	ConflictSeconds
	OversubscribedSeconds
	UnpricedSeconds
	Energy
	Overhead
	Facility
	Estimated
	AssumedPUE
	AssumedMarket
	HoldCost
	EnergyCost
	CarbonLocation
	CarbonMarket
	Embodied
	Intervals
	CostIntervals
	LocationIntervals
	MarketIntervals
	EmbodiedIntervals
	Idle
	IdleIntervals
	InputTokens
	OutputTokens
	Requests
	NumColumns
)

// Sums holds a value for every column, in the integers of package unit.
type Sums [NumColumns]int64

// Definition is what a column is called, how many decimals it keeps, its unit
// and its meaning.
type Definition struct {
	Name  string
	Scale int // decimals; 0 for counts, which are stored as integers
	Unit  string
	Doc   string
}

// Columns defines the sums in their order.
var Columns = [NumColumns]Definition{
	DeviceSeconds:         {"device_seconds", unit.TimeScale, "s", "Time of the device's presence that was the holder's."},
	BusySeconds:           {"busy_seconds", unit.TimeScale, "s", "Integral of the best busy ratio over the time at which one is known."},
	KnownSeconds:          {"known_seconds", unit.TimeScale, "s", "Time at which a busy ratio is known."},
	CoveredSeconds:        {"covered_seconds", unit.TimeScale, "s", "Time at which a meter measured the device, or a meter that contains it."},
	ConflictSeconds:       {"conflict_seconds", unit.TimeScale, "s", "Time at which several placements held the whole device."},
	OversubscribedSeconds: {"oversubscribed_seconds", unit.TimeScale, "s", "Time at which the shares of the device exceeded one."},
	UnpricedSeconds:       {"unpriced_seconds", unit.TimeScale, "s", "Time for which no hold price was known."},
	Energy:                {"energy_j", unit.EnergyScale, "J", "Energy of the device and its overhead, before PUE."},
	Overhead:              {"overhead_j", unit.EnergyScale, "J", "Part of energy_j that meters other than accelerators measured."},
	Facility:              {"facility_j", unit.EnergyScale, "J", "Energy times PUE."},
	Estimated:             {"estimated_j", unit.EnergyScale, "J", "Part of energy_j that was held, bridged, follows a counter reset or was modelled."},
	AssumedPUE:            {"assumed_pue_j", unit.EnergyScale, "J", "Facility energy for which no PUE was known and 1 was assumed."},
	AssumedMarket:         {"assumed_market_j", unit.EnergyScale, "J", "Facility energy whose market-based factor was taken from the location."},
	HoldCost:              {"hold_cost", unit.MoneyScale, "currency", "Price of holding the device or instance."},
	EnergyCost:            {"energy_cost", unit.MoneyScale, "currency", "Facility energy times the tariff."},
	CarbonLocation:        {"carbon_location_g", unit.CarbonScale, "g", "Location-based emissions of the facility energy, CO2e."},
	CarbonMarket:          {"carbon_market_g", unit.CarbonScale, "g", "Market-based emissions of the facility energy, CO2e."},
	Embodied:              {"embodied_g", unit.CarbonScale, "g", "Part of the device's embodied emissions, CO2e."},
	Intervals:             {"intervals", 0, "1", "Intervals of presence that the row sums; 0 over a group: the group was taken back."},
	CostIntervals:         {"cost_intervals", 0, "1", "Intervals for which a price was known and those for which a tariff was, added up; 0: the cost is unknown."},
	LocationIntervals:     {"location_intervals", 0, "1", "Intervals for which a location-based factor was known."},
	MarketIntervals:       {"market_intervals", 0, "1", "Intervals for which a market-based factor was known or assumed."},
	EmbodiedIntervals:     {"embodied_intervals", 0, "1", "Intervals for which an embodied figure was known."},
	Idle:                  {"idle_j", unit.EnergyScale, "J", "Part of energy_j that the accelerator draws for being on; what is left beside overhead_j is active."},
	IdleIntervals:         {"idle_intervals", 0, "1", "Intervals for which the accelerator's idle power was known; 0: idle_j is unknown."},
	InputTokens:           {"input_tokens", 0, "1", "Tokens that the holder's inference server took in."},
	OutputTokens:          {"output_tokens", 0, "1", "Tokens that the holder's inference server gave out."},
	Requests:              {"requests", 0, "1", "Requests that the holder's inference server finished."},
}

// Add adds o to s, column by column.
func (s *Sums) Add(o *Sums) {
	for i, v := range o {
		s[i] += v
	}
}

// Sub subtracts o from s, column by column.
func (s *Sums) Sub(o *Sums) {
	for i, v := range o {
		s[i] -= v
	}
}

// Zero reports whether all sums are zero.
func (s *Sums) Zero() bool { return *s == Sums{} }
