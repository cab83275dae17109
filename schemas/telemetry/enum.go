package telemetry

// Kind is what a device is.
type Kind uint8

// Kinds of devices.
const (
	KindUnknown Kind = iota
	KindGPU
	KindMIG
	KindCPU
	KindWall
	KindModule
	KindNetwork
)

// Manager is who placed a workload.
type Manager uint8

// Managers of placements.
const (
	ManagerUnknown Manager = iota
	ManagerKubernetes
	ManagerSlurm
	ManagerVM
	ManagerHost
)

// Mode is how a placement holds its devices.
type Mode uint8

// Modes of holding.
const (
	ModeUnknown Mode = iota
	ModeWhole
	ModeMIG
	ModeTimeSlice
	ModeMPS
	ModeFraction
)

// RateKind is what a rate prices.
type RateKind uint8

// Kinds of rates. The comment gives the unit of Rate.Value.
const (
	RateUnknown       RateKind = iota
	RateDevicePrice            // 10⁻⁹ currency per hour
	RateInstancePrice          // 10⁻⁹ currency per hour
	RateElectricity            // 10⁻⁹ currency per kWh
	RatePUE                    // ppm
	RateGridLocation           // µg CO2e per kWh
	RateGridMarket             // µg CO2e per kWh
	RateEmbodied               // µg CO2e per device
	RateLifetime               // ns
	RateIdlePower              // µW
	RateFullPower              // µW
	NumRateKinds
)

var (
	kindNames     = [...]string{"", "gpu", "mig", "cpu", "wall", "module", "network"}
	managerNames  = [...]string{"", "k8s", "slurm", "vm", "host"}
	modeNames     = [...]string{"", "whole", "mig", "timeslice", "mps", "fraction"}
	rateKindNames = [...]string{
		"", "device_price", "instance_price", "electricity", "pue", "grid_location", "grid_market", "embodied", "lifetime", "idle_power", "full_power",
	}
)

func (k Kind) String() string     { return name(kindNames[:], int(k)) }
func (m Manager) String() string  { return name(managerNames[:], int(m)) }
func (m Mode) String() string     { return name(modeNames[:], int(m)) }
func (k RateKind) String() string { return name(rateKindNames[:], int(k)) }

// ParseKind returns KindUnknown for a name it does not know, as the other
// parsers here do for theirs.
func ParseKind(s string) Kind         { return Kind(index(kindNames[:], s)) }
func ParseManager(s string) Manager   { return Manager(index(managerNames[:], s)) }   // ParseManager: see ParseKind.
func ParseMode(s string) Mode         { return Mode(index(modeNames[:], s)) }         // ParseMode: see ParseKind.
func ParseRateKind(s string) RateKind { return RateKind(index(rateKindNames[:], s)) } // ParseRateKind: see ParseKind.

// KindNames lists the kinds a user may write; likewise the lists below.
func KindNames() []string     { return kindNames[1:] }
func ManagerNames() []string  { return managerNames[1:] }  // ManagerNames: see KindNames.
func ModeNames() []string     { return modeNames[1:] }     // ModeNames: see KindNames.
func RateKindNames() []string { return rateKindNames[1:] } // RateKindNames: see KindNames.

func name(names []string, i int) string {
	if i <= 0 || i >= len(names) {
		return "unknown"
	}
	return names[i]
}

// index returns 0, the unknown value, where s is not a name.
func index(names []string, s string) int {
	if s == "" {
		return 0
	}
	for i, n := range names {
		if n == s {
			return i
		}
	}
	return 0
}
