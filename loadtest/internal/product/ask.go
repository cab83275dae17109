package product

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Groupings are the columns that a report can be asked by.
var Groupings = []string{"workload", "team", "tenant", "cluster", "region", "node", "device", "state"}

// Replay prepares a replay of dir into the system.
func (s *System) Replay(ctx context.Context, dir string, args ...string) *Command {
	return s.Command(ctx, s.named(append([]string{"replay", "--dir", dir}, args...)...)...)
}

// Report asks for the exact CSV form of a report.
func (s *System) Report(ctx context.Context, by string) ([]byte, error) {
	return s.ask(ctx, "report", "--by", by, "--format", "csv")
}

// SQL asks as the read-only user and returns rows of tab-separated cells.
func (s *System) SQL(ctx context.Context, query string) ([][]string, error) {
	out, err := s.ask(ctx, "sql", "--format", "TSV", query)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows, nil
}

// findings is how many lines of a bad verification an error shows.
const findings = 12

// Verify compares log, ledger, table and rollups. The verdict is its last line;
// when it is bad, the error shows what was found.
func (s *System) Verify(ctx context.Context) (verdict string, err error) {
	out, err := s.ask(ctx, "verify")
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	verdict = strings.TrimPrefix(lines[len(lines)-1], "verify: ")
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, strings.Join(lines[:min(findings, len(lines))], "\n"))
	}
	return verdict, err
}

// Residual is what conservation leaves over; both are 0 or something is wrong.
type Residual struct {
	EnergyMicrojoules json.Number `json:"residual_energy_uj"`
	MoneyNano         json.Number `json:"residual_nano"`
}

// Zero says whether nothing is left over; figures that are missing are not 0.
func (r Residual) Zero() bool { return r.EnergyMicrojoules == "0" && r.MoneyNano == "0" }

// Status is the part of `ntegral status` that the load tests look at.
type Status struct {
	Problems   []string  `json:"problems"`
	Processing Residual  `json:"processing"`
	Processes  []Process `json:"processes"`
}

// Status asks for the system's state; an unhealthy system is an error, with the
// state as far as it could be read.
func (s *System) Status(ctx context.Context) (Status, error) {
	var st Status
	out, err := s.ask(ctx, "status", "--format", "json")
	if jsonErr := json.Unmarshal(out, &st); jsonErr != nil && err == nil {
		return st, fmt.Errorf("decode status: %w", jsonErr)
	}
	return st, err
}
