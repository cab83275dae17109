package estate

import (
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC)

func generate(t *testing.T, seed uint64) (dir string, truth Truth) {
	t.Helper()
	dir = t.TempDir()
	truth, rows, err := Generate(Options{Dir: filepath.Join(dir, "replay"), Truth: filepath.Join(dir, "truth.json"), Seed: seed, Start: start, Duration: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if rows < 150_000 {
		t.Errorf("rows = %d, want at least 150000", rows)
	}
	return dir, truth
}

func digests(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[e.Name()] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	a, _ := generate(t, 7)
	b, _ := generate(t, 7)
	c, _ := generate(t, 8)
	if d := cmp.Diff(digests(t, a), digests(t, b)); d != "" {
		t.Errorf("two generations with one seed differ:\n%s", d)
	}
	if digests(t, a)["samples.csv"] == digests(t, c)["samples.csv"] {
		t.Error("two seeds give the same samples")
	}
}

// The truth comes from the model, the check from the readings alone: power
// integrated by trapezoid between the edges of placements, and the machine's
// rest in equal parts.
func TestTruthAgreesWithReadings(t *testing.T) {
	dir, truth := generate(t, 1)
	got := integrate(t, filepath.Join(dir, "replay"))
	for _, w := range truth.Workloads {
		g := got[w.Workload]
		if math.Abs(g/3.6e6-w.EnergyKWh) > 0.012*w.EnergyKWh {
			t.Errorf("%q: readings give %.3f kWh, truth %.3f", w.Workload, g/3.6e6, w.EnergyKWh)
		}
	}
	if truth.Total.EnergyKWh < 30 || truth.Total.EnergyKWh > 90 {
		t.Errorf("the estate uses %.1f kWh, want a plausible 30 to 90", truth.Total.EnergyKWh)
	}
	if got, want := truth.Total.DeviceHours, 2.0*(4*8+8+4+4+4); math.Abs(got-want) > 1e-9 {
		t.Errorf("device hours = %v, want %v", got, want)
	}
	read, err := ReadTruth(filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(read, truth); d != "" {
		t.Errorf("truth file (-got +want):\n%s", d)
	}
}

func TestPlantedWaste(t *testing.T) {
	p := newPlan(2 * time.Hour)
	ph := model(p, 3)
	mean := func(node, d int) float64 { return ph[node].power[d].until(float64(p.seconds)) / float64(p.seconds) }
	for d := range 8 {
		if w := mean(3, d); w < 65 || w > 71 {
			t.Errorf("free card %d draws %.1f W, want 66 to 70", d, w)
		}
	}
	if w := mean(2, 5); w < 110 || w > 118 {
		t.Errorf("the idle notebook's card draws %.1f W, want about 115", w)
	}
	for i, x := range ph {
		for d, tr := range x.power {
			for _, w := range tr.at {
				if w < 0 || w > p.nodes[i].card.limit {
					t.Fatalf("node %d card %d: %.1f W is beyond the card", i, d, w)
				}
			}
		}
	}
}

func TestResolveTakesTheLatestRow(t *testing.T) {
	rows, err := rates(start, 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kind, key string
		at              time.Time
		want            float64
	}{
		{"new list price", "instance_price", "p4d.24xlarge@us-east-1", start, 21.957642},
		{"old list price", "instance_price", "p4d.24xlarge@us-east-1", start.AddDate(-1, 0, 0), 32.7726},
		{"day tariff to its last nanosecond", "electricity", "eu-central-1", start.Add(time.Hour - 1), 0.184},
		{"evening tariff from its first", "electricity", "eu-central-1", start.Add(time.Hour), 0.236},
	} {
		if got, ok := resolve(rows, c.kind, c.at, c.key); !ok || got != c.want {
			t.Errorf("%s: got %v %v, want %v", c.name, got, ok, c.want)
		}
	}
}
