package demo

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

// tolerance is how far a figure may be from its truth: the sensors of the estate
// are wrong by up to half a percent and sample bursty load every ten seconds.
const tolerance = 0.02

// column is one figure of the table.
type column struct {
	head     string
	of       func(estate.Figures) *float64
	decimals int
	floor    float64 // a difference below it never counts: small figures of noise
}

var columns = []column{
	{"device-h", func(f estate.Figures) *float64 { return &f.DeviceHours }, 2, 0.01},
	{"busy %", func(f estate.Figures) *float64 { b := 100 * f.BusyRatio; return &b }, 1, 0.8},
	{"kWh", func(f estate.Figures) *float64 { return &f.EnergyKWh }, 3, 0.01},
	{"cost USD", func(f estate.Figures) *float64 { return f.Cost }, 2, 0.01},
	{"kg loc.", func(f estate.Figures) *float64 { return &f.CarbonLocationKg }, 3, 0.005},
	{"kg market", func(f estate.Figures) *float64 { return &f.CarbonMarketKg }, 3, 0.005},
}

// compare prints every workload with its truth beside it and returns how many
// figures are out of tolerance.
func compare(w io.Writer, truth estate.Truth, ours map[string]estate.Figures) (off int, err error) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprint(t, "workload\t") // tabwriter keeps the error for Flush
	for _, c := range columns {
		_, _ = fmt.Fprintf(t, "%s\ttruth\t", c.head)
	}
	_, _ = fmt.Fprintln(t, "worst\t")
	seen := map[string]bool{}
	for _, planted := range truth.Workloads {
		seen[planted.Workload] = true
		got, ok := ours[planted.Workload]
		if !ok {
			off++
		}
		off += line(t, label(planted.Workload), got, planted)
	}
	for name, f := range ours {
		if !seen[name] {
			off += 1 + line(t, label(name)+" (not planted)", f, estate.Figures{})
		}
	}
	off += line(t, "total", total(ours), truth.Total)
	if err := t.Flush(); err != nil {
		return off, fmt.Errorf("print table: %w", err)
	}
	return off, nil
}

func label(workload string) string {
	if workload == "" {
		return "(unallocated)"
	}
	return workload
}

// line prints one row and counts its figures out of tolerance.
func line(w io.Writer, name string, ours, planted estate.Figures) (off int) {
	_, _ = fmt.Fprintf(w, "%s\t", name)
	worst := 0.0
	for _, c := range columns {
		a, b := c.of(ours), c.of(planted)
		_, _ = fmt.Fprintf(w, "%s\t%s\t", cell(a, c.decimals), cell(b, c.decimals))
		d, wrong := deviation(a, b, c.floor)
		worst = math.Max(worst, d)
		if wrong {
			off++
		}
	}
	mark := ""
	if off > 0 {
		mark = " !"
	}
	_, _ = fmt.Fprintf(w, "%.2f %%%s\t\n", 100*worst, mark)
	return off
}

// deviation is the relative difference, 0 below the floor.
func deviation(ours, planted *float64, floor float64) (relative float64, wrong bool) {
	if ours == nil || planted == nil {
		return 0, (ours == nil) != (planted == nil)
	}
	d := math.Abs(*ours - *planted)
	if d <= floor {
		return 0, false
	}
	relative = d / math.Max(math.Abs(*planted), floor)
	return relative, relative > tolerance
}

func cell(v *float64, decimals int) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.*f", decimals, *v)
}

func total(ours map[string]estate.Figures) estate.Figures {
	var sum estate.Figures
	busy := 0.0
	for _, f := range ours {
		sum.Add(f)
		busy += f.BusyRatio * f.DeviceHours
	}
	if sum.DeviceHours > 0 {
		sum.BusyRatio = busy / sum.DeviceHours
	}
	return sum
}
