package rate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ntegral/ntegral/pipelines/rate"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// TestTimelineAgainstDefinition holds timelines against the definition applied
// at every instant, on random overlapping rows.
func TestTimelineAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	keys := []string{"a", "b", ""}
	for range 2000 {
		table := rate.NewTable()
		published := map[string]telemetry.Rate{}
		for i := range r.IntN(12) {
			row := telemetry.Rate{Kind: telemetry.RatePUE, Key: keys[r.IntN(3)], Value: int64(i), From: r.Int64N(20), To: telemetry.MaxTime}
			if r.IntN(5) == 0 {
				row.From = telemetry.MinTime
			}
			if r.IntN(2) == 0 {
				row.To = max(row.From, 0) + 1 + r.Int64N(12)
			}
			table.Set(&row)
			published[fmt.Sprint(row.Key, row.From)] = row
		}
		line := table.Timeline(telemetry.RatePUE, keys)
		for i := 1; i < len(line.Rows); i++ {
			if line.Rows[i] == line.Rows[i-1] || line.Moments[i] <= line.Moments[i-1] {
				t.Fatalf("moments %v rows %v: neighbours do not differ", line.Moments, line.Rows)
			}
		}
		for x := int64(-2); x < 40; x++ {
			got := line.Rows[line.At(x)]
			want, ok := applies(published, keys, x)
			if (got != nil) != ok || ok && *got != want {
				t.Fatalf("at %d: got %v, want %v %t of %v", x, got, want, ok, published)
			}
		}
	}
}

func applies(rows map[string]telemetry.Rate, keys []string, x int64) (best telemetry.Rate, ok bool) {
	for _, key := range keys {
		for _, row := range rows {
			if row.Key == key && row.From <= x && x < row.To && (!ok || row.From > best.From) {
				best, ok = row, true
			}
		}
		if ok {
			return best, true
		}
	}
	return best, false
}

func TestKeys(t *testing.T) {
	node := telemetry.Device{Cluster: "c", Region: "r"}
	if got, want := rate.NodeKeys(&node), []string{"c", "r", ""}; !slices.Equal(got, want) {
		t.Errorf("NodeKeys = %q, want %q", got, want)
	}
	if got, want := rate.RegionalKeys("H100", "r"), []string{"H100@r", "H100"}; !slices.Equal(got, want) {
		t.Errorf("RegionalKeys = %q, want %q", got, want)
	}
	if got := rate.RegionalKeys("", "r"); got != nil {
		t.Errorf("RegionalKeys of no name = %q", got)
	}
}
