package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// resume returns where a task's log has to be read on: behind the commit of
// the ledger's last step. Who owned that epoch does not matter any more: of the
// opens of one epoch only the first counts, and that stands before the commit.
func resume(ctx context.Context, store Store, task int32) (commitlog.Position, error) {
	var at commitlog.Position
	query := "SELECT epoch, step, log_offset FROM ledger WHERE task = " + strconv.Itoa(int(task)) + " ORDER BY step DESC, epoch DESC LIMIT 1"
	err := textrow.Each(ctx, store, query, nil, func(row []string) (err error) {
		if at.Epoch, err = strconv.ParseUint(row[0], 10, 64); err != nil {
			return err
		}
		if at.Step, err = strconv.ParseUint(row[1], 10, 64); err != nil {
			return err
		}
		offset, err := strconv.ParseInt(row[2], 10, 64)
		at.Next = offset + 1
		return err
	})
	if err != nil {
		return commitlog.Position{}, fmt.Errorf("read ledger: %w", err)
	}
	return at, nil
}

// ledgerToken names the ledger row of a step.
func ledgerToken(c *record.Commit) string {
	return fmt.Sprintf("%d/%d/%d/ledger", c.Task, c.Epoch, c.Step)
}

// ledgerRow encodes the ledger row of a step as JSONEachRow. Decimals are
// strings, so that no float comes between.
func ledgerRow(step *commitlog.Step, refused []uint32) []byte {
	c := &step.Commit
	counts := map[string]int64{}
	for i, n := range c.Counts {
		if n != 0 {
			counts[reasonName(i)] += n
		}
	}
	row := map[string]any{
		"task": c.Task, "epoch": c.Epoch, "step": c.Step, "parts": c.Parts, "rows": c.Rows,
		"recorded_at":    unit.FormatDecimal(c.RecordedAt/1e6, 3),
		"log_offset":     step.Offset,
		"samples_offset": c.Inputs.Samples, "placements_offset": c.Inputs.Placements,
		"inventory_offset": c.Inputs.Inventory, "rates_offset": c.Inputs.Rates,
		"readings": c.Readings, "duplicates": c.Duplicates,
		"watermark":          unit.FormatDecimal(c.Watermark, unit.TimeScale),
		"counts":             counts,
		"rejected_j":         unit.FormatDecimal(c.RejectedEnergy, unit.EnergyScale),
		"unplaced_j":         unit.FormatDecimal(c.UnplacedEnergy, unit.EnergyScale),
		"inconsistent_j":     unit.FormatDecimal(c.InconsistentEnergy, unit.EnergyScale),
		"residual_energy_uj": c.ResidualEnergy, "residual_nano": c.ResidualMoney, "residual_ns": c.ResidualTime,
		"refused_parts": append([]uint32{}, refused...),
	}
	for i, column := range fact.Columns {
		v := int64(0)
		if i < len(c.Sums) {
			v = c.Sums[i]
		}
		row[column.Name] = unit.FormatDecimal(v, column.Scale)
	}
	text, err := json.Marshal(row)
	if err != nil {
		panic(err) // numbers, strings and maps of them always marshal
	}
	return append(text, '\n')
}

func reasonName(i int) string {
	if i < int(telemetry.NumReasons) {
		return telemetry.Reason(i).String()
	}
	return "unknown" // a newer processor's
}
