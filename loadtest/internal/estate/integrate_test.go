package estate

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

type point struct{ x, v float64 }

func table(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func seconds(t *testing.T, s string) float64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.Sub(start).Seconds()
}

// powers reads power_watts by node and device ("" is the wall).
func powers(t *testing.T, dir string) map[string]map[string][]point {
	t.Helper()
	out := map[string]map[string][]point{}
	for _, r := range table(t, filepath.Join(dir, "samples.csv")) {
		if r[3] != "power_watts" {
			continue
		}
		v, err := strconv.ParseFloat(r[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		if out[r[1]] == nil {
			out[r[1]] = map[string][]point{}
		}
		out[r[1]][r[2]] = append(out[r[1]][r[2]], point{seconds(t, r[0]), v})
	}
	for _, devices := range out {
		for _, p := range devices {
			sort.SliceStable(p, func(i, j int) bool { return p[i].x < p[j].x })
		}
	}
	return out
}

// area integrates the readings over [from, to).
func area(p []point, from, to float64) float64 {
	sum := 0.0
	for i := 1; i < len(p); i++ {
		a, b := max(p[i-1].x, from), min(p[i].x, to)
		if b <= a {
			continue
		}
		at := func(x float64) float64 {
			return p[i-1].v + (p[i].v-p[i-1].v)*(x-p[i-1].x)/(p[i].x-p[i-1].x)
		}
		sum += (at(a) + at(b)) / 2 * (b - a)
	}
	return sum
}

type stay struct {
	work, devices string
	from, to      float64
}

func stays(t *testing.T, dir string) map[string][]stay {
	t.Helper()
	out := map[string][]stay{}
	for _, r := range table(t, filepath.Join(dir, "placements.csv")) {
		s := stay{r[3], r[8], seconds(t, r[11]), 7200}
		if r[12] != "" {
			s.to = seconds(t, r[12])
		}
		out[r[7]] = append(out[r[7]], s)
	}
	return out
}

func integrate(t *testing.T, dir string) map[string]float64 {
	t.Helper()
	out, placed := map[string]float64{}, stays(t, dir)
	for node, devices := range powers(t, dir) {
		cards := len(devices)
		if devices[""] != nil {
			cards--
		}
		rest := func(from, to float64) float64 {
			if devices[""] == nil {
				return 0
			}
			sum := area(devices[""], from, to)
			for d, p := range devices {
				if d != "" {
					sum -= area(p, from, to)
				}
			}
			return sum
		}
		if cards == 0 {
			shareHost(out, placed[node], rest)
			continue
		}
		for d, p := range devices {
			if d == "" {
				continue
			}
			free := area(p, 0, 7200) + rest(0, 7200)/float64(cards)
			for _, s := range placed[node] {
				if s.devices == "*" || contains(s.devices, d) {
					e := area(p, s.from, s.to) + rest(s.from, s.to)/float64(cards)
					out[s.work] += e
					free -= e
				}
			}
			out[""] += free
		}
	}
	return out
}

// shareHost lays a machine without cards over its jobs, second by second.
func shareHost(out map[string]float64, placed []stay, rest func(from, to float64) float64) {
	for x := 0.0; x < 7200; x++ {
		var on []string
		for _, s := range placed {
			if x >= s.from && x < s.to {
				on = append(on, s.work)
			}
		}
		if on == nil {
			on = []string{""}
		}
		for _, w := range on {
			out[w] += rest(x, x+1) / float64(len(on))
		}
	}
}

func contains(list, d string) bool {
	for _, x := range strings.Split(list, ";") {
		if x == d {
			return true
		}
	}
	return false
}
