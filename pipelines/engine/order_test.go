package engine

import (
	"slices"
	"testing"

	"github.com/ntegral/ntegral/schemas/fact"
)

// TestRowsByDay: rows of one day come together, in the order in which they came.
func TestRowsByDay(t *testing.T) {
	const day = 24 * 3600 * 1_000_000_000
	for _, days := range [][]int64{{}, {4}, {0, 0, 0}, {1, 0, 1}, {0, 1, 2}, {0, 0, 1, 0}, {-1, 0, -1, 3, 0, -1, 3, 2}} {
		var rows []fact.Row
		for i, d := range days {
			rows = append(rows, fact.Row{Key: fact.Key{WindowStart: d*day + int64(100-i)*60_000_000_000}})
		}
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b fact.Row) int { return int(a.Day() - b.Day()) })
		if got, one := ofOneDay(rows), len(slices.Compact(slices.Clone(days))) <= 1; got != one {
			t.Errorf("%v are of one day: %t", days, got)
		}
		if new(rowOrder).byDay(rows); !slices.Equal(rows, want) {
			t.Errorf("days %v: rows are out of order", days)
		}
	}
}
