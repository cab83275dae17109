package conformance_test

import (
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var (
	outFolder  = flag.String("conformance.out", "", "write cluster directories and their expected reports into this folder")
	outCount   = flag.Int("conformance.n", 10, "how many clusters to write")
	outSeed    = flag.Uint64("conformance.seed", 1, "seed of the first cluster")
	outWindow  = flag.Duration("conformance.window", time.Minute, "length of a window")
	outSharing = flag.Bool("conformance.sharing", false, "write clusters that share accelerators")
	outLate    = flag.Bool("conformance.late", false, "write readings beyond the horizon too, which the reports leave out")
	outStates  = flag.Bool("conformance.states", false, "write clusters with what section 10 is about")
	outUnique  = flag.Bool("conformance.unique", false, "names that no other seed has, so that many clusters fit one system")
	csvColumns = map[string][]string{
		"inventory":  {"node", "device", "kind", "model", "parent", "provider", "region", "zone", "instance_type", "cluster", "tenant"},
		"samples":    {"time", "node", "device", "metric", "value"},
		"placements": {"id", "manager", "cluster", "workload", "kind", "tenant", "team", "node", "devices", "mode", "share", "start", "end", "labels"},
		"rates":      {"kind", "key", "value", "unit", "valid_from", "valid_to", "source"},
	}
)

// TestWriteDirectories writes clusters as replay directories for checks of the
// whole product. It does nothing unless -conformance.out says where to.
func TestWriteDirectories(t *testing.T) {
	if *outFolder == "" {
		return
	}
	var all []plainFact
	for i := range uint64(*outCount) {
		seed := *outSeed + i
		d := randomCluster(seed, clusterOptions{sharing: *outSharing, late: *outLate, unique: *outUnique, states: *outStates})
		d.window = *outWindow
		folder := filepath.Join(*outFolder, fmt.Sprintf("cluster-%05d", seed))
		if err := writeDirectory(folder, d); err != nil {
			t.Fatalf("write cluster %d: %v", seed, err)
		}
		all = append(all, plainFacts(d)...)
	}
	if *outUnique { // what one system reports that was given them all
		if err := writeReports(filepath.Join(*outFolder, "expected"), all); err != nil {
			t.Fatalf("write reports: %v", err)
		}
	}
}

// writeDirectory writes the files of a replay and, below expected, a report by
// every column.
func writeDirectory(folder string, d directory) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, rows := range map[string][]row{
		"inventory": d.inventory, "samples": d.samples, "placements": d.placements, "rates": d.rates,
	} {
		if err := writeCSV(filepath.Join(folder, name+".csv"), linesOf(name, rows)); err != nil {
			return err
		}
	}
	return writeReports(filepath.Join(folder, "expected"), plainFacts(d))
}

// linesOf is a file with its header; columns that it need not have are there if
// one of its rows says something in them.
func linesOf(name string, rows []row) [][]string {
	columns := csvColumns[name]
	if name == "placements" {
		for _, optional := range []string{"cpu_request_cores", "memory_request_bytes"} {
			if slices.ContainsFunc(rows, func(r row) bool { return r[optional] != "" }) {
				columns = append(slices.Clone(columns), optional)
			}
		}
	}
	lines := [][]string{columns}
	for _, r := range rows {
		var cells []string
		for _, column := range columns {
			cells = append(cells, r[column])
		}
		lines = append(lines, cells)
	}
	return lines
}

func writeReports(folder string, facts []plainFact) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, by := range groupings {
		lines := [][]string{reportHeader(by)}
		for _, r := range reportOf(facts, by, time.Time{}, time.Time{}) {
			lines = append(lines, r.Columns)
		}
		if err := writeCSV(filepath.Join(folder, "report-"+by+".csv"), lines); err != nil {
			return err
		}
	}
	return nil
}

func writeCSV(path string, lines [][]string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = csv.NewWriter(f).WriteAll(lines)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
