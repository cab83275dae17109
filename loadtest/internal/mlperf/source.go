package mlperf

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"time"
)

// run is one row of jobs.csv.
type run struct {
	nodes       string // of the system, as the files write it
	benchmark   string
	name        string
	job         string
	start, stop time.Time
	network     float64 // W
}

func (r run) workload() string       { return r.benchmark + "/" + r.name }
func (r run) node(n string) string   { return "job" + r.job + "-node" + n }
func (r run) seconds() time.Duration { return r.stop.Sub(r.start) }

// reading is one row of a power log, its value as written.
type reading struct {
	node  string
	ms    int64
	value string
}

// set is one benchmark: its runs by start time and their readings.
type set struct {
	name     string // of the replay directory
	runs     []run
	readings map[string][]reading // by run, in file order
}

// load reads every set that jobs.csv tells of.
func load(dir string) ([]set, error) {
	runs, err := loadRuns(dir)
	if err != nil {
		return nil, err
	}
	var sets []set
	index := map[string]int{}
	for _, r := range runs {
		name := r.nodes + "n_" + r.benchmark
		if _, ok := index[name]; !ok {
			index[name] = len(sets)
			sets = append(sets, set{name: name})
		}
		s := &sets[index[name]]
		s.runs = append(s.runs, r)
	}
	for i := range sets {
		s := &sets[i]
		sort.SliceStable(s.runs, func(a, b int) bool { return s.runs[a].start.Before(s.runs[b].start) })
		if s.readings, err = loadReadings(filepath.Join(dir, "power_ac_"+s.name+".csv.gz")); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

func loadRuns(dir string) ([]run, error) {
	rows, err := readTable(filepath.Join(dir, "jobs.csv"))
	if err != nil {
		return nil, err
	}
	var runs []run
	for _, r := range rows {
		start, err1 := millis(r["run_start_ms"])
		stop, err2 := millis(r["run_stop_ms"])
		watts, err3 := strconv.ParseFloat(r["interconnect_power_est_w"], 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, fmt.Errorf("read run %q: %w", r["run"], err)
		}
		runs = append(runs, run{
			nodes: r["nodes_in_system"], benchmark: r["benchmark"], name: r["run"], job: r["slurm_job_id"],
			start: start, stop: stop, network: watts,
		})
	}
	return runs, nil
}

func millis(s string) (time.Time, error) {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read time: %w", err)
	}
	return time.UnixMilli(ms).UTC(), nil
}

func loadReadings(path string) (map[string][]reading, error) {
	rows, err := readTable(path)
	if err != nil {
		return nil, err
	}
	out := map[string][]reading{}
	for _, r := range rows {
		value := r["watts_or_marker"]
		if value == "START" || value == "STOP" {
			continue
		}
		at, err := millis(r["time_ms"])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
		}
		out[r["run"]] = append(out[r["run"]], reading{node: r["node"], ms: at.UnixMilli(), value: value})
	}
	return out, nil
}

// readTable reads a CSV file, plain or gzip, as rows by column name.
func readTable(path string) ([]map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open table: %w", err)
	}
	defer func() { _ = f.Close() }() // read-only: nothing to lose
	var in io.Reader = f
	if filepath.Ext(path) == ".gz" {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
		}
		in = z
	}
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("read %s: no header", filepath.Base(path))
	}
	out := make([]map[string]string, 0, len(rows)-1)
	for _, r := range rows[1:] {
		m := make(map[string]string, len(r))
		for i, column := range rows[0] {
			m[column] = r[i]
		}
		out = append(out, m)
	}
	return out, nil
}
