package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
// reaches facts and rollups one after the other, so a difference is looked at
// again before it counts.
func compareRollups(ctx context.Context, s Settings, r *Report) (days int, err error) {
	var differences []Difference
	attempts := rollupAttempts
	if s.Wait == 0 {
		attempts = 1 // whoever does not wait says that nothing is under way
	}
	for attempt := range attempts {
		if attempt > 0 {
			if err := lifecycle.Wait(ctx, rollupPause); err != nil {
				return 0, err
			}
		}
		if days, differences, err = rollupDifferences(ctx, s.Store); err != nil {
			return 0, err
		}
		if len(differences) == 0 {
			break
		}
	}
	r.Differences = append(r.Differences, differences...)
	return days, nil
}

func rollupDifferences(ctx context.Context, store textrow.Store) (days int, all []Difference, err error) {
	want, err := dailySums(ctx, store, "facts", "toDate(window_start)")
	if err != nil {
		return 0, nil, err
	}
	for _, rollup := range rollups {
		got, err := dailySums(ctx, store, rollup.table, rollup.day)
		if err != nil {
			return 0, nil, err
		}
		both := maps.Clone(want)
		maps.Copy(both, got)
		for _, day := range slices.Sorted(maps.Keys(both)) {
			all = append(all, dayDifferences(rollup.table, day, got[day], want[day])...)
		}
	}
	return len(want), all, nil
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
