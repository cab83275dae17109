package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// begin waits until the store holds what is in the topics now, begins the run in
// each task, and returns when the store holds all that was written up to there.
// Without the first wait everything that a processor has still before it would be
// taken for a difference. A dry run begins nothing.
func (r *run) begin(ctx context.Context, tasks []int32) error {
	goals, err := r.goals(ctx, tasks)
	if err != nil {
		return err
	}
	if err := r.await(ctx, goals); err != nil || r.cfg.DryRun {
		return err
	}
	begun := map[int32]record.Offsets{}
	for _, task := range tasks {
		offset, err := r.publish(ctx, task, record.TypeReconciliation, 0, nil)
		if err != nil {
			return err
		}
		r.begun[task] = offset
		begun[task] = record.Offsets{Corrections: offset + 1}
	}
	return r.await(ctx, begun)
}

// goals are the ends of the tasks' inputs. For a partition that holds nothing
// nobody commits an offset.
func (r *run) goals(ctx context.Context, tasks []int32) (map[int32]record.Offsets, error) {
	topics := []string{record.Samples, record.Placements, record.Inventory, record.Rates, record.Corrections}
	starts, err := kafka.StartOffsets(ctx, r.client, topics...)
	if err != nil {
		return nil, err
	}
	ends, err := kafka.EndOffsets(ctx, r.client, topics...)
	if err != nil {
		return nil, err
	}
	goal := func(topic string, partition int32) int64 {
		if end := ends[topic][partition]; end > starts[topic][partition] {
			return end
		}
		return 0
	}
	goals := map[int32]record.Offsets{}
	for _, task := range tasks {
		goals[task] = record.Offsets{
			Samples: goal(record.Samples, task), Placements: goal(record.Placements, task), Inventory: goal(record.Inventory, task),
			Rates: goal(record.Rates, 0), Corrections: goal(record.Corrections, task),
		}
	}
	return goals, nil
}

const (
	pollEvery = 100 * time.Millisecond
	pollMost  = time.Second
)

// await waits until the ledger has reached offsets of the tasks' inputs: then
// the store holds every row of the steps that used them.
func (r *run) await(ctx context.Context, want map[int32]record.Offsets) error {
	deadline := time.Now().Add(r.cfg.Wait)
	backoff := lifecycle.Backoff{Min: pollEvery, Max: pollMost}
	said := false
	for {
		have, err := reached(ctx, r.set.Store)
		if err != nil {
			return err
		}
		var behind []int32
		for _, task := range slices.Sorted(maps.Keys(want)) {
			if !atLeast(have[task], want[task]) {
				behind = append(behind, task)
			}
		}
		switch {
		case len(behind) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("after %v the store does not have what tasks %v have been given: do ntegral process and ntegral sink run? ntegral status tells; --wait waits longer", r.cfg.Wait, behind)
		case !said:
			r.progress("waiting until the store has what was written before")
			said = true
		}
		if err := lifecycle.Wait(ctx, backoff.Next()); err != nil {
			return err
		}
	}
}

func atLeast(have, want record.Offsets) bool {
	return have.Samples >= want.Samples && have.Placements >= want.Placements && have.Inventory >= want.Inventory &&
		have.Rates >= want.Rates && have.Corrections >= want.Corrections
}

// reached returns the inputs that the ledger has got to. They only grow.
func reached(ctx context.Context, store textrow.Store) (map[int32]record.Offsets, error) {
	tasks := map[int32]record.Offsets{}
	const query = `SELECT task, max(samples_offset), max(placements_offset), max(inventory_offset), max(rates_offset), max(corrections_offset)
FROM ledger GROUP BY task`
	err := textrow.Each(ctx, store, query, nil, func(row []string) error {
		n, err := parseInts(row)
		if err == nil {
			tasks[int32(n[0])] = record.Offsets{Samples: n[1], Placements: n[2], Inventory: n[3], Rates: n[4], Corrections: n[5]}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return tasks, nil
}

func parseInts(row []string) ([]int64, error) {
	out := make([]int64, len(row))
	var errs []error
	for i, text := range row {
		n, err := strconv.ParseInt(text, 10, 64)
		out[i], errs = n, append(errs, err)
	}
	return out, errors.Join(errs...)
}

// finish waits until all that was sent is in the store and accounts for it.
func (r *run) finish(ctx context.Context) error {
	want := map[int32]record.Offsets{}
	for task, to := range r.sent {
		want[task] = record.Offsets{Corrections: to.next}
	}
	if err := r.await(ctx, want); err != nil {
		return err
	}
	for _, task := range slices.Sorted(maps.Keys(r.sent)) {
		if err := r.account(ctx, task); err != nil {
			return fmt.Errorf("account for task %d: %w", task, err)
		}
	}
	return nil
}

// account holds what became of a task's rows against what was sent: the rows of
// its steps since the run began, and what those steps refused.
func (r *run) account(ctx context.Context, task int32) error {
	sent := r.sent[task].rows
	if refused, other, err := r.superseded(ctx, task); err != nil || other {
		r.report.Taken += sent - refused
		r.report.Lost += refused
		r.report.Superseded = r.report.Superseded || refused > 0
		return err
	}
	args := []any{
		clickhouse.Named("task", strconv.Itoa(int(task))),
		clickhouse.Named("begun", strconv.FormatInt(r.begun[task], 10)),
		clickhouse.Named("end", strconv.FormatInt(r.sent[task].next, 10)),
	}
	// Steps behind the one that took the record with which the run began, up to
	// the one that took its last record.
	steps := "task = {task:Int32} AND step > (SELECT min(step) FROM ledger WHERE task = {task:Int32} AND corrections_offset > {begun:Int64})" +
		" AND step <= (SELECT min(step) FROM ledger WHERE task = {task:Int32} AND corrections_offset >= {end:Int64})"
	row, err := textrow.One(ctx, r.set.Store, "SELECT count() FROM facts WHERE reason = 'reconciled' AND "+steps, args...)
	if err != nil {
		return err
	}
	taken, err := parseInts(row)
	if err != nil {
		return err
	}
	row, err = textrow.One(ctx, r.set.Store, fmt.Sprintf("SELECT sum(counts['%s']) FROM ledger WHERE %s", telemetry.TooNew, steps), args...)
	if err != nil {
		return err
	}
	refused, err := parseInts(row)
	if err != nil {
		return err
	}
	r.report.Taken += taken[0]
	r.report.TooNew += refused[0]
	r.report.Lost += sent - taken[0] - refused[0]
	return nil
}

// superseded reads whether another run began before this one had sent its last
// record to a task, and how many rows came after that.
func (r *run) superseded(ctx context.Context, task int32) (refused int64, other bool, err error) {
	sent := r.sent[task]
	err = r.readFrom(ctx, record.Corrections, task, r.begun[task], sent.next, func(rec *kgo.Record) error {
		headers := kafka.Headers(rec)
		if id, err := record.CorrectionIDOf(headers); err == nil && id.Sequence == 0 && id.Run != r.id {
			other = true
		}
		if other {
			refused += sent.records[rec.Offset]
		}
		return nil
	})
	return refused, other, err
}
