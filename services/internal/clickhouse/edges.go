package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"time"

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
			before := EdgeBefore(bound.at, seconds)
			if bound.at.IsZero() || bound.at.Equal(before) {
				continue
			}
			return fmt.Errorf("%s %s is not on the edge of a window of %d s: use %s or %s", bound.name, bound.at.Format(time.RFC3339Nano),
				seconds, before.Format(time.RFC3339), before.Add(time.Duration(seconds)*time.Second).Format(time.RFC3339))
		}
		return nil
	})
}

// EdgeBefore returns the edge, at t or before, of windows that are so long.
func EdgeBefore(t time.Time, seconds int64) time.Time {
	at := t.Unix()
	return time.Unix(at-((at%seconds)+seconds)%seconds, 0).UTC()
}
