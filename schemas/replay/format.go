package replay

// Version of the format: columns and what they mean. It is part of what names
// a replay, so that a later version replays a directory anew.
const Version = 1

// Files of a directory. Each may carry .gz at its end; only the inventory must
// be there.
const (
	InventoryFile  = "inventory.csv"
	SamplesFile    = "samples.csv"
	PlacementsFile = "placements.csv"
	RatesFile      = "rates.csv"
	BillingFile    = "billing.csv"
)

// Files lists the files in the order in which they are published.
func Files() []string {
	return []string{InventoryFile, RatesFile, PlacementsFile, BillingFile, SamplesFile}
}

// Columns of the files, in the order in which writers should write them;
// readers take any order. Those of billing.csv are in billing.go.
var (
	inventoryColumns  = []string{"node", "device", "kind", "model", "parent", "provider", "region", "zone", "instance_type", "cluster", "tenant"}
	samplesColumns    = []string{"time", "node", "device", "metric", "value"}
	placementsColumns = []string{
		"id", "manager", "cluster", "workload", "kind", "tenant", "team", "node", "devices", "mode", "share", "start", "end", "labels",
	}
	// placementsOptional may be missing from a file.
	placementsOptional = []string{"cpu_request_cores", "memory_request_bytes"}
	ratesColumns       = []string{"kind", "key", "value", "unit", "valid_from", "valid_to", "source"}
)

// Columns returns the columns of a file, nil for a name that is none.
func Columns(file string) []string {
	switch file {
	case InventoryFile:
		return append([]string(nil), inventoryColumns...)
	case SamplesFile:
		return append([]string(nil), samplesColumns...)
	case PlacementsFile:
		return append([]string(nil), placementsColumns...)
	case RatesFile:
		return append([]string(nil), ratesColumns...)
	case BillingFile:
		return append([]string(nil), billingRequired...)
	}
	return nil
}
