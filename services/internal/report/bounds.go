package report

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/ntegral/ntegral/services/internal/textrow"
)

// CheckEdges refuses bounds that would cut a window: a fact cannot be divided. A
// bound that is zero is none.
func CheckEdges(ctx context.Context, store textrow.Store, from, to time.Time) error {
	if from.IsZero() && to.IsZero() {
		return nil
	}
	return textrow.Each(ctx, store, "SELECT DISTINCT window_seconds FROM facts", nil, func(row []string) error {
		seconds, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil || seconds <= 0 {
			return fmt.Errorf("read window length %q: not a number of seconds", row[0])
		}
		for _, bound := range []struct {
			name string
			at   time.Time
		}{{"from", from}, {"to", to}} {
			if bound.at.IsZero() || bound.at.Nanosecond() == 0 && bound.at.Unix()%seconds == 0 {
				continue
			}
			before := time.Unix(bound.at.Unix()-mod(bound.at.Unix(), seconds), 0).UTC()
			return fmt.Errorf("%s %s is not on the edge of a window of %d s: use %s or %s", bound.name, bound.at.Format(time.RFC3339Nano),
				seconds, before.Format(time.RFC3339), before.Add(time.Duration(seconds)*time.Second).Format(time.RFC3339))
		}
		return nil
	})
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

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
