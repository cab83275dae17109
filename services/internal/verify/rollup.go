package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// rollups are the tables that must hold the same sums as facts, and how each
// of them names the day.
var rollups = []struct{ table, day string }{
	{"facts_hourly", "toDate(hour)"},
	{"facts_daily", "toDate(day)"},
}

// compareRollups compares the totals of every day and column. An insert
// reaches facts and rollups one after the other, so a difference counts only if
// it stays as it is while the day's facts stay as they are.
func compareRollups(ctx context.Context, s Settings, r *Report) (days int, err error) {
	deadline := time.Now().Add(s.Wait)
	var last rollupState
	for stayed := 0; ; {
		now, err := readRollups(ctx, s.Store)
		if err != nil {
			return 0, err
		}
		if len(now.differences) == 0 && !now.moving {
			return now.days, nil
		}
		if !now.moving && slices.Equal(now.differences, last.differences) {
			stayed++
		} else {
			stayed = 0
		}
		// Whoever does not wait says that nothing is under way.
		if stayed >= rollupAttempts-1 || s.Wait == 0 || time.Now().After(deadline) {
			r.Differences = append(r.Differences, now.differences...)
			return now.days, nil
		}
		last = now
		if err := lifecycle.Wait(ctx, rollupPause); err != nil {
			return 0, err
		}
	}
}

// rollupState is how the rollups stand to the facts: the differences of days
// whose facts did not change while they were read, and whether others did.
type rollupState struct {
	days        int
	differences []Difference
	moving      bool
}

func readRollups(ctx context.Context, store textrow.Store) (state rollupState, err error) {
	before, err := dailyFacts(ctx, store)
	if err != nil {
		return state, err
	}
	got := make([]map[string]string, len(rollups))
	for i, rollup := range rollups {
		if got[i], err = dailySums(ctx, store, rollup.table, rollup.day); err != nil {
			return state, err
		}
	}
	after, err := dailyFacts(ctx, store)
	if err != nil {
		return state, err
	}
	state.days = len(after)
	for i, rollup := range rollups {
		both := maps.Clone(after)
		maps.Copy(both, got[i])
		for _, day := range slices.Sorted(maps.Keys(both)) {
			if before[day] != after[day] {
				state.moving = true
				continue
			}
			state.differences = append(state.differences, dayDifferences(rollup.table, day, got[i][day], after[day])...)
		}
	}
	return state, nil
}

func dailyFacts(ctx context.Context, store textrow.Store) (map[string]string, error) {
	return dailySums(ctx, store, "facts", "toDate(window_start)")
}

// dayDifferences compares the sums of a day. A day without rows has sums of
// zero: a summing table drops rows whose sums are all zero.
func dayDifferences(table, day, got, want string) []Difference {
	if got == "" {
		got = zeroSums
	}
	if want == "" {
		want = zeroSums
	}
	if got == want {
		return nil
	}
	var all []Difference
	g, w := strings.Split(got, "\t"), strings.Split(want, "\t")
	for i, c := range fact.Columns {
		if g[i] != w[i] {
			all = append(all, Difference{Where: table, Day: day, What: fmt.Sprintf("%s %s, facts have %s", c.Name, g[i], w[i])})
		}
	}
	return all
}

func dailySums(ctx context.Context, store textrow.Store, table, day string) (map[string]string, error) {
	sums := map[string]string{}
	err := textrow.Each(ctx, store, "SELECT "+day+" AS d, "+sumColumns("sum(%s)")+" FROM "+table+" GROUP BY d", nil, func(row []string) error {
		text, err := canonical(row[1:])
		sums[row[0]] = text
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return sums, nil
}
