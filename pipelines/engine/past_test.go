package engine_test

import (
	"bytes"
	"fmt"
	"maps"
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

// live is an engine that runs, and what it has written.
type live struct {
	t      testing.TB
	cfg    engine.Config
	engine *engine.Engine
	outcome
	counts [telemetry.NumReasons]int64
}

func newLive(t testing.TB, cfg engine.Config) *live {
	return &live{t: t, cfg: cfg, engine: engine.New(cfg), outcome: outcome{Rows: map[identity]fact.Sums{}}}
}

// play applies events in steps, with a restart after some.
func (l *live) play(events []event, r *rand.Rand) {
	for i := range events {
		if events[i].apply(l.engine); r.IntN(3) == 0 {
			l.step()
		}
		if r.IntN(60) == 0 {
			l.step()
			l.engine = restored(l.t, l.cfg, snapshot(l.t, l.engine))
		}
	}
	l.step()
}

func (l *live) step() *engine.Result {
	result := l.engine.EndStep()
	l.add(l.t, result)
	for i, n := range result.Counts {
		l.counts[i] += n
	}
	return result
}

// written are the rows that the store adds up to in [from, to).
func (l *live) written(from, to int64) []fact.Row {
	var rows []fact.Row
	for id, sums := range l.Rows {
		if id.WindowStart >= from && id.WindowStart < to {
			rows = append(rows, fact.Row{Key: id.Key, Dimensions: id.Dimensions, Sums: sums})
		}
	}
	return rows
}

// pastOf feeds a stretch's past with events in the order of their arrival.
func pastOf(cfg engine.Config, events []event, from, to int64) *engine.Past {
	p := engine.NewPast(cfg, from, to)
	for kind := range 3 {
		for _, v := range events {
			switch d := v.dim.(type) {
			case telemetry.Rate:
				if kind == 0 {
					p.ApplyRate(&d)
				}
			case telemetry.Device:
				if kind == 1 {
					p.ApplyDevice(&d)
				}
			case telemetry.Placement:
				if kind == 2 {
					p.ApplyPlacement(&d)
				}
			}
		}
	}
	for _, v := range events {
		if v.dim == nil {
			p.ApplySamples(batchOf(v.node, telemetry.MaxTime, v.batch))
		}
	}
	return p
}

func rowsOf(t testing.TB, p *engine.Past, from, to int64) []fact.Row {
	rows, residual := p.Rows(from, to)
	if residual != [3]int64{} {
		t.Errorf("residuals %v", residual)
	}
	return rows
}

// reconcile does what a run of reconciliation does, in chunks of so many
// windows, and returns how many rows it sent. Meanwhile happens after the run
// has read, and before what it sends comes in.
func (l *live) reconcile(run string, events []event, from, to, chunk int64, meanwhile func()) (sent int) {
	l.engine.ApplyReconciliation(run)
	l.step()
	sequence := uint64(0)
	var corrections []engine.Correction
	for at := from; at < to; at += chunk {
		end := min(to, at+chunk)
		p := pastOf(l.cfg, events, at, end)
		written := slices.DeleteFunc(l.written(at, end), func(r fact.Row) bool { return r.WindowStart >= p.Until(r.Node) })
		rows := engine.Difference(rowsOf(l.t, p, at, end), written)
		for len(rows) > 0 {
			n := min(len(rows), 50)
			sequence++
			corrections = append(corrections, engine.Correction{Run: run, Sequence: sequence, Rows: rows[:n]})
			rows, sent = rows[n:], sent+n
		}
	}
	meanwhile()
	for i := range corrections {
		l.engine.ApplyCorrection(&corrections[i])
		l.engine.ApplyCorrection(&corrections[i]) // a producer may send it twice
	}
	l.step()
	return sent
}

// settledOnly is what of an outcome a correction may have put right.
func settledOnly(e *engine.Engine, rows map[identity]fact.Sums) map[string]string {
	some := maps.Clone(rows)
	maps.DeleteFunc(some, func(id identity, _ fact.Sums) bool { return id.WindowStart >= e.Settled(id.Node) })
	return named(outcome{Rows: some})
}

// unsettledOnly is what a correction may not have touched, of windows that the
// engine has let go of since.
func unsettledOnly(e *engine.Engine, rows map[identity]fact.Sums) map[string]string {
	some := maps.Clone(rows)
	maps.DeleteFunc(some, func(id identity, _ fact.Sums) bool {
		return id.WindowStart < e.Settled(id.Node) || id.WindowStart >= e.Floor(id.Node)
	})
	return named(outcome{Rows: some})
}

const windowNs = 60 * second

// TestReconcileMakesThePastWhole: readings later than the horizon, and rates,
// placements and devices at any time, leave an engine's rows short of the
// definitions; a run of reconciliation makes them equal to what an engine gives
// that got everything in perfect order. A second run changes nothing, and what
// comes meanwhile is not lost.
func TestReconcileMakesThePastWhole(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	whole := engine.DefaultConfig()
	whole.Horizon = 24 * time.Hour
	corrected := 0
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 23))
			span := 9 * 3600 * second
			s := newEstate(seed, span)
			events := s.events(delivery{seed: seed, packs: 20, jitter: 2 * 3600 * second, duplicates: 9, dimsLate: true})
			want := deliver(t, whole, s.events(delivery{seed: seed, packs: 1000}), seed, 0, 0)

			l := newLive(t, engine.DefaultConfig())
			cut, next := len(events)*2/3, len(events)*5/6
			twin := newLive(t, engine.DefaultConfig()) // is never reconciled
			for _, each := range []*live{l, twin} {
				each.play(events[:cut], rand.New(rand.NewPCG(seed, 29)))
			}
			from, to := scriptStart-3600*second, scriptStart+span
			to -= to % windowNs
			chunk := int64(30+r.IntN(200)) * windowNs
			nothing := func() {}
			corrected += l.reconcile("first", events[:cut], from, to, chunk, func() { l.play(events[cut:next], rand.New(rand.NewPCG(seed, 31))) })
			twin.step() // the same steps: how far a late placement acts is a matter of them
			twin.play(events[cut:next], rand.New(rand.NewPCG(seed, 31)))
			if diff := cmp.Diff(unsettledOnly(l.engine, l.Rows), unsettledOnly(l.engine, twin.Rows)); diff != "" {
				t.Fatalf("the run changed windows that the engine still wrote to meanwhile (-got +want):\n%s", diff)
			}
			l.play(events[next:], r)
			corrected += l.reconcile("second", events, from, to, chunk, nothing)
			if l.counts[telemetry.Late] == 0 {
				t.Error("the test means to have late readings")
			}
			if diff := cmp.Diff(settledOnly(l.engine, l.Rows), settledOnly(l.engine, want.Rows)); diff != "" {
				t.Fatalf("got before want (-got +want):\n%s", diff)
			}
			before, rows := l.counts, maps.Clone(l.Rows)
			sent := l.reconcile("third", events, from, to, chunk, nothing)
			if refused := l.counts[telemetry.TooNew] - before[telemetry.TooNew]; int64(sent) != refused || !maps.Equal(l.Rows, rows) {
				t.Errorf("another run: %d rows sent, %d refused, sums changed: %t", sent, refused, !maps.Equal(l.Rows, rows))
			}
		})
	}
	if corrected == 0 {
		t.Error("nothing was corrected")
	}
}

// TestPastIsSeamless: how a stretch is cut into chunks changes no row, so the
// margin is wide enough.
func TestPastIsSeamless(t *testing.T) {
	for seed := range uint64(8) {
		span := 7 * 3600 * second
		s := newEstate(seed, span)
		events := s.events(delivery{seed: seed, packs: 20})
		from, to := scriptStart-3600*second, scriptStart+span
		whole := rowsOf(t, pastOf(engine.DefaultConfig(), events, from, to), from, to)
		var parts []fact.Row
		for at := from; at < to; at += 17 * windowNs {
			end := min(to, at+17*windowNs)
			parts = append(parts, rowsOf(t, pastOf(engine.DefaultConfig(), events, at, end), at, end)...)
		}
		if rest := engine.Difference(whole, parts); len(rest) > 0 || len(whole) == 0 {
			t.Errorf("seed %d: %d of %d rows differ, the first %+v", seed, len(rest), len(whole), rest[0])
		}
	}
}

// TestCorrectionsThatAreNotTaken names what a correction must not write.
func TestCorrectionsThatAreNotTaken(t *testing.T) {
	e := engine.New(engine.DefaultConfig())
	wall := telemetry.Device{Node: "n", Kind: telemetry.KindWall}
	e.ApplyDevice(&wall)
	var batch []telemetry.Reading
	for i := range int64(360) {
		batch = append(batch, telemetry.Reading{Metric: telemetry.PowerWatts, Time: scriptStart + i*20*second, Value: 1_000_000})
	}
	e.ApplyReconciliation("before") // nothing is settled yet
	e.ApplySamples(batchOf("n", telemetry.MaxTime, batch))
	e.EndStep()
	row := func(node string, at, length int64) fact.Row {
		r := fact.Row{Key: fact.Key{WindowStart: at, WindowLength: length, Node: node}}
		r.Sums[fact.Energy] = 5
		return r
	}
	old := scriptStart + 600*second - scriptStart%windowNs
	take := func(run string, sequence uint64, rows ...fact.Row) (taken int, counts [telemetry.NumReasons]int64) {
		e.ApplyCorrection(&engine.Correction{Run: run, Sequence: sequence, Rows: rows})
		result := e.EndStep()
		for _, r := range result.Rows {
			if r.Reason == fact.ReasonReconciled {
				taken++
			}
		}
		return taken, result.Counts
	}
	if n, counts := take("before", 1, row("n", old, windowNs)); n != 0 || counts[telemetry.TooNew] != 1 {
		t.Errorf("a run that began before the window was settled: %d taken, %v", n, counts)
	}
	e.ApplyReconciliation("a")
	huge := row("n", old, windowNs)
	huge.Sums[fact.Energy] = 1 << 60
	named := row("n", old, windowNs)
	named.Workload = strings.Repeat("w", record.MaxName+1)
	for _, tt := range []struct {
		name     string
		run      string
		sequence uint64
		row      fact.Row
		taken    int
		reason   telemetry.Reason
	}{
		{"as it should be", "a", 1, row("n", old, windowNs), 1, telemetry.Accepted},
		{"the same record again", "a", 1, row("n", old, windowNs), 0, telemetry.Accepted},
		{"another run's", "b", 2, row("n", old, windowNs), 0, telemetry.Superseded},
		{"the run before", "before", 2, row("n", old, windowNs), 0, telemetry.Superseded},
		{"the last settled window", "a", 2, row("n", e.Settled("n")-windowNs, windowNs), 1, telemetry.Accepted},
		{"the first that is not", "a", 3, row("n", e.Settled("n"), windowNs), 0, telemetry.TooNew},
		{"a stranger", "a", 4, row("m", old, windowNs), 0, telemetry.UnknownNode},
		{"another window length", "a", 5, row("n", old, 2*windowNs), 0, telemetry.OutOfRange},
		{"no window edge", "a", 6, row("n", old+1, windowNs), 0, telemetry.OutOfRange},
		{"no figure of a window", "a", 7, huge, 0, telemetry.OutOfRange},
		{"no name", "a", 8, named, 0, telemetry.OutOfRange},
	} {
		taken, counts := take(tt.run, tt.sequence, tt.row)
		want := [telemetry.NumReasons]int64{}
		if tt.reason != telemetry.Accepted {
			want[tt.reason] = 1
		}
		if taken != tt.taken || counts != want {
			t.Errorf("%s: %d taken, counts %v; want %d, %v", tt.name, taken, counts, tt.taken, want)
		}
	}
	settled := e.Settled("n")
	e.ApplySamples(batchOf("n", telemetry.MaxTime, []telemetry.Reading{{Metric: telemetry.PowerWatts, Time: scriptStart + 10_000*second, Value: 1}}))
	e.EndStep() // the floor rises
	if n, counts := take("a", 9, row("n", settled, windowNs)); n != 0 || counts[telemetry.TooNew] != 1 {
		t.Errorf("a window that was settled only after the run began: %d taken, %v", n, counts)
	}
	e.ApplyReconciliation("a")
	if n, _ := take("a", 7, row("n", old, windowNs)); n != 0 {
		t.Error("the begin of a run that came twice let a record in twice")
	}
	state := snapshot(t, e)
	e = restored(t, engine.DefaultConfig(), state)
	if again := snapshot(t, e); !bytes.Equal(bytes.Join(again, nil), bytes.Join(state, nil)) {
		t.Error("a restored engine's snapshot differs")
	}
	if n, _ := take("a", 7, row("n", old, windowNs)); n != 0 {
		t.Error("a record came in twice over a restart")
	}
	if n, _ := take("a", 10, row("n", old, windowNs)); n != 1 {
		t.Error("a restart has forgotten the run")
	}
	e.ApplyCorrection(&engine.Correction{Run: "a", Sequence: 11, Rows: []fact.Row{row("n", old, windowNs)}})
	e.SkipStep()
	if n := len(e.EndStep().Rows); n != 0 {
		t.Errorf("%d rows of a skipped step", n)
	}
}

// TestHungCounterOfAnyAge: a counter that has hung since long before the stretch
// and then moves says what no window holds, though the reading before that move
// is near.
func TestHungCounterOfAnyAge(t *testing.T) {
	at := func(seconds, v int64) event {
		return event{node: "n", batch: []telemetry.Reading{{Device: "g", Metric: telemetry.EnergyJoules, Time: scriptStart + seconds*second, Value: v}}}
	}
	events := []event{
		{dim: telemetry.Device{Node: "n", Kind: telemetry.KindWall}},
		{dim: telemetry.Device{Node: "n", ID: "g", Kind: telemetry.KindGPU}},
		at(0, 5_000_000), at(17_000, 5_000_000), at(18_060, 905_000_000), at(20_000, 905_000_000),
	}
	from := scriptStart - scriptStart%windowNs + 18_000*second
	rows := rowsOf(t, pastOf(engine.DefaultConfig(), events, from, from+600*second), from, from+600*second)
	for _, r := range rows {
		if r.Sums[fact.Energy] != 0 {
			t.Errorf("it counts: %+v", r)
		}
	}
	if len(rows) == 0 {
		t.Error("no rows")
	}
}

// TestPowerLimitsOfAnyAge: which counter segments are plausible depends on the
// last power limit, however long ago it was read.
func TestPowerLimitsOfAnyAge(t *testing.T) {
	at := func(seconds int64, m telemetry.Metric, v int64) event {
		return event{node: "n", batch: []telemetry.Reading{{Device: "g", Metric: m, Time: scriptStart + seconds*second, Value: v}}}
	}
	const start = 10 * 3600
	events := []event{
		{dim: telemetry.Device{Node: "n", Kind: telemetry.KindWall}},
		{dim: telemetry.Device{Node: "n", ID: "g", Kind: telemetry.KindGPU}},
		at(0, telemetry.PowerLimit, 4_000_000_000), at(7, telemetry.PowerLimit, 100_000_000), at(5, telemetry.PowerLimit, 4_000_000_000),
	}
	for i := range int64(200) { // 1 kW, ten times the limit
		events = append(events, at(start+60*i, telemetry.EnergyJoules, 1+i*60_000_000_000))
	}
	from := scriptStart + start*second - scriptStart%windowNs + 3600*second
	rows := rowsOf(t, pastOf(engine.DefaultConfig(), events, from, from+600*second), from, from+600*second)
	for _, r := range rows {
		if r.Sums[fact.Energy] != 0 || r.Sums[fact.DeviceSeconds] == 0 {
			t.Fatalf("a segment above the limit counts: %+v", r)
		}
	}
	if len(rows) != 10 {
		t.Errorf("%d rows, want 10", len(rows))
	}
}
