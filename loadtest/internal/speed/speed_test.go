package speed

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/benchset"
	"github.com/ntegral/ntegral/loadtest/internal/product"
)

func TestSetIsCached(t *testing.T) {
	cache, o := t.TempDir(), Standard(1)
	o.Nodes, o.Devices, o.Duration = 2, 2, 10*time.Minute
	dir, first, err := set(cache, o)
	if err != nil {
		t.Fatal(err)
	}
	samples := filepath.Join(dir, "samples.csv")
	if err := os.WriteFile(samples, []byte("touched"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, second, err := set(cache, o); err != nil || second != first {
		t.Errorf("second = %+v, %v, want %+v", second, err, first)
	}
	if b, err := os.ReadFile(samples); err != nil || string(b) != "touched" {
		t.Errorf("the cached set was generated again: %v", err)
	}
	if err := os.Remove(dir + ".json"); err != nil {
		t.Fatal(err)
	}
	if _, third, err := set(cache, o); err != nil || third != first {
		t.Errorf("a set without description is not made again: %+v, %v", third, err)
	}
	if rate, err := peer(dir); err != nil || rate <= 0 {
		t.Errorf("peer = %v, %v", rate, err)
	}
}

func TestScanCountsRows(t *testing.T) {
	text := "time,node,device,metric,value\n1789477200000,n,,power_watts,1\n2026-09-15T13:00:00.5Z,n,,power_watts,2.5\n"
	if got, err := scan(strings.NewReader(text)); err != nil || got != 2 {
		t.Errorf("scan = %d, %v, want 2", got, err)
	}
	if _, err := scan(strings.NewReader("time,node,device,metric,value\nx,n,,power_watts,1\n")); err == nil {
		t.Error("an unreadable time passes")
	}
}

func TestFiguresHaveTheirUnit(t *testing.T) {
	m := measurement{
		took: 4 * time.Second, facts: "7", before: map[string]product.Usage{"sink": {CPU: time.Second}},
		after: []product.Usage{{Name: "sink", CPU: 3 * time.Second, PeakRSS: 3 << 20}},
	}
	var b bytes.Buffer
	m.print(&b, benchset.Set{Rows: 8_000_000, DeviceSamples: 1_600_000}, 4e6)
	for _, want := range []string{"rows_per_s=2000000\n", "ratio_to_peer=0.500\n", "sink_cpu_seconds=2.00\n", "sink_peak_rss_mib=3.0\n", "cpu_microseconds_per_row=0.250\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}
