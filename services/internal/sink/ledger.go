package sink

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

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

// ledgerRow returns the columns of a step's ledger row and their values.
func ledgerRow(step *commitlog.Step, refused []uint32) (columns []string, values []any) {
	c := &step.Commit
	put := func(column string, value any) {
		columns, values = append(columns, column), append(values, value)
	}
	counts := map[string]int64{}
	for i, n := range c.Counts {
		if n != 0 {
			counts[reasonName(i)] += n
		}
	}
	put("task", c.Task)
	put("epoch", c.Epoch)
	put("step", c.Step)
	put("parts", c.Parts)
	put("rows", c.Rows)
	put("recorded_at", time.Unix(0, c.RecordedAt).UTC())
	put("log_offset", step.Offset)
	put("samples_offset", c.Inputs.Samples)
	put("placements_offset", c.Inputs.Placements)
	put("inventory_offset", c.Inputs.Inventory)
	put("rates_offset", c.Inputs.Rates)
	put("corrections_offset", c.Inputs.Corrections)
	put("readings", c.Readings)
	put("duplicates", c.Duplicates)
	put("watermark", time.Unix(0, c.Watermark).UTC())
	put("counts", counts)
	put("rejected_j", decimal.New(c.RejectedEnergy, -unit.EnergyScale))
	put("unplaced_j", decimal.New(c.UnplacedEnergy, -unit.EnergyScale))
	put("inconsistent_j", decimal.New(c.InconsistentEnergy, -unit.EnergyScale))
	put("residual_energy_uj", c.ResidualEnergy)
	put("residual_nano", c.ResidualMoney)
	put("residual_ns", c.ResidualTime)
	put("pending", c.Pending)
	put("refused_parts", append([]uint32{}, refused...))
	for i, column := range fact.Columns {
		v := int64(0)
		if i < len(c.Sums) {
			v = c.Sums[i]
		}
		if column.Scale == 0 {
			put(column.Name, v)
			continue
		}
		put(column.Name, decimal.New(v, -int32(column.Scale)))
	}
	return columns, values
}

func reasonName(i int) string {
	if i < int(telemetry.NumReasons) {
		return telemetry.Reason(i).String()
	}
	return "unknown" // a newer processor's
}
