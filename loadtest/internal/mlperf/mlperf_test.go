package mlperf

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dataDir is the folder of the real logs; without it the test skips, and fails
// where CI promises that it is there.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("NTEGRAL_MLPERF_DATA")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("NTEGRAL_MLPERF_DATA is not set")
		}
		t.Skip("NTEGRAL_MLPERF_DATA is not set")
	}
	return dir
}

// The converted directories, integrated plainly, give the published figures.
func TestConvertedEnergy(t *testing.T) {
	data, out := dataDir(t), t.TempDir()
	dirs, err := Convert(data, out)
	if err != nil {
		t.Fatal(err)
	}
	energies := map[string]float64{}
	for _, d := range dirs {
		integrate(t, d, energies)
	}
	scores, err := score(data, energies)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range scores {
		got = append(got, strconv.FormatFloat(s.DifferencePct, 'f', 3, 64))
	}
	if d := cmp.Diff(got, []string{"-0.103", "-0.089"}); d != "" {
		t.Errorf("difference in percent (-got +want):\n%s", d)
	}
}

// integrate adds up each placement's share of its node: the trapezoid over the
// readings, the first and the last of them held for at most ten seconds.
func integrate(t *testing.T, dir string, energies map[string]float64) {
	t.Helper()
	type point struct{ ms, w float64 }
	series := map[string]map[string][]point{}
	for _, r := range mustTable(t, filepath.Join(dir, "samples.csv")) {
		if series[r["node"]] == nil {
			series[r["node"]] = map[string][]point{}
		}
		series[r["node"]][r["device"]] = append(series[r["node"]][r["device"]], point{number(t, r["time"]), number(t, r["value"])})
	}
	for _, p := range mustTable(t, filepath.Join(dir, "placements.csv")) {
		from, to := stampMillis(t, p["start"]), stampMillis(t, p["end"])
		for _, points := range series[p["node"]] {
			sort.SliceStable(points, func(i, j int) bool { return points[i].ms < points[j].ms })
			var mine []point
			for _, q := range points {
				if q.ms >= from-60_000 && q.ms <= to+60_000 {
					mine = append(mine, q)
				}
			}
			for i := 1; i < len(mine); i++ {
				a, b := mine[i-1], mine[i]
				x, y := math.Max(a.ms, from), math.Min(b.ms, to)
				if y > x {
					at := func(m float64) float64 { return a.w + (b.w-a.w)*(m-a.ms)/(b.ms-a.ms) }
					energies[p["workload"]] += (at(x) + at(y)) / 2 * (y - x) / 1000
				}
			}
			first, last := mine[0], mine[len(mine)-1]
			energies[p["workload"]] += first.w * math.Min(10_000, math.Max(0, first.ms-from)) / 1000
			energies[p["workload"]] += last.w * math.Min(10_000, math.Max(0, to-last.ms)) / 1000
		}
	}
}

// writeSource makes a tiny data folder with two runs at one time on node 1.
func writeSource(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		b := []byte(text)
		if strings.HasSuffix(name, ".gz") {
			b = zipped(t, text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var tiny = map[string]string{
	"jobs.csv": `nodes_in_system,benchmark,run,slurm_job_id,run_start_ms,run_stop_ms,interconnect_power_est_w
2,b,late,8,100000,200000,500
2,b,early,7,50000,120000,500
2,b,mid,9,60000,140000,500
`,
	"power_ac_2n_b.csv.gz": `run,node,time_ms,watts_or_marker
late,1,100000,START
late,1,100000,1000
late,1,150000,-3
late,1,149000,1000
late,1,200000,1000
late,1,200000,STOP
late,2,100000,1000
late,2,200000,1000
early,1,50000,700
early,1,120000,700
early,2,50000,700
early,2,120000,700
mid,1,60000,700
mid,2,60000,700
`,
	"published_results.csv": `mlperf_public_id,supply,nodes,benchmark,dropped_each_end,published_kJ
x,ac,2,b,1,200
`,
	"scaling_factors.csv": "supply,nodes,benchmark,scaling_factor\nac,2,b,1.25\n",
}

func TestConvertKeepsRunsApart(t *testing.T) {
	data, out := writeSource(t, tiny), t.TempDir()
	if _, err := Convert(data, out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(out, "2n_b", "samples.csv"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if strings.Contains(text, "START") || strings.Contains(text, "STOP") {
		t.Error("a mark became a reading")
	}
	if !strings.Contains(text, "150000,job8-node1,,power_watts,-3\n149000,job8-node1,,power_watts,1000\n") {
		t.Errorf("negative or disordered readings did not stay as found:\n%s", text)
	}
	if early, late := strings.Index(text, "job7"), strings.Index(text, "job8"); early > late {
		t.Error("runs are not in order of their start")
	}
	for _, want := range []string{
		"100000,job8-node1,interconnect,power_watts,500\n", "130000,job8-node1,interconnect,power_watts,500\n", "200000,job8-node1,interconnect,power_watts,500\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no row %q", want)
		}
	}
	if strings.Contains(text, "node2,interconnect") {
		t.Error("the interconnect is on a second node too")
	}
}

func TestScore(t *testing.T) {
	data := writeSource(t, tiny)
	report := filepath.Join(t.TempDir(), "report.csv")
	// Run times are 100, 70 and 80 s: mid stays.
	text := "workload,energy_j\n,5\nb/late,1\nb/early,2\nb/mid,160100\n"
	if err := os.WriteFile(report, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	scores, err := Compare(data, report)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	ok, err := Print(&buf, scores)
	if err != nil || !ok {
		t.Errorf("Print = %v, %v, want true", ok, err)
	}
	for _, want := range []string{"+0.063 %", "200.12", Unverified} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("no %q in:\n%s", want, buf.String())
		}
	}
}
