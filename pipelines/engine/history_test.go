package engine

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// TestUnpackIsPackBackwards packs random readings at growing edges and takes
// them out again.
func TestUnpackIsPackBackwards(t *testing.T) {
	const second = int64(1_000_000_000)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 47))
		e := New(DefaultConfig())
		for _, id := range []string{"", "a", "b"} {
			kind := telemetry.KindGPU
			if id == "" {
				kind = telemetry.KindWall
			}
			e.ApplyDevice(&telemetry.Device{Node: "n", ID: id, Kind: kind})
		}
		n := e.nodes["n"]
		n.activity["a/p"], n.activity["b/q"] = &meter.Busy{}, &meter.Busy{}
		n.countersOf("")
		n.countersOf("a/p")
		type readings struct{ times, values []int64 }
		want := map[*meter.Series]readings{}
		scales := []int64{1, 1000, 10_000, 7_000_000, 300_000_007, 1 << 33}
		for _, s := range seriesOf(n) {
			scale, step := scales[r.IntN(len(scales))], 1+r.Int64N(40)
			for at := r.Int64N(60); at < 1800; at += step {
				if r.IntN(10) > 0 {
					s.Add(at*second+r.Int64N(2), scale*(at+r.Int64N(3)))
				}
				if r.IntN(80) == 0 {
					at += r.Int64N(900)
				}
			}
			want[s] = readings{slices.Clone(s.Times), s.Values.All()}
		}
		for n.emitted = 0; n.emitted < 1700*second; n.emitted += e.cfg.window * (1 + r.Int64N(3)*r.Int64N(200)) {
			e.pack(n, false)
		}
		for _, s := range seriesOf(n) {
			if packed := begins(s) != want[s].times[0]; packed && n.tail < begins(s) {
				t.Fatalf("seed %d: a series begins at %d, which is after the tail %d", seed, s.Times[0], n.tail)
			}
		}
		n.needWindows(never)
		for s, w := range want {
			if !slices.Equal(s.Times, w.times) || !slices.Equal(s.Values.All(), w.values) {
				t.Fatalf("seed %d: got back %v, want %v", seed, *s, w)
			}
		}
		if n.tail != never || len(n.history) != 0 {
			t.Fatalf("seed %d: tail %d and %d blocks are left", seed, n.tail, len(n.history))
		}
	}
}

// TestStepsEndPacked: what the closings within a step leave is packed when it ends.
func TestStepsEndPacked(t *testing.T) {
	const second = int64(1_000_000_000)
	for _, skip := range []bool{false, true} {
		postponed := 0
		e := New(DefaultConfig())
		e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
		e.ApplyDevice(&telemetry.Device{Node: "n", ID: "a", Kind: telemetry.KindGPU})
		n := e.nodes["n"]
		const begin = 1_757_941_200 * second
		for at := begin; at < begin+3600*second; at += 600 * second {
			b := record.SampleBatch{Node: "n", TakenIn: at + 600*second, Axes: [][]int64{nil}, Series: []record.SeriesColumn{{Device: "a", Metric: telemetry.PowerWatts}}}
			var values []int64
			for s := range int64(60) {
				b.Axes[0], values = append(b.Axes[0], at+s*10*second), append(values, s)
			}
			b.Series[0].Values = record.ColumnOf(values...)
			e.ApplySamples(&b)
			if skip {
				e.SkipWindows()
			} else {
				e.CloseWindows()
			}
			postponed += len(e.postponed)
		}
		if skip {
			e.SkipStep()
		} else {
			e.EndStep()
		}
		if n.packedTo() != n.emitted || postponed == 0 || n.postponed || len(e.postponed) != 0 {
			t.Errorf("skip %t: packed to %d of %d, postponed %d times", skip, n.packedTo(), n.emitted, postponed)
		}
	}
}

// TestForgottenReachesNoFurther: what looks ahead to trim says as far back as events can
// reach, where that is before what is packed, too, and whole strides where it is within.
func TestForgottenReachesNoFurther(t *testing.T) {
	const second, minute = int64(1_000_000_000), int64(60_000_000_000)
	e := New(DefaultConfig())
	e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
	e.ApplyDevice(&telemetry.Device{Node: "n", ID: "a", Kind: telemetry.KindGPU})
	n := e.nodes["n"]
	r := &n.devices["a"].Readings
	for at := int64(0); at <= 200*60; at += 10 {
		r.Power.Add(at*second, 100)
	}
	for _, at := range []int64{0, 60, 122, 195} { // the third segment reaches over the oldest event
		r.Counter.Add(at*minute, at)
	}
	n.islands = []attribution.Interval{{From: 0, To: 200 * minute}}
	n.newest, n.emitted = 190*minute+30*second, 190*minute
	for from := 120 * minute; from < 130*minute; from += minute {
		for _, stride := range []int64{minute, 2 * minute, 3 * minute, 7 * minute} {
			decides, gone := e.forgotten(n, from, stride)
			if oldest := 175 * minute; decides > oldest || decides <= oldest-stride || (decides-from)%stride != 0 {
				t.Fatalf("from %d by %d: the block at %d decides", from/minute, stride/minute, decides/minute)
			}
			reach := e.floor(e.reachable(n, decides))
			if want := max(reach, from) - (max(reach, from)-from)%stride; gone > reach || gone < min(reach, want) {
				t.Errorf("from %d by %d: gone to %d of %d", from/minute, stride/minute, gone/minute, reach/minute)
			}
			if gone > from && (gone-from)%stride != 0 {
				t.Errorf("from %d by %d: gone to %d, within a block", from/minute, stride/minute, gone/minute)
			}
		}
	}
}

func seriesOf(n *node) (all []*meter.Series) {
	for _, d := range n.inOrder() {
		for _, s := range deviceSeries(d) {
			all = append(all, s)
		}
	}
	for _, key := range sortedKeys(n.activity) {
		for _, s := range n.activity[key].Series() {
			all = append(all, s)
		}
	}
	for _, key := range sortedKeys(n.counters) {
		for _, s := range n.counters[key].Series() {
			all = append(all, s)
		}
	}
	return all
}

func begins(s *meter.Series) int64 {
	if len(s.Times) == 0 {
		return never
	}
	return s.Times[0]
}

// FuzzBlock: no block panics, also where its node takes it, or gives columns of
// different lengths.
func FuzzBlock(f *testing.F) {
	seeds := [][]byte{
		{2, 2, 0, 1, 0, 1, 0},        // power
		{1, 4, 2, 0, 1, 14, 2, 1, 3}, // energy
		{0, 1, 'x', 7, 4, 2, 0, 1, 2, 2, 1, 0, 0, 0, 15, 5, 1, 4, 3, 1, 2, 3, 4, 5, 6}, // activity, another ratio of it at equal times
	}
	for _, seed := range seeds {
		if !new(unpacker).each(seed, func(string, int, int, []int64, []int64) bool { return true }) {
			f.Fatalf("%v is no block", seed)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := New(DefaultConfig())
		e.ApplyDevice(&telemetry.Device{Node: "n", Kind: telemetry.KindWall})
		e.ApplyDevice(&telemetry.Device{Node: "n", ID: "a", Kind: telemetry.KindGPU})
		if n := e.nodes["n"]; n.fitsBlock(new(unpacker), data) {
			n.unpack(data)
		}
		readings := 0
		new(unpacker).each(data, func(key string, place, kind int, times, values []int64) bool {
			if len(times) != len(values) || place < 0 || kind < 0 || kind >= numKinds {
				t.Fatalf("place %d, kind %d: %d times, %d values", place, kind, len(times), len(values))
			}
			readings += len(values)
			return true
		})
		if readings > len(data) {
			t.Fatalf("%d readings out of %d bytes", readings, len(data))
		}
	})
}

// TestForgottenBlocksAreMissed: a block whose readings were let go of, because it
// was to be forgotten, is not taken for one without readings.
func TestForgottenBlocksAreMissed(t *testing.T) {
	v := vault{}
	if data := v.open(&block{edge: 60, data: []byte{}}); data == nil || v.err != nil {
		t.Errorf("a block without readings gives %v, %v", data, v.err)
	}
	if v.open(&block{edge: 60}); !errors.Is(v.err, ErrState) {
		t.Errorf("got %v, want %v", v.err, ErrState)
	}
}
