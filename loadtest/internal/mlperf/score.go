package mlperf

import (
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strconv"
	"text/tabwriter"
)

// Tolerance is how far from the published figure ours may lie, in percent.
const Tolerance = 0.15

// Unverified is the label that everything derived from the logs carries.
const Unverified = "not verified by MLCommons Association"

// Score compares one set.
type Score struct {
	Set, ID         string
	Runs            int
	PublishedKJ     float64
	OursKJ          float64
	DifferencePct   float64
	WithinTolerance bool
}

// Compare computes the published figures anew from a report by workload (the
// exact CSV form), in joules as the report has them.
func Compare(data, report string) ([]Score, error) {
	rows, err := readTable(report)
	if err != nil {
		return nil, err
	}
	energies := map[string]float64{}
	for _, r := range rows {
		if r["workload"] == "" {
			continue
		}
		e, err := strconv.ParseFloat(r["energy_j"], 64)
		if err != nil {
			return nil, fmt.Errorf("read energy of %q: %w", r["workload"], err)
		}
		energies[r["workload"]] += e
	}
	return score(data, energies)
}

func score(data string, energies map[string]float64) ([]Score, error) {
	runs, err := loadRuns(data)
	if err != nil {
		return nil, err
	}
	published, err := readTable(filepath.Join(data, "published_results.csv"))
	if err != nil {
		return nil, err
	}
	factors, err := readTable(filepath.Join(data, "scaling_factors.csv"))
	if err != nil {
		return nil, err
	}
	var out []Score
	for _, p := range published {
		s, err := scoreSet(p, factors, runs, energies)
		if err != nil {
			return nil, fmt.Errorf("score %s on %s nodes: %w", p["benchmark"], p["nodes"], err)
		}
		out = append(out, s)
	}
	return out, nil
}

func scoreSet(p map[string]string, factors []map[string]string, runs []run, energies map[string]float64) (Score, error) {
	s := Score{Set: p["benchmark"] + " on " + p["nodes"] + " node(s)", ID: p["mlperf_public_id"]}
	var err error
	if s.PublishedKJ, err = strconv.ParseFloat(p["published_kJ"], 64); err != nil {
		return s, fmt.Errorf("read published energy: %w", err)
	}
	dropped, err := strconv.Atoi(p["dropped_each_end"])
	if err != nil {
		return s, fmt.Errorf("read dropped runs: %w", err)
	}
	factor, err := factorOf(p, factors)
	if err != nil {
		return s, err
	}
	var mine []run
	for _, r := range runs {
		if r.benchmark == p["benchmark"] && r.nodes == p["nodes"] {
			mine = append(mine, r)
		}
	}
	sort.SliceStable(mine, func(i, j int) bool { return mine[i].seconds() < mine[j].seconds() })
	s.Runs = len(mine)
	if len(mine) <= 2*dropped {
		return s, fmt.Errorf("%d runs, of which %d are dropped at each end", len(mine), dropped)
	}
	kept := mine[dropped : len(mine)-dropped]
	sum := 0.0
	for _, r := range kept {
		e, ok := energies[r.workload()]
		if !ok {
			return s, fmt.Errorf("no energy for run %q", r.workload())
		}
		sum += e / 1000
	}
	s.OursKJ = sum / float64(len(kept)) * factor
	s.DifferencePct = (s.OursKJ/s.PublishedKJ - 1) * 100
	s.WithinTolerance = s.DifferencePct <= Tolerance && s.DifferencePct >= -Tolerance
	return s, nil
}

func factorOf(p map[string]string, factors []map[string]string) (float64, error) {
	for _, f := range factors {
		if f["benchmark"] == p["benchmark"] && f["nodes"] == p["nodes"] && f["supply"] == p["supply"] {
			v, err := strconv.ParseFloat(f["scaling_factor"], 64)
			if err != nil {
				return 0, fmt.Errorf("read scaling factor: %w", err)
			}
			return v, nil
		}
	}
	return 0, fmt.Errorf("no scaling factor")
}

// Print writes the scores and returns whether all lie within the tolerance.
func Print(w io.Writer, scores []Score) (bool, error) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	ok := len(scores) > 0
	_, _ = fmt.Fprintf(t, "set\truns\tpublished kJ\tours kJ\tdifference\t\n") // tabwriter keeps the error for Flush
	for _, s := range scores {
		verdict := "ok"
		if !s.WithinTolerance {
			verdict, ok = fmt.Sprintf("outside ±%.2f %%", Tolerance), false
		}
		_, _ = fmt.Fprintf(t, "%s (%s)\t%d\t%.2f\t%.2f\t%+.3f %%\t%s\n", s.Set, s.ID, s.Runs, s.PublishedKJ, s.OursKJ, s.DifferencePct, verdict)
	}
	if err := t.Flush(); err != nil {
		return false, fmt.Errorf("print scores: %w", err)
	}
	_, err := fmt.Fprintf(w, "ours: %s\n", Unverified)
	return ok, err
}
