package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

func seriesOf(index, node int, device string, m telemetry.Metric) *replay.Series {
	return &replay.Series{Index: index, NodeIndex: node, Node: fmt.Sprint("n", node), Device: device, Metric: m}
}

// packed collects what a packer flushes: each batch as its readings by series.
func packed(t *testing.T, fill func(add func(s *replay.Series, at time.Duration, value int64))) (batches []string, readings map[string][]string) {
	t.Helper()
	readings = make(map[string][]string)
	p := packer{flush: func(b *record.SampleBatch, newest int64) error {
		var parts []string
		seen := int64(-1 << 62)
		for _, s := range b.Series {
			var times []string
			for i, v := range s.Values.AppendTo(nil) {
				at := b.Axes[s.Axis][i]
				seen = max(seen, at)
				times = append(times, time.Duration(at).String())
				name := b.Node + " " + s.Device + " " + s.Metric.String()
				readings[name] = append(readings[name], fmt.Sprint(at, "=", v))
			}
			parts = append(parts, fmt.Sprintf("%s/%d@%s", s.Device, s.Axis, strings.Join(times, "+")))
		}
		if newest != seen {
			t.Errorf("newest %d, want %d", newest, seen)
		}
		if len(b.Append(nil)) > record.MaxRecordBytes {
			t.Error("a record is too large")
		}
		batches = append(batches, b.Node+" "+strings.Join(parts, " "))
		return nil
	}}
	fill(func(s *replay.Series, at time.Duration, value int64) {
		if err := p.add(s, int64(at), value); err != nil {
			t.Fatal(err)
		}
	})
	if err := p.flushAll(); err != nil {
		t.Fatal(err)
	}
	return batches, readings
}

func TestPackBounds(t *testing.T) {
	a, b, other := seriesOf(0, 0, "a", telemetry.PowerWatts), seriesOf(1, 0, "b", telemetry.PowerWatts), seriesOf(2, 1, "a", telemetry.PowerWatts)
	const s, m = time.Second, time.Minute
	type row struct {
		series *replay.Series
		at     time.Duration
	}
	for _, tc := range []struct {
		name string
		rows []row
		want []string
	}{
		{"shared axis", []row{{a, 0}, {b, 0}, {a, 2 * s}, {b, 2 * s}}, []string{"n0 a/0@0s+2s b/0@0s+2s"}},
		{"axes apart", []row{{a, 0}, {b, 1 * s}}, []string{"n0 a/0@0s b/1@1s"}},
		{"ten seconds", []row{{a, 0}, {a, 10*s - 1}, {a, 10 * s}}, []string{"n0 a/0@0s+9.999999999s", "n0 a/0@10s"}},
		{"one meter lags", []row{{a, 60 * s}, {b, 30 * s}, {a, 62 * s}, {b, 32 * s}}, []string{"n0 a/0@1m0s+1m2s b/1@30s+32s"}},
		{"ten minutes back", []row{{a, 20 * m}, {a, 10 * m}, {a, 10*m - 1}}, []string{"n0 a/0@20m0s+10m0s", "n0 a/0@9m59.999999999s"}},
		{"twice", []row{{a, 0}, {a, 0}}, []string{"n0 a/0@0s+0s"}},
		{"nodes apart", []row{{a, 0}, {other, 0}, {a, 1 * s}}, []string{"n0 a/0@0s+1s", "n1 a/0@0s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := packed(t, func(add func(*replay.Series, time.Duration, int64)) {
				for i, r := range tc.rows {
					add(r.series, r.at, int64(i))
				}
			})
			if diff := gocmp.Diff(got, tc.want); diff != "" {
				t.Errorf("batches (-got +want):\n%s", diff)
			}
		})
	}
}

// Whatever the rows, every reading comes out once and in the order of its series.
func TestPackKeepsReadingsAndOrder(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		want := make(map[string][]string)
		_, got := packed(t, func(add func(*replay.Series, time.Duration, int64)) {
			var series []*replay.Series
			for i := range 1 + r.IntN(40) {
				series = append(series, seriesOf(i, r.IntN(3), strings.Repeat("d", 1+r.IntN(400))+fmt.Sprint(i), telemetry.SMActive))
			}
			for i := range r.IntN(20_000) {
				s := series[r.IntN(len(series))]
				at := time.Duration(i)*time.Millisecond*time.Duration(1+seed%7) - time.Duration(r.IntN(1<<r.IntN(40)))
				add(s, at, int64(i))
				name := s.Node + " " + s.Device + " " + s.Metric.String()
				want[name] = append(want[name], fmt.Sprint(int64(at), "=", i))
			}
		})
		if diff := gocmp.Diff(got, want); diff != "" {
			t.Fatalf("seed %d: readings (-got +want):\n%s", seed, diff)
		}
	}
}

// Long names count towards the size of a record.
func TestPackBoundsBytes(t *testing.T) {
	batches, _ := packed(t, func(add func(*replay.Series, time.Duration, int64)) {
		for i := range 3000 {
			add(seriesOf(i, 0, fmt.Sprintf("%0500d", i), telemetry.SMActive), 0, 1)
		}
	})
	if len(batches) < 3 {
		t.Errorf("%d batches of 3,000 series with names of 500 bytes, want at least 3", len(batches))
	}
	if slices.ContainsFunc(batches, func(b string) bool { return len(b) > record.MaxRecordBytes }) {
		t.Error("a batch is larger than a record may be")
	}
}
