package replaydir

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAppendFixed(t *testing.T) {
	for _, c := range []struct {
		value    int64
		decimals int
		want     string
	}{
		{0, 3, "0.000"}, {7, 3, "0.007"}, {612348, 3, "612.348"}, {-5, 1, "-0.5"}, {42, 0, "42"}, {1000000, 6, "1.000000"},
	} {
		if got := string(AppendFixed(nil, c.value, c.decimals)); got != c.want {
			t.Errorf("AppendFixed(%d, %d) = %q, want %q", c.value, c.decimals, got, c.want)
		}
	}
}

func TestFilesHaveEveryColumn(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC)
	if err := WriteInventory(dir, []Device{{Node: "n1", Kind: "wall", Region: "r", Cluster: "c"}}); err != nil {
		t.Fatal(err)
	}
	if err := WritePlacements(dir, []Placement{{ID: "p", Manager: "slurm", Workload: "w", Node: "n1", Devices: "*", Mode: "whole", Start: at, Labels: `{"a":"b"}`}}); err != nil {
		t.Fatal(err)
	}
	if err := WriteRates(dir, []Rate{{Kind: "pue", Value: "1.2", Unit: "1", From: at, Source: "s"}}); err != nil {
		t.Fatal(err)
	}
	rows, err := WriteSamples(dir, false, func(s *Samples) {
		s.Text("2026-09-15T13:00:00Z", "n1", "", "power_watts", "1.5")
		s.Fixed(AppendMillis(nil, at), Columns("n1", "g0", "power_watts"), 70123, 3)
	})
	if err != nil {
		t.Fatal(err)
	}
	if rows != 2 {
		t.Errorf("rows = %d, want 2", rows)
	}
	want := map[string]string{
		"inventory.csv":  "node,device,kind,model,parent,provider,region,zone,instance_type,cluster,tenant\nn1,,wall,,,,r,,,c,\n",
		"placements.csv": "id,manager,cluster,workload,kind,tenant,team,node,devices,mode,share,start,end,labels\np,slurm,,w,,,,n1,*,whole,,2026-09-15T13:00:00Z,,\"{\"\"a\"\":\"\"b\"\"}\"\n",
		"rates.csv":      "kind,key,value,unit,valid_from,valid_to,source\npue,,1.2,1,2026-09-15T13:00:00Z,,s\n",
		"samples.csv":    "time,node,device,metric,value\n2026-09-15T13:00:00Z,n1,,power_watts,1.5\n1789477200000,n1,g0,power_watts,70.123\n",
	}
	got := map[string]string{}
	for name := range want {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = string(b)
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("files (-got +want):\n%s", d)
	}
}
