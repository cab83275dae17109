package report

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// checkAsOf refuses a time T of which the same question could get another
// answer later. T is settled for a task
//
//   - if its newest step in the ledger was recorded after T: the steps of a task
//     reach the ledger in their order, and their times never go back; or
//   - if its ledger has reached the ends of its inputs: no step is under way, and
//     a step of what comes later is recorded later.
//
// The second needs the input's ends, and takes the processors' clocks to agree.
// T newer than every step in the ledger is refused in any case.
func checkAsOf(ctx context.Context, from Source, q Query) error {
	if q.AsOf.IsZero() {
		return nil
	}
	steps, err := lastSteps(ctx, from.Store)
	if err != nil {
		return err
	}
	asked := q.AsOf.Format(time.RFC3339Nano)
	if len(steps) == 0 {
		return fmt.Errorf("as of %s: the ledger is empty", asked)
	}
	newest := slices.MaxFunc(slices.Collect(maps.Values(steps)), func(a, b lastStep) int { return a.recorded.Compare(b.recorded) }).recorded
	if q.AsOf.After(newest) {
		return fmt.Errorf("as of %s: the ledger ends at %s: use that or an earlier time", asked, newest.Format(time.RFC3339Nano))
	}
	ends, unknown := from.ends(ctx)
	for task := range ends {
		if _, known := steps[task]; !known {
			steps[task] = lastStep{}
		}
	}
	var errs []error
	for _, task := range slices.Sorted(maps.Keys(steps)) {
		step := steps[task]
		if step.recorded.After(q.AsOf) {
			continue
		}
		end, known := ends[task]
		switch {
		case known && step.reached(end):
		case unknown != nil:
			errs = append(errs, fmt.Errorf("task %d has recorded nothing after %s, and whether it still may cannot be told: %w", task, step.when(), unknown))
		case step.recorded.IsZero():
			errs = append(errs, fmt.Errorf("task %d has input and nothing in the ledger yet", task))
		default:
			errs = append(errs, fmt.Errorf("task %d has input that is not in the ledger yet; of it, times before %s are settled", task, step.when()))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("as of %s: a report could still change: %w", asked, errors.Join(errs...))
	}
	return nil
}

// lastStep is the newest step of a task in the ledger; zero: it has none.
type lastStep struct {
	recorded time.Time
	inputs   record.Offsets
}

func (s lastStep) when() string { return s.recorded.Format(time.RFC3339Nano) }

func (s lastStep) reached(end record.Offsets) bool {
	return s.inputs.Samples >= end.Samples && s.inputs.Placements >= end.Placements &&
		s.inputs.Inventory >= end.Inventory && s.inputs.Rates >= end.Rates &&
		s.inputs.Corrections >= end.Corrections
}

// lastSteps returns the newest step of each task. All its figures only grow.
func lastSteps(ctx context.Context, store textrow.Store) (map[int32]lastStep, error) {
	steps := map[int32]lastStep{}
	const query = `SELECT task, toUnixTimestamp64Milli(max(recorded_at)), max(samples_offset), max(placements_offset), max(inventory_offset), max(rates_offset), max(corrections_offset)
FROM ledger GROUP BY task`
	err := textrow.Each(ctx, store, query, nil, func(row []string) error {
		var n [7]int64
		for i := range n {
			var err error
			if n[i], err = strconv.ParseInt(row[i], 10, 64); err != nil {
				return err
			}
		}
		steps[int32(n[0])] = lastStep{
			recorded: time.UnixMilli(n[1]).UTC(),
			inputs:   record.Offsets{Samples: n[2], Placements: n[3], Inventory: n[4], Rates: n[5], Corrections: n[6]},
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return steps, nil
}
