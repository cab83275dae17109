package benchset

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func small(dir string) Options {
	return Options{
		Dir: dir, Nodes: 5, Devices: 4, Start: time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC),
		Duration: 20 * time.Minute, Every: 2 * time.Second, Seed: 11,
	}
}

func TestSetIsRegular(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	set, err := Generate(small(a))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(small(b)); err != nil {
		t.Fatal(err)
	}
	const ticks = 601
	if want := (Set{Rows: ticks * 5 * (4*5 + 1), DeviceSamples: ticks * 5 * 4, Placements: set.Placements}); set != want {
		t.Errorf("set = %+v, want %+v", set, want)
	}
	for _, f := range []string{"inventory.csv", "samples.csv", "placements.csv", "rates.csv"} {
		x, y := read(t, a, f), read(t, b, f)
		if !bytes.Equal(x, y) {
			t.Errorf("%s differs between two generations", f)
		}
	}
}

// Every series is in time order, in range, and its counter is the trapezoid of
// its own power.
func TestSeriesArePlausible(t *testing.T) {
	dir := t.TempDir()
	if _, err := Generate(small(dir)); err != nil {
		t.Fatal(err)
	}
	type state struct{ time, power, energy, area float64 }
	series := map[string]*state{}
	lastTime := 0.0
	for line := range strings.Lines(string(read(t, dir, "samples.csv"))) {
		c := strings.Split(strings.TrimSpace(line), ",")
		if c[0] == "time" {
			continue
		}
		at, v := number(t, c[0]), number(t, c[4])
		if at < lastTime {
			t.Fatalf("row %q goes back in time", line)
		}
		lastTime = at
		s := series[c[1]+c[2]]
		if s == nil {
			s = &state{energy: -1}
			series[c[1]+c[2]] = s
		}
		switch c[3] {
		case "power_watts":
			if c[2] != "" && (v < 60 || v > 700) {
				t.Fatalf("power out of range in %q", line)
			}
			if s.time > 0 {
				s.area = (s.power + v) / 2 * (at - s.time) / 1000
			}
			s.time, s.power = at, v
		case "energy_joules_total":
			if d := v - s.energy; s.energy >= 0 && (d < s.area-0.0021 || d > s.area+0.0021) {
				t.Fatalf("counter of %q moved by %.4f J, power says %.4f", line, d, s.area)
			}
			s.energy = v
		case "sm_active_ratio", "gpu_util_ratio":
			if v < 0 || v > 1 {
				t.Fatalf("ratio out of range in %q", line)
			}
		}
	}
}

func TestPlacementsDoNotOverlap(t *testing.T) {
	o := small(t.TempDir())
	o.Nodes, o.Duration = 40, 2*time.Hour
	jobs := schedule(o, newTicker(o, nil).rng)
	for i, a := range jobs {
		if a.from >= a.to || a.first >= a.last {
			t.Errorf("empty job %+v", a)
		}
		for _, b := range jobs[:i] {
			if a.node == b.node && a.from < b.to && b.from < a.to && a.first < b.last && b.first < a.last {
				t.Errorf("%s and %s hold the same devices at one time", a.name, b.name)
			}
		}
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func BenchmarkGenerate(b *testing.B) {
	rows := int64(0)
	for b.Loop() {
		set, err := Generate(small(b.TempDir()))
		if err != nil {
			b.Fatal(err)
		}
		rows += set.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// A mixed set has what a regular one lacks: partitioned and shared nodes, rows
// that are missing and rows that come late, but within the horizon.
func TestMixedSet(t *testing.T) {
	dir := t.TempDir()
	o := small(dir)
	o.Nodes, o.Mixed = 8, true
	set, err := Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	if regular := int64(601 * 8 * (4*5 + 1)); set.Rows <= regular*9/10 || set.Rows >= regular+601*4*2 {
		t.Errorf("%d rows, want about %d: few missing, instances more", set.Rows, regular)
	}
	modes := map[string]int{}
	for line := range strings.Lines(string(read(t, dir, "placements.csv"))) {
		modes[strings.Split(line, ",")[9]]++
	}
	if modes["mig"] == 0 || modes["timeslice"] == 0 || modes["whole"] == 0 {
		t.Errorf("placements by mode: %v, want mig, timeslice and whole", modes)
	}
	newest, late, latest := map[string]float64{}, 0, 0.0
	for line := range strings.Lines(string(read(t, dir, "samples.csv"))) {
		c := strings.Split(strings.TrimSpace(line), ",")
		if c[0] == "time" {
			continue
		}
		at := number(t, c[0])
		if back := newest[c[1]] - at; back > 0 {
			late++
			latest = max(latest, back)
		}
		newest[c[1]] = max(newest[c[1]], at)
	}
	if late == 0 || latest >= 15*60*1000 {
		t.Errorf("%d rows come late, the latest by %.0f ms; want some, all by less than 15 minutes", late, latest)
	}
}
