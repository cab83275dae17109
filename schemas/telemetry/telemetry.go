// Package telemetry holds the domain's words: devices and nodes, the readings
// of their metrics, the placements that hold them and the rates that price
// them. They are plain values without behaviour beyond checking themselves;
// docs/methodology.md says what is made of them.
//
// Words. A node is one machine and the unit of work. A device is a part of a
// node that is metered or held: its wall meter (the node itself, with an empty
// identity), an accelerator, a CPU, a module, a network share. An instance is a
// partition of an accelerator. A series is the readings of one metric of one
// device; a series whose device is "D/P" is the activity of placement P on
// device D. A placement says which workload holds which devices of a node,
// during [Start, End). A rate is what an hour, a kilowatt-hour or a device
// costs or emits during [From, To).
//
// Times are nanoseconds since the Unix epoch, UTC; intervals are half-open.
// All values are safe to copy; none has hidden state.
package telemetry

import "math"

// Unbounded ends of intervals.
const (
	MinTime = math.MinInt64
	MaxTime = math.MaxInt64
)

// Device is a row of the inventory. The row whose ID is empty is the node: its
// attributes hold for all devices of it.
type Device struct {
	Node, ID     string
	Kind         Kind
	Model        string
	Parent       string // ID of the meter that contains this one; empty: by Kind
	Provider     string
	Region, Zone string
	InstanceType string
	Cluster      string
	Tenant       string
}

// Placement says that a workload holds devices of a node. Of the versions of
// one (ID, Node) the highest Revision counts.
type Placement struct {
	ID, Node string
	Revision uint64
	Manager  Manager
	Cluster  string
	Workload string
	Kind     string // training, inference or what the user calls it
	Tenant   string
	Team     string
	Devices  []string // IDs; AllDevices for every accelerator of the node
	Mode     Mode
	Share    string // exact decimal as written; empty: 1
	Start    int64
	End      int64  // MaxTime: still running
	Labels   string // a JSON object, or empty
	// What it asked for of the node's cores (10⁻³) and memory (bytes); 0: not known.
	CPURequest, MemoryRequest uint64
}

// Bounds of what a placement can ask for.
const (
	MaxCPURequest    = 100_000_000 // 10⁻³ cores
	MaxMemoryRequest = 1 << 50     // bytes
)

// AllDevices in Placement.Devices means every accelerator of the node.
const AllDevices = "*"

// Open reports whether the placement has no end yet.
func (p *Placement) Open() bool { return p.End == MaxTime }

// Rate is a price, factor or constant that holds over [From, To). Of the
// versions of one (Kind, Key, From) the one published last counts.
type Rate struct {
	Kind     RateKind
	Key      string // empty: everything
	Value    int64  // in the unit of Kind
	Currency string // of prices; empty otherwise
	From, To int64
	Source   string
}

// Reading is one value of one series.
type Reading struct {
	Device string
	Metric Metric
	Time   int64
	Value  int64 // in the unit of Metric
}
