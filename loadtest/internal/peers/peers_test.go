package peers

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

func small() Load {
	l := Standard()
	l.Nodes, l.Duration = 3, 20*time.Minute
	return l
}

func TestLoadIsAFunctionOfItsOptions(t *testing.T) {
	draw := func() (all []topics.Entry) {
		l := small()
		l.dimensions(func(e topics.Entry) { all = append(all, e) })
		l.tables(func(e topics.Entry) { all = append(all, e) })
		l.samples(func(e topics.Entry) { all = append(all, e) })
		return all
	}
	if d := cmp.Diff(draw(), draw()); d != "" {
		t.Error(d)
	}
}

func TestLoadIsWhatContendersMayAssume(t *testing.T) {
	l := small()
	readings := int64(0)
	last := map[string]int64{}
	var d record.SamplesDecoder
	l.samples(func(e topics.Entry) {
		if e.Kind != record.TypeSamples {
			return
		}
		b, err := d.Decode(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		readings += int64(b.Readings())
		for i := range b.Series {
			for _, v := range b.Series[i].Values.AppendTo(nil) {
				if k := b.Node + "/" + b.Series[i].Device; b.Series[i].Metric == telemetry.EnergyJoules {
					if v <= last[k] {
						t.Fatalf("%s: counter goes from %d to %d", k, last[k], v)
					}
					last[k] = v
				}
			}
		}
	})
	if readings != l.Readings() {
		t.Errorf("readings = %d, want %d", readings, l.Readings())
	}
	for n := range l.Nodes {
		end := map[string]int64{}
		for _, p := range l.placements(n) {
			if p.Start%int64(time.Second) != 0 || p.End <= p.Start {
				t.Errorf("%s holds [%d, %d)", p.ID, p.Start, p.End)
			}
			for _, device := range p.Devices {
				if before, held := end[device]; held && p.Start < before+int64(time.Minute) {
					t.Errorf("%s: %s begins %d ns after the one before", device, p.ID, p.Start-before)
				}
				end[device] = p.End
			}
		}
	}
}

func TestLoadListsItsFaults(t *testing.T) {
	err := Load{Nodes: 0, Duration: time.Second, Start: time.Unix(1, 0)}.Validate()
	for _, want := range []string{"nodes 0", "duration 1s", "a whole minute"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if err := Standard().Validate(); err != nil {
		t.Error(err)
	}
}

func TestDifferencesAreNamed(t *testing.T) {
	a, b, c := Key{1, "n", "w"}, Key{2, "n", ""}, Key{3, "n", ""}
	want := Facts{a: 100, b: 300}
	if got := differ(Facts{a: 100, b: 300}, want); got != "" {
		t.Errorf("equal facts: %q", got)
	}
	got := differ(Facts{a: 101, c: 7}, want)
	if want := "1 missing, 1 more, 1 of other energy, of 2; differences add up to 77.0000 % of the energy; first 1/n/w: 101 µJ, not 100"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTableSaysWhatFailedAndWhatDiffers(t *testing.T) {
	var b bytes.Buffer
	tab := table{readings: 1000, out: &b}
	k := Key{1, "n", "w"}
	tab.head()
	tab.line("ntegral", result{name: "ntegral", took: time.Second, cpu: time.Second, peak: 5e6, facts: Facts{k: 1}}, nil)
	tab.line("goka", result{name: "goka", took: 2 * time.Second, cpu: 4 * time.Second, facts: Facts{k: 2}}, nil)
	tab.line("kafka-streams", result{}, errors.New("left out: no Java\nand more"))
	tab.ratios()
	for _, want := range []string{" reference\n", " no: 0 missing, 0 more, 1 of other energy", " no: left out: no Java\n", "ntegral/goka per_s=2.000 per_cpu_s=4.000\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
	if err := tab.verdict(); err != nil {
		t.Errorf("a peer that fails makes the comparison fail: %v", err)
	}
	if tab.line("ntegral", result{}, errors.New("gone")); tab.verdict() == nil {
		t.Error("the product's failure is none of the comparison's")
	}
}

func TestRowsOfTheStoreAreRead(t *testing.T) {
	got, err := tabFacts("5\tn\t\t12\n6\tn\tw\t-3\n")
	if d := cmp.Diff(got, Facts{{5, "n", ""}: 12, {6, "n", "w"}: -3}); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	for _, bad := range []string{"5\tn\tw\n", "x\tn\tw\t1\n"} {
		if _, err := tabFacts(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
