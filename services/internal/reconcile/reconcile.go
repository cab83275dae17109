// Package reconcile puts right what came too late for the processor to restate
// by itself: readings behind the horizon, and rates, placements and inventory
// that act on windows which the engine has let go of.
//
// Words. The past is what the definitions give for a stretch of windows and all
// events that stand in the topics now (engine.Past). A difference is what must
// be added to the rows in the store so that they add up to the past. A run
// computes the differences of a range, task by task, and sends them as records
// of ntegral.corrections.v1; the processor, which stays the only writer of
// facts, passes their rows into a step. Its windows are settled: no event makes
// the processor restate them.
//
// Invariants.
//   - A run first publishes a record that begins it, and reads the store only
//     when the ledger has a step that took it. The processor takes corrections
//     of windows only that were settled at that step, so no row of theirs can
//     have been written since by anybody but the run (engine/correct.go).
//   - Of several runs the last one begun counts; what the others still send is
//     refused, counted, and reported by them.
//   - What was read stays read: windows of which readings may have been deleted
//     from the samples topic are left alone (kept.go), and so are windows of
//     which the store holds measurements and the topic none.
//   - A run that dies has corrected a part, rightly; another one does the rest.
//     A run over what is in order sends nothing.
//
// One run is one goroutine. It holds the readings of one task and chunk in
// memory, 16 bytes each, and the rows of half an hour of windows.
package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// Config is what to reconcile.
type Config struct {
	From, To time.Time
	Tasks    []int32       // empty: all
	DryRun   bool          // say what would change, and change nothing
	Chunk    time.Duration // of windows that are computed at once
	Wait     time.Duration // how long processor and sink may take
}

// DefaultConfig returns what the command's flags default to.
func DefaultConfig() Config { return Config{Chunk: 6 * time.Hour, Wait: 2 * time.Minute} }

// maxRange bounds what one run does: more than samples are kept.
const maxRange = 366 * 24 * time.Hour

// Validate lists everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	switch {
	case c.From.IsZero() || c.To.IsZero():
		errs = append(errs, errors.New("give --from and --to, such as 2026-09-15T13:00:00Z"))
	case !c.From.Before(c.To):
		errs = append(errs, fmt.Errorf("from %s is not before to %s", c.From.Format(time.RFC3339), c.To.Format(time.RFC3339)))
	case c.To.Sub(c.From) > maxRange:
		errs = append(errs, fmt.Errorf("from %s to %s: at most %v", c.From.Format(time.RFC3339), c.To.Format(time.RFC3339), maxRange))
	}
	if c.Chunk < 15*time.Minute || c.Chunk > 7*24*time.Hour {
		errs = append(errs, fmt.Errorf("chunk %v: use 15m to 168h", c.Chunk))
	}
	if c.Wait <= 0 {
		errs = append(errs, fmt.Errorf("wait %v: more than 0", c.Wait))
	}
	return errors.Join(errs...)
}

// Settings are what the caller provides.
type Settings struct {
	Kafka    kafka.Config
	Store    textrow.Store
	Engine   engine.Config // as the processors are set
	Logger   *slog.Logger  // nil discards
	Progress io.Writer     // lines for whoever waits; nil discards
}

// run is one run.
type run struct {
	cfg     Config
	set     Settings
	id      string
	client  *kgo.Client
	builder *fact.Builder
	inputs  *inputs
	report  *Report

	begun     map[int32]int64 // offset of the record that began the run, by task
	sent      map[int32]*sentTo
	sequence  map[int32]uint64 // of the last record, by task
	maxKept   int              // readings in memory
	perRecord int              // rows that a record is tried with
}

// Run reconciles and returns what it found and did.
func Run(ctx context.Context, cfg Config, set Settings) (*Report, error) {
	if err := errors.Join(cfg.Validate(), set.Engine.Validate()); err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("reconcile: %w", err))
	}
	if set.Logger == nil {
		set.Logger = slog.New(slog.DiscardHandler)
	}
	if set.Progress == nil {
		set.Progress = io.Discard
	}
	r, err := newRun(cfg, set)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.run(ctx); err != nil {
		return nil, fmt.Errorf("reconcile: %w", err)
	}
	return r.report, nil
}

func newRun(cfg Config, set Settings) (*run, error) {
	client, err := kafka.NewClient(set.Kafka, set.Logger, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, err
	}
	return &run{
		cfg: cfg, set: set, id: rand.Text(), client: client, builder: fact.NewBuilder(),
		begun: map[int32]int64{}, sent: map[int32]*sentTo{}, sequence: map[int32]uint64{}, maxKept: maxKept, perRecord: guessedRows,
		report: newReport(cfg.DryRun),
	}, nil
}

func (r *run) close() { r.client.Close() }

func (r *run) run(ctx context.Context) error {
	tasks, err := r.tasks(ctx)
	if err != nil {
		return err
	}
	if err := r.checkDefinitions(ctx, tasks); err != nil {
		return err
	}
	if err := r.begin(ctx, tasks); err != nil {
		return err
	}
	return r.work(ctx, tasks)
}

// work does what follows the begin.
func (r *run) work(ctx context.Context, tasks []int32) (err error) {
	if r.inputs, err = r.openInputs(ctx); err != nil {
		return err
	}
	window := r.set.Engine.Window.Nanoseconds()
	from, to := floorTo(r.cfg.From.UnixNano(), window), floorTo(r.cfg.To.UnixNano()+window-1, window)
	r.report.From, r.report.To = time.Unix(0, from).UTC(), time.Unix(0, to).UTC()
	if !r.report.From.Equal(r.cfg.From) || !r.report.To.Equal(r.cfg.To) {
		r.progress("windows are whole: reconciling from %s to %s", clock(from), clock(to))
	}
	for _, task := range tasks {
		if err := r.task(ctx, task, from, to); err != nil {
			return fmt.Errorf("task %d: %w", task, err)
		}
	}
	if r.cfg.DryRun {
		return nil
	}
	return r.finish(ctx)
}

// task reconciles the windows of one task.
func (r *run) task(ctx context.Context, task int32, from, to int64) error {
	kept, err := r.kept(ctx, task)
	if err != nil {
		return err
	}
	r.report.Kept = append(r.report.Kept, kept)
	asked := from
	if from, to = kept.covers(from, to); from > asked {
		r.report.Clipped = true
		r.progress("task %d: %s", task, kept)
	}
	if from >= to {
		return nil
	}
	if r.inputs.samplesEnd[task] == kept.Start {
		return nil // never had a reading
	}
	dims, err := r.readDimensions(ctx, task)
	if err != nil {
		return err
	}
	chunk := floorTo(r.cfg.Chunk.Nanoseconds(), r.set.Engine.Window.Nanoseconds())
	for at := from; at < to; {
		end := min(to, at+chunk)
		r.progress("task %d: %s to %s", task, clock(at), clock(end))
		past, err := r.readPast(ctx, task, kept.Start, dims, at, end)
		if err != nil {
			return err
		}
		first, last, ok := r.span(past, dims)
		if !ok {
			return nil
		}
		to = min(to, last)
		if first >= end {
			at = first // there never was anything before
			continue
		}
		if err := r.compare(ctx, task, past, at, end); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// span returns the window edges between which a task can have facts: a wide
// range is not worth a pass over the samples for each of its empty chunks.
func (r *run) span(past *engine.Past, d dimensions) (from, to int64, ok bool) {
	window := r.set.Engine.Window.Nanoseconds()
	first, last, ok := past.Span()
	for i := range d.placements {
		first = min(first, d.placements[i].Start)
	}
	return floorTo(first, window) - window, floorTo(last, window) + window, ok
}

// slice is how many windows are held in memory as rows.
const slice = 30

// compare finds the differences of a chunk and sends them.
func (r *run) compare(ctx context.Context, task int32, past *engine.Past, from, to int64) error {
	step := slice * r.set.Engine.Window.Nanoseconds()
	for at := from; at < to; at += step {
		end := min(to, at+step)
		right, residual := past.Rows(at, end)
		if residual != [3]int64{} {
			return lifecycle.Permanent(fmt.Errorf("compute windows from %s: parts and wholes differ by %d uJ, %d nano-units, %d ns: nothing is changed by figures that do not add up",
				clock(at), residual[0], residual[1], residual[2]))
		}
		written, err := readWritten(ctx, r.set.Store, task, at, end)
		if err != nil {
			return err
		}
		written = slices.DeleteFunc(written, func(row fact.Row) bool { return row.WindowStart >= past.Until(row.Node) })
		written, gone := withReadings(right, written)
		r.report.Gone += gone
		rows := engine.Difference(right, written)
		r.report.add(rows)
		if r.cfg.DryRun {
			continue
		}
		if err := r.send(ctx, task, rows); err != nil {
			return err
		}
	}
	return nil
}

// withReadings leaves out windows that the store has measured and of which the
// past holds nothing at all: a reading is never taken back, so it is the topic
// that has lost them. It returns how many there are.
func withReadings(right, written []fact.Row) (kept []fact.Row, gone int) {
	type nodeWindow struct {
		node string
		at   int64
	}
	known := map[nodeWindow]bool{}
	for i := range right {
		known[nodeWindow{right[i].Node, right[i].WindowStart}] = true
	}
	lost := map[nodeWindow]bool{}
	for i := range written {
		row := &written[i]
		id := nodeWindow{row.Node, row.WindowStart}
		if !known[id] && (row.Sums[fact.CoveredSeconds] != 0 || row.Sums[fact.KnownSeconds] != 0 || row.Sums[fact.Energy] != 0) {
			lost[id] = true
		}
	}
	if len(lost) == 0 {
		return written, 0
	}
	return slices.DeleteFunc(written, func(row fact.Row) bool { return lost[nodeWindow{row.Node, row.WindowStart}] }), len(lost)
}

// tasks checks the topics and returns the tasks that are asked for.
func (r *run) tasks(ctx context.Context) ([]int32, error) {
	n, err := kafka.CheckCoPartitioned(ctx, r.client, record.Samples, record.Placements, record.Inventory, record.Facts, record.State, record.Corrections)
	if err != nil {
		return nil, fmt.Errorf("%w (ntegral process makes the topics: has one of this version run?)", err)
	}
	all := map[int32]bool{}
	for _, task := range r.cfg.Tasks {
		if task < 0 || int(task) >= n {
			return nil, lifecycle.Permanent(fmt.Errorf("there is no task %d: the system has 0 to %d", task, n-1))
		}
		all[task] = true
	}
	if len(all) == 0 {
		for task := range int32(n) {
			all[task] = true
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

func (r *run) progress(format string, args ...any) {
	_, _ = fmt.Fprintf(r.set.Progress, format+"\n", args...) // nobody may be listening
}

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }

func floorTo(t, step int64) int64 { return t - ((t%step)+step)%step }
