package report

import (
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// where returns the condition of q and its parameters.
func (q Query) where() (condition string, args []any) {
	condition = "1"
	bound := func(text, name string, at time.Time) {
		if at.IsZero() {
			return
		}
		condition += " AND " + text
		// Milliseconds suffice: windows begin on whole seconds, and a step is
		// recorded to the millisecond, so rounding down changes no answer.
		args = append(args, clickhouse.Named(name, strconv.FormatInt(at.UnixMilli(), 10)))
	}
	bound("window_start >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')", "from", q.From)
	bound("window_start < fromUnixTimestamp64Milli({to:Int64}, 'UTC')", "to", q.To)
	bound("recorded_at <= fromUnixTimestamp64Milli({as_of:Int64}, 'UTC')", "as_of", q.AsOf)
	return condition, args
}
