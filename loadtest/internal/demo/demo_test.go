package demo

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

func ptr(v float64) *float64 { return &v }

const header = "workload,device_seconds,busy_seconds,known_seconds,energy_j,overhead_j,facility_j,cost,currency,carbon_location_g,carbon_market_g,embodied_g,covered_seconds,estimated_j\n"

func TestReadReport(t *testing.T) {
	report := header +
		",7200.000000000,0.000000000,7200.000000000,3600000.000000,0,3960000,,,100,50,,7200,0\n" +
		"train,3600,1800,3600,7200000,3600000,7920000,2.500000000,USD,1000,0,12,3600,0\n"
	got, err := readReport([]byte(report))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]estate.Figures{
		"":      {DeviceHours: 2, EnergyKWh: 1, FacilityKWh: 1.1, CarbonLocationKg: 0.1, CarbonMarketKg: 0.05},
		"train": {Workload: "train", DeviceHours: 1, BusyRatio: 0.5, EnergyKWh: 2, OverheadKWh: 1, FacilityKWh: 2.2, Cost: ptr(2.5), Currency: "USD", CarbonLocationKg: 1, EmbodiedKg: ptr(0.012)},
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("report (-got +want):\n%s", d)
	}
	if _, err := readReport([]byte("workload,energy_j\nx,1\n")); err == nil {
		t.Error("a report without its columns is read")
	}
}

func TestCompareCountsFiguresOutOfTolerance(t *testing.T) {
	planted := estate.Figures{Workload: "train", DeviceHours: 10, BusyRatio: 0.5, EnergyKWh: 5, Cost: ptr(20), CarbonLocationKg: 2}
	truth := estate.Truth{Workloads: []estate.Figures{planted}, Total: planted}
	for _, c := range []struct {
		name   string
		change func(*estate.Figures)
		want   int
	}{
		{"equal", func(*estate.Figures) {}, 0},
		{"within", func(f *estate.Figures) { f.EnergyKWh = 5.09 }, 0},
		{"energy off, in the row and in the total", func(f *estate.Figures) { f.EnergyKWh = 5.2 }, 2},
		{"cost unknown", func(f *estate.Figures) { f.Cost = nil }, 2},
		{"noise around zero", func(f *estate.Figures) { f.CarbonMarketKg = 0.004 }, 0},
	} {
		ours := planted
		c.change(&ours)
		var buf bytes.Buffer
		got, err := compare(&buf, truth, map[string]estate.Figures{"train": ours})
		if err != nil || got != c.want {
			t.Errorf("%s: %d figures off, %v, want %d\n%s", c.name, got, err, c.want, buf.String())
		}
	}
	var buf bytes.Buffer
	if got, err := compare(&buf, truth, nil); err != nil || got == 0 || !strings.Contains(buf.String(), "train") {
		t.Errorf("a missing workload passes: %d, %v", got, err)
	}
}
