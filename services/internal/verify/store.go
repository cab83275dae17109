package verify

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

func parseUint(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }

func formatDecimal(v int64, scale int) string { return unit.FormatDecimal(v, scale) }

// readLedger returns the ledger's rows by step; a step with several rows was
// written several times.
func readLedger(ctx context.Context, store textrow.Store) (map[Step][]held, error) {
	query := "SELECT task, epoch, step, rows, parts, log_offset, toUnixTimestamp64Milli(recorded_at), " +
		"arrayStringConcat(arrayMap(p -> toString(p), refused_parts), ','), " + sumColumns("%s") + " FROM ledger"
	ledger := map[Step][]held{}
	err := textrow.Each(ctx, store, query, nil, func(row []string) error {
		id, err := parseStep(row)
		if err != nil {
			return err
		}
		rows, err1 := parseUint(row[3])
		parts, err2 := strconv.ParseUint(row[4], 10, 32)
		offset, err3 := strconv.ParseInt(row[5], 10, 64)
		at, err4 := strconv.ParseInt(row[6], 10, 64)
		sums, err5 := canonical(row[8:])
		ledger[id] = append(ledger[id], held{rows: rows, parts: uint32(parts), offset: offset, recordedAt: at, refused: row[7], sums: sums})
		return errors.Join(err1, err2, err3, err4, err5)
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return ledger, nil
}

// tableStep is what the table holds of a step.
type tableStep struct {
	held
	// lastRecordedAt differs from recordedAt, the first, in a table that
	// somebody has changed.
	lastRecordedAt int64
}

func readTable(ctx context.Context, store textrow.Store) (map[Step]tableStep, error) {
	query := "SELECT task, epoch, step, count(), toUnixTimestamp64Milli(min(recorded_at)), toUnixTimestamp64Milli(max(recorded_at)), " +
		sumColumns("sum(%s)") + " FROM facts GROUP BY task, epoch, step"
	table := map[Step]tableStep{}
	err := textrow.Each(ctx, store, query, nil, func(row []string) error {
		id, err := parseStep(row)
		if err != nil {
			return err
		}
		rows, err1 := parseUint(row[3])
		first, err2 := strconv.ParseInt(row[4], 10, 64)
		last, err3 := strconv.ParseInt(row[5], 10, 64)
		sums, err4 := canonical(row[6:])
		table[id] = tableStep{held: held{rows: rows, recordedAt: first, sums: sums}, lastRecordedAt: last}
		return errors.Join(err1, err2, err3, err4)
	})
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	return table, nil
}

func parseStep(row []string) (Step, error) {
	task, err1 := strconv.ParseInt(row[0], 10, 32)
	epoch, err2 := parseUint(row[1])
	step, err3 := parseUint(row[2])
	return Step{Task: int32(task), Epoch: epoch, Step: step}, errors.Join(err1, err2, err3)
}
