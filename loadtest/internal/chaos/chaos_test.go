package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/loadtest/internal/benchset"
)

func TestSumColumnsAreTheAdditiveOnes(t *testing.T) {
	described := [][]string{
		{"window_start", "DateTime64(3, 'UTC')"},
		{"window_seconds", "UInt32"},
		{"node", "String"},
		{"energy_j", "Decimal(18, 6)"},
		{"cost_intervals", "Int64"},
		{"task", "Int32"},
		{"epoch", "UInt64"},
		{"step", "UInt64"},
		{""},
	}
	got := sumColumns(described)
	if d := cmp.Diff(got, []string{"energy_j", "cost_intervals"}); d != "" {
		t.Errorf("columns (-got +want):\n%s", d)
	}
	want := "SELECT f.window_start, f.node, f.device, f.placement, f.state, sum(f.energy_j) AS s_energy_j, sum(f.cost_intervals) AS s_cost_intervals" +
		" FROM facts AS f GROUP BY f.window_start, f.node, f.device, f.placement, f.state HAVING s_energy_j != 0 OR s_cost_intervals != 0"
	if q := sumQuery(got); q != want {
		t.Errorf("query = %s\nwant    %s", q, want)
	}
}

func TestDifferences(t *testing.T) {
	base := func() outcome {
		return outcome{columns: []string{"energy_j", "cost"}, sums: map[string]string{"a": "1\t2", "b": "3\t4"}, reports: map[string]string{"team": "x"}}
	}
	for _, c := range []struct {
		name   string
		change func(*outcome)
		want   []string
	}{
		{"equal", func(*outcome) {}, nil},
		{"lost", func(o *outcome) { delete(o.sums, "a") }, []string{"missing: a"}},
		{"doubled", func(o *outcome) { o.sums["b"] = "6\t4" }, []string{"differs: b: energy_j 3, disturbed 6"}},
		{"invented", func(o *outcome) { o.sums["c"] = "1\t1" }, []string{"too many: c"}},
		{"report", func(o *outcome) { o.reports["team"] = "y" }, []string{"report by team differs"}},
	} {
		got := base()
		c.change(&got)
		if d := cmp.Diff(base().differences(got), c.want); d != "" {
			t.Errorf("%s (-got +want):\n%s", c.name, d)
		}
	}
}

func TestTollIsOneLine(t *testing.T) {
	sum := toll{strikes: 8}
	sum.add(&siege{replayKills: 2})
	sum.add(&siege{replayKills: 1, gaveUp: 1})
	if got, want := sum.String(), "faults=8 rounds=2 replay_kills=3 replay_gave_up=1 lost=0 doubled=0 verify=clean"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := outcome{sums: map[string]string{"a": "1", "b": "2", "c": "3"}}
	got := want.compare(outcome{sums: map[string]string{"b": "4", "c": "3", "d": "5", "e": "6"}})
	if s := "of 3 keys 1 are missing, 2 too many, 1 have other sums"; got != s {
		t.Errorf("got %q, want %q", got, s)
	}
}

func TestOptions(t *testing.T) {
	o := Options{Component: "all", Kills: 2, Round: 10 * time.Second, Every: time.Second, Set: benchset.Options{Duration: 20 * time.Minute}}
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := len(o.victims()); got != 8 {
		t.Errorf("%d victims, want 8", got)
	}
	if got := o.speed(); got != "120.000" {
		t.Errorf("speed = %s, want 120.000", got)
	}
	o.Component, o.Kills = "disk", 0
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "disk") || !strings.Contains(err.Error(), "kills") {
		t.Errorf("Validate = %v, want both problems", err)
	}
}
