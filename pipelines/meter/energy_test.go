package meter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/meter"
)

const (
	second = int64(1_000_000_000)
	joule  = int64(1_000_000)
	watt   = int64(1_000_000)
)

var limits = meter.Limits{MaxGap: 300 * second, MaxSilence: 3600 * second, Hold: 10 * second}

// series reads "seconds:value seconds:value" in units of unit.
func series(text string, unit int64) meter.Series {
	var s meter.Series
	for _, pair := range strings.Fields(text) {
		var t, v float64
		if _, err := fmt.Sscanf(pair, "%f:%f", &t, &v); err != nil {
			panic(err)
		}
		s.Add(int64(t*1e9), int64(v*float64(unit)))
	}
	return s
}

var rungNames = map[meter.Rung]string{
	meter.RungCounter: "counter", meter.RungPower: "power", meter.RungHold: "hold", meter.RungBridge: "bridge", meter.RungReset: "reset", meter.RungGauge: "gauge",
}

// describe writes spans as "rung[from,to)=amount", seconds and joules.
func describe(spans []meter.Span, unit int64) string {
	var out []string
	for i := range spans {
		s := &spans[i]
		out = append(out, fmt.Sprintf("%s[%g,%g)=%g", rungNames[s.Rung], float64(s.From)/1e9, float64(s.To)/1e9, float64(s.Amount(s.From, s.To))/float64(unit)))
	}
	return strings.Join(out, " ")
}

// TestSpans has a row on each side of every boundary of the rungs.
func TestSpans(t *testing.T) {
	for _, tc := range []struct {
		name                  string
		counter, power, limit string
		lo, hi                int64
		want                  string
		rejected, unplaced    float64
	}{
		{name: "nothing", lo: 0, hi: 60},
		{name: "one counter reading", counter: "0:5", lo: 0, hi: 60},
		{name: "counter of max_gap", counter: "0:0 300:300", lo: 0, hi: 300, want: "counter[0,300)=300"},
		{name: "bridge just over max_gap", counter: "0:0 300.000000001:300", lo: 0, hi: 301, want: "bridge[0,300)=300"},
		{name: "bridge of max_silence", counter: "0:0 3600:36", lo: 0, hi: 3600, want: "bridge[0,3600)=36"},
		{name: "longer than max_silence", counter: "0:0 3600.000000001:36", lo: 0, hi: 3601, unplaced: 36},
		{name: "too long counts where it ends", counter: "0:0 3660:36", lo: 0, hi: 3600},
		{name: "too long ends at hi", counter: "0:0 3660:36", lo: 3600, hi: 3660, unplaced: 36},
		{name: "too long ended at lo", counter: "0:0 3660:36", lo: 3660, hi: 3720},
		{name: "cut inside", counter: "0:0 90:90", lo: 30, hi: 60, want: "counter[30,60)=30"},
		{name: "equal readings are skipped", counter: "0:0 100:0 200:0 300:300", lo: 0, hi: 300, want: "counter[0,300)=300"},
		{name: "equal readings make a bridge", counter: "0:0 100:0 200:0 301:301", lo: 0, hi: 301, want: "bridge[0,301)=301"},
		{name: "equal readings at the end say nothing", counter: "0:0 60:60 120:60", lo: 0, hi: 120, want: "counter[0,60)=60"},
		{name: "hang begins before lo", counter: "0:0 100:0 200:200", lo: 150, hi: 200, want: "counter[150,200)=50"},
		{name: "reset", counter: "0:100 60:30", lo: 0, hi: 60, want: "reset[0,60)=30"},
		{name: "reset to nothing", counter: "0:100 60:0 120:60", lo: 0, hi: 120, want: "reset[0,60)=0 counter[60,120)=60"},
		{name: "long reset", counter: "0:100 3600:30", lo: 0, hi: 3600, want: "reset[0,3600)=30"},
		{name: "reset too long", counter: "0:100 3601:30", lo: 0, hi: 3660, unplaced: 30},
		{name: "fastest", counter: "0:0 60:7200", limit: "0:100", lo: 0, hi: 60, want: "counter[0,60)=7200"},
		{name: "too fast", counter: "0:0 60:7200.000001", limit: "0:100", lo: 0, hi: 60, rejected: 7200.000001},
		{name: "limit at the end counts", counter: "0:0 60:7200.5", limit: "0:100 60:101", lo: 0, hi: 60, want: "counter[0,60)=7200.5"},
		{name: "limit behind the end does not", counter: "0:0 60:7200.5", limit: "0:100 60.1:101", lo: 0, hi: 60, rejected: 7200.5},
		{name: "limit of nothing is none", counter: "0:0 60:300000", limit: "0:0", lo: 0, hi: 60, want: "counter[0,60)=300000"},
		{name: "without a limit max_power", counter: "0:0 60:360000.000001", lo: 0, hi: 60, rejected: 360000.000001},
		{name: "too fast after a reset", counter: "0:9000 60:8000", limit: "0:100", lo: 0, hi: 60, rejected: 8000},
		{name: "too fast and too long is rejected", counter: "0:0 3601:500000", limit: "0:100", lo: 0, hi: 3660, rejected: 500000},
		{name: "rejected leaves room to power", counter: "0:0 60:7201", power: "0:1 60:1", limit: "0:100", lo: 0, hi: 60, want: "power[0,60)=60", rejected: 7201},
		{name: "power of max_gap", power: "0:1 300:1", lo: 0, hi: 300, want: "power[0,300)=300"},
		{name: "power over max_gap", power: "0:1 300.1:1", lo: 0, hi: 301},
		{name: "trapezoid", power: "0:0 60:60", lo: 30, hi: 60, want: "power[30,60)=1350"},
		{name: "holds of a run", power: "20:1 40:2", lo: 0, hi: 60, want: "hold[10,20)=10 power[20,40)=30 hold[40,50)=20"},
		{name: "hold cut at lo and hi", power: "20:1 40:1", lo: 15, hi: 44, want: "hold[15,20)=5 power[20,40)=20 hold[40,44)=4"},
		{name: "hold reaches over lo", power: "-40:1 -4:1", lo: 0, hi: 60, want: "hold[0,6)=6"},
		{name: "hold reaches over hi", power: "64:1 80:1", lo: 0, hi: 60, want: "hold[54,60)=6"},
		{name: "isolated reading", power: "30:1", lo: 0, hi: 60},
		{name: "two runs", power: "0:1 10:1 400:1 410:1", lo: 0, hi: 420, want: "power[0,10)=10 hold[10,20)=10 hold[390,400)=10 power[400,410)=10 hold[410,420)=10"},
		{name: "counter over power", counter: "20:0 40:1", power: "0:1 60:1", lo: 0, hi: 60, want: "power[0,20)=20 counter[20,40)=1 power[40,60)=20"},
		{name: "counter over a hold", counter: "35:0 60:1", power: "0:1 30:1", lo: 0, hi: 60, want: "power[0,30)=30 hold[30,35)=5 counter[35,60)=1"},
		{
			name: "bridge beside power", counter: "0:0 600:600", power: "100:1 200:1", lo: 0, hi: 600,
			want: "bridge[0,90)=90 hold[90,100)=10 power[100,200)=100 hold[200,210)=10 bridge[210,600)=390",
		},
		{
			name: "bridge of less than power", counter: "0:0 600:50", power: "100:1 200:1", lo: 0, hi: 300,
			want: "bridge[0,90)=0 hold[90,100)=10 power[100,200)=100 hold[200,210)=10 bridge[210,300)=0",
		},
		{name: "bridge without room", counter: "0:0 400:500", power: "0:1 200:1 400:1", lo: 0, hi: 400, want: "power[0,200)=200 power[200,400)=200", unplaced: 100},
		{name: "reset beside power", counter: "0:100 60:30", power: "0:1 50:1", lo: 0, hi: 60, want: "power[0,50)=50 hold[50,60)=10", unplaced: 30},
		{name: "reset in what is left", counter: "0:100 60:30", power: "0:1 40:1", lo: 0, hi: 60, want: "power[0,40)=40 hold[40,50)=10 reset[50,60)=30"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := meter.Meter{Counter: series(tc.counter, joule), Power: series(tc.power, watt), Limit: series(tc.limit, watt), MaxPower: 5000 * watt}
			r := meter.Reader{Limits: limits}
			spans, out := r.Spans(&m, tc.lo*second, tc.hi*second)
			got := strings.ReplaceAll(describe(spans, joule), "300.000000001", "300")
			if diff := cmp.Diff(got, tc.want); diff != "" {
				t.Errorf("got before want (-got +want):\n%s", diff)
			}
			if out.Rejected != int64(tc.rejected*1e6) || out.Unplaced != int64(tc.unplaced*1e6) {
				t.Errorf("outside: got %+v, want rejected %v J, unplaced %v J", out, tc.rejected, tc.unplaced)
			}
		})
	}
}

func TestBusySpans(t *testing.T) {
	for _, tc := range []struct {
		name         string
		sm, gr, util string
		lo, hi       int64
		want         string
	}{
		{name: "nothing", lo: 0, hi: 60},
		{name: "one", sm: "0:0 60:1", lo: 0, hi: 60, want: "gauge[0,60)=30"},
		{name: "of max_gap", util: "0:1 300:1", lo: 0, hi: 300, want: "gauge[0,300)=300"},
		{name: "over max_gap", util: "0:1 301:1", lo: 0, hi: 301},
		{name: "nothing is held", util: "20:1 40:1", lo: 0, hi: 60, want: "gauge[20,40)=20"},
		{
			name: "best first", sm: "20:1 40:1", gr: "10:0.5 50:0.5", util: "0:0 60:0", lo: 0, hi: 60,
			want: "gauge[0,10)=0 gauge[10,20)=5 gauge[20,40)=20 gauge[40,50)=5 gauge[50,60)=0",
		},
		{name: "best covers all", sm: "0:1 60:1", util: "0:0 60:0", lo: 0, hi: 60, want: "gauge[0,60)=60"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := meter.Busy{SMActive: series(tc.sm, 1e6), GraphicsEngineActive: series(tc.gr, 1e6), GPUUtil: series(tc.util, 1e6)}
			r := meter.Reader{Limits: limits}
			if got := describe(r.BusySpans(&b, tc.lo*second, tc.hi*second), second); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestFaultyCounters counts readings that go back or repeat the one before, at
// their times: an edge belongs to what ends there.
func TestFaultyCounters(t *testing.T) {
	m := meter.Meter{Counter: series("0:1 10:1 20:5 30:5 40:5 50:2 60:2 70:1", joule), MaxPower: 5000 * watt}
	for _, tc := range []struct{ lo, hi, resets, hung int64 }{
		{0, 80, 2, 4}, {0, 10, 0, 1}, {10, 30, 0, 1}, {30, 50, 1, 1}, {50, 60, 0, 1}, {60, 70, 1, 0}, {70, 80, 0, 0}, {0, 5, 0, 0},
	} {
		r := meter.Reader{Limits: limits}
		if _, out := r.Spans(&m, tc.lo*second, tc.hi*second); out.Resets != tc.resets || out.Hung != tc.hung {
			t.Errorf("[%d, %d): got %d resets and %d hung, want %d and %d", tc.lo, tc.hi, out.Resets, out.Hung, tc.resets, tc.hung)
		}
	}
}
