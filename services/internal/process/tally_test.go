package process

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// tally is a core that adds up whatever it gets, twice if it gets it twice, and
// keeps a digest of the order in which it got it. A commit carries the digest
// as its unplaced energy.
type tally struct {
	state tallyState
	rows  map[fact.Key]fact.Sums
	res   engine.Result
}

type tallyState struct {
	Digest uint64
	Step   uint64
	Pad    []byte // makes checkpoints of several chunks
}

type tallyFactory struct{ pad int }

// CloseAfter is some of the tests' records.
func (tallyFactory) CloseAfter() int { return 1000 }

func (f tallyFactory) New() core {
	return &tally{state: tallyState{Pad: make([]byte, f.pad)}, rows: map[fact.Key]fact.Sums{}}
}

func (f tallyFactory) Restore(next func() ([]byte, error)) (core, error) {
	var all []byte
	for {
		chunk, err := next()
		if err != nil {
			return nil, err
		}
		if len(chunk) == 0 {
			break
		}
		all = append(all, chunk...)
	}
	t := &tally{rows: map[fact.Key]fact.Sums{}}
	return t, json.Unmarshal(all, &t.state)
}

func (t *tally) note(kind string, of ...any) {
	h := fnv.New64a()
	fmt.Fprintln(h, append([]any{t.state.Digest, kind}, of...)...)
	t.state.Digest = h.Sum64()
}

func (t *tally) add(k fact.Key, column fact.Column, v int64) {
	k.WindowLength = nsPerDay
	sums := t.rows[k]
	sums[column] += v
	t.rows[k] = sums
}

func (t *tally) ApplyRate(r *telemetry.Rate)     { t.note("rate", *r) }
func (t *tally) ApplyDevice(d *telemetry.Device) { t.note("device", *d) }

func (t *tally) ApplyPlacement(p *telemetry.Placement) {
	t.note("placement", *p)
	t.add(fact.Key{Node: p.Node, Placement: p.ID}, fact.DeviceSeconds, 1)
}

func (t *tally) ApplyReconciliation(run string) { t.note("reconciliation", run) }

func (t *tally) ApplyCorrection(c *engine.Correction) {
	t.note("correction", c.Run, c.Sequence, len(c.Rows))
	for i := range c.Rows {
		t.add(c.Rows[i].Key, fact.Energy, c.Rows[i].Sums[fact.Energy])
	}
}

func (t *tally) ApplySamples(b *record.SampleBatch) {
	t.note("samples", b.Node, b.TakenIn)
	for _, c := range b.Series {
		for i, v := range c.Values.AppendTo(nil) {
			at := b.Axes[c.Axis][i]
			t.add(fact.Key{WindowStart: at - at%nsPerDay, Node: b.Node, Device: c.Device}, fact.Energy, v)
			t.res.Readings++
			t.res.Watermark = max(t.res.Watermark, at)
		}
	}
}

func (t *tally) ApplySeal(s record.Seal) {
	t.note("seal", s)
	t.res.Letters = append(t.res.Letters, engine.Letter{Reason: telemetry.Late, Node: s.Node, Detail: "sealed", Count: 1})
}

func (t *tally) Pending() bool { return false }

func (t *tally) CloseWindows() []fact.Row {
	t.note("close")
	return t.takeRows()
}

func (t *tally) SkipWindows() {
	t.note("close")
	clear(t.rows)
}

func (t *tally) takeRows() (rows []fact.Row) {
	for k, s := range t.rows {
		rows = append(rows, fact.Row{Key: k, Sums: s, Origin: fact.Origin{Reason: fact.ReasonClosed}})
	}
	slices.SortFunc(rows, func(a, b fact.Row) int {
		return cmp.Or(cmp.Compare(a.WindowStart, b.WindowStart), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Placement, b.Placement))
	})
	clear(t.rows)
	return rows
}

func (t *tally) SkipStep() {
	t.state.Step++
	t.note("end")
	clear(t.rows)
	t.res = engine.Result{Watermark: t.res.Watermark}
}

func (t *tally) EndStep() *engine.Result {
	out := t.res
	out.Rows = t.takeRows()
	t.SkipStep()
	out.UnplacedEnergy = int64(t.state.Digest)
	return &out
}

func (t *tally) Snapshot(chunkBytes int, emit func([]byte) error) error {
	all, err := json.Marshal(t.state)
	if err != nil {
		return err
	}
	for len(all) > 0 {
		n := min(len(all), chunkBytes)
		if err := emit(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (t *tally) UseArchive(engine.Archive) {}

func (t *tally) Packed() int { return 0 }

func (t *tally) Evict(limit int, carry int64, put func([]byte) error) (*engine.Eviction, error) {
	return engine.New(engine.DefaultConfig()).Evict(limit, carry, put) // nothing
}

func (t *tally) OldestPlace() (offset int64, ok bool) { return 0, false }

func (t *tally) Err() error { return nil }
