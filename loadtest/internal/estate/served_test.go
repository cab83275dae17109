package estate

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// risen is by how much the counters of a metric rose, by the placement after the
// slash of the device, or the device itself.
func risen(t *testing.T, dir, metric string) map[string]float64 {
	t.Helper()
	least, most := map[string]float64{}, map[string]float64{}
	for _, r := range table(t, filepath.Join(dir, "samples.csv")) {
		if r[3] != metric {
			continue
		}
		v, err := strconv.ParseFloat(r[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		series := r[1] + r[2]
		if _, placement, ok := strings.Cut(r[2], "/"); ok {
			series = placement
		}
		if low, ok := least[series]; !ok || v < low {
			least[series] = v
		}
		most[series] = max(most[series], v)
	}
	for series, low := range least {
		most[series] -= low
	}
	return most
}

func TestServersCountWhatWasPlanted(t *testing.T) {
	dir, truth := generate(t, 2)
	workload := map[string]string{}
	for _, r := range table(t, filepath.Join(dir, "replay", "placements.csv")) {
		workload[r[0]] = r[3]
	}
	for _, c := range []struct {
		metric string
		of     func(Figures) float64
	}{
		{"requests_total", func(f Figures) float64 { return f.Requests }},
		{"tokens_input_total", func(f Figures) float64 { return f.InputTokens }},
		{"tokens_output_total", func(f Figures) float64 { return f.OutputTokens }},
	} {
		got := map[string]float64{}
		for placement, n := range risen(t, filepath.Join(dir, "replay"), c.metric) {
			got[workload[placement]] += n
		}
		for _, f := range truth.Workloads {
			// Two servers of a workload, each rounded down at both ends.
			if math.Abs(got[f.Workload]-c.of(f)) > 2 {
				t.Errorf("%s of %q: readings give %.0f, truth %.1f", c.metric, f.Workload, got[f.Workload], c.of(f))
			}
		}
	}
	if n := truth.Total.Requests; n < 10_000 || n > 1_000_000 {
		t.Errorf("%.0f requests in two hours", n)
	}
}

func TestPlantedIdleHours(t *testing.T) {
	_, truth := generate(t, 2)
	for _, f := range truth.Workloads {
		switch f.Workload {
		case "":
			if f.IdleHours != f.DeviceHours {
				t.Errorf("nobody used %.2f of %.2f hours", f.DeviceHours-f.IdleHours, f.DeviceHours)
			}
		case "notebook-explore":
			if math.Abs(f.IdleHours-2) > 1e-9 {
				t.Errorf("the notebook's card is idle for %v hours, want 2", f.IdleHours)
			}
		case "embed-small":
			if math.Abs(f.IdleHours-0.15*2) > 0.02 {
				t.Errorf("the embedding server's card is idle for %v hours, want 0.3", f.IdleHours)
			}
		default:
			if f.IdleHours > 0.05*f.DeviceHours {
				t.Errorf("%q is idle for %.2f of %.2f hours", f.Workload, f.IdleHours, f.DeviceHours)
			}
		}
	}
}

func TestIdleIsJudgedByMinutesOfTheClock(t *testing.T) {
	at := make([]float64, 181)
	for i := 60; i < 120; i++ {
		at[i] = 1
	}
	for _, c := range []struct {
		into int // seconds into a minute at which the recording starts
		want float64
	}{{0, 120}, {30, 30 + 30}} {
		a := accountant{start: time.Unix(int64(c.into), 0)}
		if got := 3600 * a.unused("job", newTrack(at), 0, 180); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("started %d s into a minute: idle for %v s, want %v", c.into, got, c.want)
		}
	}
}

func TestPlantedThrottling(t *testing.T) {
	dir, _ := generate(t, 2)
	got := risen(t, filepath.Join(dir, "replay"), "throttle_seconds_total")
	if len(got) != 8 {
		t.Errorf("%d cards count throttling, want the 8 of a node", len(got))
	}
	for card, seconds := range got {
		if seconds != throttled*600 {
			t.Errorf("%s was throttled for %v s, want %v", card, seconds, throttled*600)
		}
	}
}
