package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// identity is what rows add up by.
type identity struct {
	fact.Key
	fact.Dimensions
}

// outcome is what an engine gave in all.
type outcome struct {
	Rows    map[identity]fact.Sums
	Outside [3]int64 // rejected, unplaced, inconsistent
	Late    int64
	TooOld  int64
}

func (o *outcome) add(t testing.TB, r *engine.Result) {
	if r.ResidualEnergy != 0 || r.ResidualMoney != 0 || r.ResidualTime != 0 {
		t.Errorf("residuals %d, %d, %d", r.ResidualEnergy, r.ResidualMoney, r.ResidualTime)
	}
	o.addRows(r.Rows)
	o.Outside[0] += r.RejectedEnergy
	o.Outside[1] += r.UnplacedEnergy
	o.Outside[2] += r.InconsistentEnergy
	o.Late += r.Counts[telemetry.Late]
	o.TooOld += r.Counts[telemetry.BeyondHorizon]
}

func (o *outcome) addRows(rows []fact.Row) {
	for i := range rows {
		id := identity{rows[i].Key, rows[i].Dimensions}
		sums := o.Rows[id]
		sums.Add(&rows[i].Sums)
		o.Rows[id] = sums
		if sums.Zero() {
			delete(o.Rows, id)
		}
	}
}

// deliver runs an engine over events, ending a step after one event of steps
// and going through a snapshot after one step of restarts; 0 is never.
func deliver(t testing.TB, cfg engine.Config, events []event, seed uint64, steps, restarts int) outcome {
	r := rand.New(rand.NewPCG(seed, 17))
	e, a := engine.New(cfg), &attic{t: t}
	o := outcome{Rows: map[identity]fact.Sums{}}
	closings := 1 + r.IntN(200)
	for i := range events {
		events[i].apply(e)
		if r.IntN(closings) == 0 {
			o.addRows(e.CloseWindows())
		}
		if steps == 0 || r.IntN(steps) != 0 {
			continue
		}
		o.add(t, e.EndStep())
		if restarts > 0 && r.IntN(restarts) == 0 {
			a.evict(e, 2000, 0)
			state := snapshot(t, e)
			e = restored(t, cfg, state)
			e.UseArchive(a)
			if again := snapshot(t, e); !bytes.Equal(bytes.Join(again, nil), bytes.Join(state, nil)) {
				t.Fatal("a restored engine's snapshot differs")
			}
		}
	}
	o.add(t, e.EndStep())
	return o
}

// patient is a configuration whose horizon takes in all of a short estate, so
// that its placements and rates may come at any time.
func patient() engine.Config {
	cfg := engine.DefaultConfig()
	cfg.Horizon = 90 * time.Minute
	return cfg
}

// TestDeliveryChangesNothing: order within the horizon, packing, duplicates,
// steps, restarts, and when placements and rates arrive change no sum.
func TestDeliveryChangesNothing(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		span, late, cfg := 75*60*second, true, patient()
		if seed%2 == 1 {
			span, late, cfg = 7*3600*second, false, engine.DefaultConfig() // state is trimmed on the way; placements beyond it are reconcile's
		}
		s := newEstate(seed, span)
		want := deliver(t, cfg, s.events(delivery{seed: seed, packs: 1000}), seed, 0, 0)
		for name, c := range map[string]struct {
			delivery
			steps, restarts int
		}{
			"steps":        {delivery{packs: 30}, 2, 0},
			"restarts":     {delivery{packs: 30}, 2, 3},
			"permutation":  {delivery{packs: 20, jitter: 900 * second}, 3, 0},
			"single":       {delivery{packs: 1, jitter: 100 * second}, 20, 0},
			"duplicates":   {delivery{packs: 20, duplicates: 3}, 3, 0},
			"late dims":    {delivery{packs: 20, dimsLate: late}, 3, 0},
			"all together": {delivery{packs: 20, jitter: 900 * second, duplicates: 5, dimsLate: late}, 3, 10},
		} {
			c.seed = seed
			got := deliver(t, cfg, s.events(c.delivery), seed, c.steps, c.restarts)
			if got.Late > 0 && c.duplicates == 0 || got.TooOld > 0 {
				t.Errorf("seed %d, %s: %d late, %d too old: the test means to have none", seed, name, got.Late, got.TooOld)
			}
			if diff := cmp.Diff(named(got), named(want)); diff != "" {
				t.Fatalf("seed %d, %s: got before want (-got +want):\n%s", seed, name, diff)
			}
		}
	}
}

// named makes an outcome readable where it differs.
func named(o outcome) map[string]string {
	out := map[string]string{"outside": fmt.Sprint(o.Outside)}
	for id, sums := range o.Rows {
		text := ""
		for c, v := range sums {
			if v != 0 {
				text += fmt.Sprintf(" %s=%s", fact.Columns[c].Name, amount(v, fact.Columns[c].Scale))
			}
		}
		out[fmt.Sprintf("@%d %s %s %s %s %s", (id.WindowStart-scriptStart)/second, id.Node, id.Device, id.Placement, id.State, id.Currency)] = text
	}
	return out
}

// TestClosedWindowsAreWhatIsKnown is the invariant of a step: at its end, the
// rows of windows that are out are those of an engine that got the same events
// in one step, whatever steps there were.
func TestClosedWindowsAreWhatIsKnown(t *testing.T) {
	for seed := range uint64(6) {
		s := newEstate(seed, 75*60*second)
		events := s.events(delivery{seed: seed, packs: 25, jitter: 800 * second, duplicates: 8, dimsLate: true})
		for cut := 1; cut < len(events); cut += 1 + len(events)/6 {
			want := deliver(t, patient(), events[:cut], seed, 0, 0)
			got := deliver(t, patient(), events[:cut], seed, 2, 7)
			// Idle nodes close at the ends of steps, so steps may close more.
			closed := latest(want)
			for id := range got.Rows {
				if id.WindowStart > closed[id.Node] {
					delete(got.Rows, id)
				}
			}
			if diff := cmp.Diff(got.Rows, want.Rows); diff != "" {
				t.Fatalf("seed %d, %d events: got before want (-got +want):\n%s", seed, cut, diff)
			}
		}
	}
}

func latest(o outcome) map[string]int64 {
	out := map[string]int64{}
	for id := range o.Rows {
		out[id.Node] = max(out[id.Node], id.WindowStart)
	}
	return out
}

// TestSkippedStepsReachTheSameState: recovery ends steps without their rows.
func TestSkippedStepsReachTheSameState(t *testing.T) {
	for seed := range uint64(12) {
		s := newEstate(seed, 4*3600*second)
		r := rand.New(rand.NewPCG(seed, 19))
		a, b := engine.New(engine.DefaultConfig()), engine.New(engine.DefaultConfig())
		closings, steps := 1+r.IntN(100), 1+r.IntN(300)
		for i, v := range s.events(delivery{seed: seed, packs: 30, jitter: 800 * second, duplicates: 9, dimsLate: true}) {
			v.apply(a)
			v.apply(b)
			if r.IntN(closings) == 0 {
				a.CloseWindows()
				b.SkipWindows()
			}
			if r.IntN(steps) > 0 {
				continue
			}
			a.EndStep()
			b.SkipStep()
			if !bytes.Equal(bytes.Join(snapshot(t, a), nil), bytes.Join(snapshot(t, b), nil)) {
				t.Fatalf("seed %d: after event %d the skipped state differs", seed, i)
			}
		}
	}
}

// TestStepsHaveOneOrder: the same step gives the same rows in the same order,
// whatever the order of Go's maps.
func TestStepsHaveOneOrder(t *testing.T) {
	s := newEstate(2, 75*60*second)
	events := s.events(delivery{seed: 2, packs: 50, dimsLate: true})
	var first []fact.Row
	for run := range 5 {
		e := engine.New(engine.DefaultConfig())
		var rows []fact.Row
		for i, v := range events {
			v.apply(e)
			if i%7 == 0 {
				rows = append(rows, e.EndStep().Rows...)
			}
		}
		if rows = append(rows, e.EndStep().Rows...); run == 0 {
			first = rows
		}
		if !slices.Equal(rows, first) {
			t.Fatal("two runs gave rows in different orders")
		}
	}
}

// TestDaysComeTogether: a part has rows of one day, so those of a step that closes windows
// about midnight come day by day, each once.
func TestDaysComeTogether(t *testing.T) {
	const day = 24 * 3600 * second
	midnight := scriptStart - scriptStart%day + day
	e := engine.New(engine.DefaultConfig())
	for _, node := range []string{"n", "m", "o"} {
		e.ApplyDevice(&telemetry.Device{Node: node, Kind: telemetry.KindWall})
		e.ApplyDevice(&telemetry.Device{Node: node, ID: "g", Kind: telemetry.KindGPU, Model: "H100"})
		b := record.SampleBatch{Node: node, TakenIn: midnight + 600*second, Axes: [][]int64{nil}}
		var watts []int64
		for at := midnight - 300*second; at <= midnight+300*second; at += 10 * second {
			b.Axes[0], watts = append(b.Axes[0], at), append(watts, 300_000_000)
		}
		b.Series = []record.SeriesColumn{{Device: "g", Metric: telemetry.PowerWatts, Values: record.ColumnOf(watts...)}}
		e.ApplySamples(&b)
		e.ApplySeal(record.Seal{Node: node})
	}
	rows := e.EndStep().Rows
	minutes, order := map[fact.Key]bool{}, []string(nil)
	for i := range rows {
		minutes[rows[i].Key] = true
		if part := fmt.Sprint(rows[i].Day()-midnight/day, " ", rows[i].Node); len(order) == 0 || order[len(order)-1] != part {
			order = append(order, part)
		}
	}
	if want := []string{"-1 n", "-1 m", "-1 o", "0 n", "0 m", "0 o"}; !slices.Equal(order, want) {
		t.Errorf("rows come as %q, want %q", order, want)
	}
	if len(rows) != len(minutes) || len(minutes) != 3*10 {
		t.Errorf("%d rows of %d keys", len(rows), len(minutes))
	}
}

// TestSilentNodesComeByName: nodes that fall silent together close together, in an order
// that a restart repeats.
func TestSilentNodesComeByName(t *testing.T) {
	for range 20 {
		e := engine.New(engine.DefaultConfig())
		for _, node := range strings.Split("rustvwxyz", "") {
			e.ApplyDevice(&telemetry.Device{Node: node, Kind: telemetry.KindWall})
			e.ApplyDevice(&telemetry.Device{Node: node, ID: "g", Kind: telemetry.KindGPU, Model: "H100"})
			for from := int64(0); from < 3600 && (from < 60 || node == "z"); from += 10 {
				powerOf(e, node, scriptStart+from*second, 10)
			}
		}
		var order []string
		rows := e.EndStep().Rows
		for i := range rows {
			if n := rows[i].Node; n != "z" && !slices.Contains(order, n) {
				order = append(order, n)
			}
		}
		if len(order) != 8 || !slices.IsSorted(order) {
			t.Fatalf("silent nodes come as %q", order)
		}
	}
}

// powerOf applies a record of a reading a second of the card g of a node.
func powerOf(e *engine.Engine, node string, from int64, n int) {
	b := record.SampleBatch{Node: node, TakenIn: from + 3600*second, Axes: [][]int64{nil}}
	watts := make([]int64, n)
	for i := range watts {
		b.Axes[0] = append(b.Axes[0], from+int64(i)*second)
	}
	b.Series = []record.SeriesColumn{{Device: "g", Metric: telemetry.PowerWatts, Values: record.ColumnOf(watts...)}}
	e.ApplySamples(&b)
}

// TestWatermarkOfPlainRecords: the last reading of a record moves it, not the first.
func TestWatermarkOfPlainRecords(t *testing.T) {
	e := oneCard()
	for k := range int64(3) {
		powerOf(e, "n", scriptStart+k*10*second, 10)
	}
	if got, want := e.EndStep().Watermark, scriptStart+29*second-30*second; got != want {
		t.Errorf("watermark %d, want %d", got, want)
	}
}

// TestCorrectionsAreSorted: those of a range are read by people, in whatever order they
// were found.
func TestCorrectionsAreSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var right, written []fact.Row
	for i := range 60 {
		row := fact.Row{Key: fact.Key{WindowStart: int64(i%4) * 60 * second, Node: string(rune('a' + i%5)), Device: string(rune('a' + i%3))}}
		row.Sums[fact.Energy] = int64(i + 1)
		if i%2 == 0 {
			right = append(right, row)
		} else {
			written = append(written, row)
		}
	}
	shuffle := func(rows []fact.Row) {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	shuffle(right)
	shuffle(written)
	got := engine.Difference(right, written)
	less := func(a, b fact.Row) int {
		if a.WindowStart != b.WindowStart {
			return int(a.WindowStart - b.WindowStart)
		}
		return strings.Compare(a.Node+" "+a.Device, b.Node+" "+b.Device)
	}
	if len(got) == 0 || !slices.IsSortedFunc(got, less) {
		t.Errorf("%d rows are not in order", len(got))
	}
}

// TestReachBeforeAnUnevenStride: a node was silent for more windows than a step packs one by
// one. What a late reading of its counter reaches begins before the last block, and is there.
func TestReachBeforeAnUnevenStride(t *testing.T) {
	at := func(seconds int64, m telemetry.Metric, v int64) telemetry.Reading {
		return telemetry.Reading{Device: "g", Metric: m, Time: scriptStart + seconds*second, Value: v}
	}
	for _, gap := range []int64{3960, 4020, 4080} {
		events := []event{
			{dim: telemetry.Device{Node: "n", Kind: telemetry.KindWall}}, {dim: telemetry.Device{Node: "n", ID: "g", Kind: telemetry.KindGPU}},
		}
		first := event{node: "n"}
		for s := int64(0); s <= 600; s += 60 {
			first.batch = append(first.batch, at(s, telemetry.Temperature, 1))
			if s < 600 {
				first.batch = append(first.batch, at(s+50, telemetry.EnergyJoules, (s+50)*100_000_000))
			}
		}
		first.batch = append(first.batch, at(630, telemetry.Temperature, 1))
		events = append(
			events, first,
			event{node: "n", batch: []telemetry.Reading{at(630+gap, telemetry.Temperature, 1)}},
			event{node: "n", batch: []telemetry.Reading{at(631+gap, telemetry.Temperature, 1)}},
			event{node: "n", batch: []telemetry.Reading{at(gap-250, telemetry.EnergyJoules, (gap-250)*100_000_000)}},
		)
		want, got := deliver(t, engine.DefaultConfig(), events, 1, 0, 0), deliver(t, engine.DefaultConfig(), events, 1, 1, 0)
		if got.TooOld != 0 || got.Late != 0 {
			t.Errorf("gap of %d s: %d late, %d beyond the horizon", gap, got.Late, got.TooOld)
		}
		if diff := cmp.Diff(named(got), named(want)); diff != "" {
			t.Errorf("gap of %d s (-got +want):\n%s", gap, diff)
		}
	}
}

// TestFarthestReach: the latest reading that is not late, of power at the end of
// the longest segment, reaches back over a hold into the longest bridge; what
// that takes is still there.
func TestFarthestReach(t *testing.T) {
	at := func(seconds int64, m telemetry.Metric, v int64) telemetry.Reading {
		return telemetry.Reading{Device: "g", Metric: m, Time: scriptStart + seconds*second, Value: v}
	}
	dims := []event{
		{dim: telemetry.Device{Node: "n", Kind: telemetry.KindWall}}, {dim: telemetry.Device{Node: "n", ID: "g", Kind: telemetry.KindGPU}},
	}
	first := event{node: "n", batch: []telemetry.Reading{
		at(-3600, telemetry.Temperature, 1), at(0, telemetry.EnergyJoules, 0), at(3590, telemetry.PowerWatts, 1_000_000),
		at(3600, telemetry.EnergyJoules, 3_600_000_000), at(4820, telemetry.Temperature, 1),
	}}
	late := event{node: "n", batch: []telemetry.Reading{at(3890, telemetry.PowerWatts, 1_000_000)}}
	all := append(slices.Clone(dims), first, late)
	want := deliver(t, engine.DefaultConfig(), all, 1, 0, 0)
	got := deliver(t, engine.DefaultConfig(), all, 1, 1, 1)
	if diff := cmp.Diff(named(got), named(want)); diff != "" || got.Late != 0 || got.TooOld != 0 {
		t.Errorf("%d late, %d too old; got before want (-got +want):\n%s", got.Late, got.TooOld, diff)
	}
}
