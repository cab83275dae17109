// Package report answers "who had, used, cost and emitted how much" from the
// facts in the store.
//
// Words. A group is one distinct value of the grouping column (for devices:
// of node and device). A line is what is printed: a group has one line for
// each currency in which a cost of it is known, and one line without cost if
// there is none. Times, energies and carbon do not depend on a currency: they
// are summed over all facts of the group and stand in its first line.
//
// Invariants. All sums are made by the store in decimals and added up here as
// big integers, so every digit printed is exact; only the table for people
// rounds. Unknown is not zero: a cost is known if one of its intervals had a
// price, carbon if one had a factor. A group that has been retracted as a
// whole, all sums zero and nothing known, does not appear.
//
// One query reads the facts, ordered by group, and lines are written as groups
// end: a report needs memory for one group. Nothing here is shared between
// calls, so reports may run at the same time.
package report

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// Groupings are the columns that a report can be grouped by.
func Groupings() []string {
	return []string{"workload", "team", "tenant", "cluster", "region", "node", "device", "state"}
}

// Formats are the forms in which a report can be written.
func Formats() []string { return []string{"table", "csv", "json"} }

// Query is what to report. Times are zero where they do not bound.
type Query struct {
	By     string
	From   time.Time // first window
	To     time.Time // end of the last window
	AsOf   time.Time // as it was known then
	Format string
}

// Validate lists what is wrong with q as far as that can be told without the store.
func (q Query) Validate() error {
	switch {
	case !slices.Contains(Groupings(), q.By):
		return fmt.Errorf("group by %q: use one of %s", q.By, strings.Join(Groupings(), ", "))
	case !slices.Contains(Formats(), q.Format):
		return fmt.Errorf("format %q: use one of %s", q.Format, strings.Join(Formats(), ", "))
	case !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To):
		return fmt.Errorf("from %s is not before to %s", q.From.Format(time.RFC3339Nano), q.To.Format(time.RFC3339Nano))
	}
	return nil
}

// Source is what a report is made from.
type Source struct {
	Store textrow.Store
	// Inputs is asked by reports as of a time. Without it, or where it does not
	// answer, such a report needs every task to have gone on since that time.
	Inputs Inputs
}

// Write answers q.
func Write(ctx context.Context, from Source, q Query, w io.Writer) error {
	if err := q.Validate(); err != nil {
		return err
	}
	if err := clickhouse.CheckEdges(ctx, from.Store, q.From, q.To); err != nil {
		return err
	}
	if err := checkAsOf(ctx, from, q); err != nil {
		return err
	}
	out := newWriter(q, w)
	if err := out.begin(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := eachGroup(ctx, from.Store, q, out.group); err != nil {
		return err
	}
	if err := out.end(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// keyColumns are the columns that name a group.
func (q Query) keyColumns() []string {
	if q.By == "device" {
		return []string{"node", "device"}
	}
	return []string{q.By}
}
