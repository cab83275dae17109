package reconcile

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// text is a column of facts that tells rows apart, and where it stands in one.
type text struct {
	column string
	of     func(*fact.Row) *string
}

var texts = []text{
	{"node", func(r *fact.Row) *string { return &r.Node }},
	{"device", func(r *fact.Row) *string { return &r.Device }},
	{"placement", func(r *fact.Row) *string { return &r.Placement }},
	{"state", func(r *fact.Row) *string { return &r.State }},
	{"provider", func(r *fact.Row) *string { return &r.Provider }},
	{"region", func(r *fact.Row) *string { return &r.Region }},
	{"zone", func(r *fact.Row) *string { return &r.Zone }},
	{"instance_type", func(r *fact.Row) *string { return &r.InstanceType }},
	{"cluster", func(r *fact.Row) *string { return &r.Cluster }},
	{"device_kind", func(r *fact.Row) *string { return &r.DeviceKind }},
	{"device_model", func(r *fact.Row) *string { return &r.DeviceModel }},
	{"manager", func(r *fact.Row) *string { return &r.Manager }},
	{"workload", func(r *fact.Row) *string { return &r.Workload }},
	{"workload_kind", func(r *fact.Row) *string { return &r.WorkloadKind }},
	{"tenant", func(r *fact.Row) *string { return &r.Tenant }},
	{"team", func(r *fact.Row) *string { return &r.Team }},
	{"currency", func(r *fact.Row) *string { return &r.Currency }},
}

// readWritten returns what the rows of a task's windows of [from, to) add up to.
func readWritten(ctx context.Context, store textrow.Store, task int32, from, to int64) ([]fact.Row, error) {
	keys := make([]string, 0, len(texts)+2)
	for _, t := range texts {
		keys = append(keys, t.column)
	}
	keys = append(keys, "window_seconds", "window_start")
	group := strings.Join(keys, ", ")
	columns := append(keys[:len(keys)-1:len(keys)-1], "toUnixTimestamp64Milli(window_start)")
	for _, c := range fact.Columns {
		columns = append(columns, "sum("+c.Name+")")
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM facts WHERE task = {task:Int32}" +
		" AND window_start >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND window_start < fromUnixTimestamp64Milli({to:Int64}, 'UTC') GROUP BY " + group
	args := []any{
		clickhouse.Named("task", strconv.Itoa(int(task))),
		clickhouse.Named("from", strconv.FormatInt(from/1e6, 10)), clickhouse.Named("to", strconv.FormatInt(to/1e6, 10)),
	}
	var rows []fact.Row
	err := textrow.Each(ctx, store, query, args, func(cells []string) error {
		row, err := parseRow(cells)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	return rows, nil
}

func parseRow(cells []string) (row fact.Row, err error) {
	if len(cells) != len(texts)+2+len(fact.Columns) {
		return row, fmt.Errorf("%d columns, want %d", len(cells), len(texts)+2+len(fact.Columns))
	}
	for i, t := range texts {
		*t.of(&row) = cells[i]
	}
	seconds, err := strconv.ParseInt(cells[len(texts)], 10, 32)
	if err != nil {
		return row, fmt.Errorf("read window_seconds: %w", err)
	}
	start, err := strconv.ParseInt(cells[len(texts)+1], 10, 64)
	if err != nil {
		return row, fmt.Errorf("read window_start: %w", err)
	}
	row.WindowLength, row.WindowStart = seconds*1e9, start*1e6
	for i, c := range fact.Columns {
		v, err := textrow.Decimal(cells[len(texts)+2+i], c.Scale)
		if err != nil {
			return row, fmt.Errorf("read %s: %w", c.Name, err)
		}
		if !v.IsInt64() {
			return row, fmt.Errorf("read %s: %s does not fit 64 bits", c.Name, v)
		}
		row.Sums[i] = v.Int64()
	}
	return row, nil
}
