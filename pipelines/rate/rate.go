// Package rate says which price, factor or constant applies at an instant.
//
// Words. A rate is a row (kind, key, valid from); publishing it again replaces
// it. A row is valid over [From, To). Among valid rows of one key the later
// From wins; among keys the most specific one with a valid row applies. A
// timeline is what applies to one list of keys over all time, as the moments
// at which it comes to be another row or none.
//
// A Table is built once a change and read often: timelines are made on first
// use and kept until the next change. It is not safe for concurrent use.
//
// Definition: docs/methodology.md, "Rates".
package rate

import (
	"slices"
	"sort"
	"strings"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

type series struct {
	kind telemetry.RateKind
	key  string
}

// Table holds the published rates.
type Table struct {
	rows      map[series][]*telemetry.Rate // by From
	timelines map[string]*Timeline
	version   uint64
}

// Version changes whenever the table does.
func (t *Table) Version() uint64 { return t.version }

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{rows: map[series][]*telemetry.Rate{}, timelines: map[string]*Timeline{}}
}

// Has reports whether the table holds exactly this rate already, so that
// publishing it would change nothing.
func (t *Table) Has(r *telemetry.Rate) bool {
	rows := t.rows[series{r.Kind, r.Key}]
	i, ok := find(rows, r.From)
	return ok && *rows[i] == *r
}

// Set publishes a rate.
func (t *Table) Set(r *telemetry.Rate) {
	s := series{r.Kind, r.Key}
	rows := t.rows[s]
	row := *r
	if i, ok := find(rows, r.From); ok {
		rows[i] = &row
	} else {
		t.rows[s] = slices.Insert(rows, i, &row)
	}
	clear(t.timelines)
	t.version++
}

func find(rows []*telemetry.Rate, from int64) (int, bool) {
	return slices.BinarySearchFunc(rows, from, func(r *telemetry.Rate, from int64) int {
		switch {
		case r.From < from:
			return -1
		case r.From > from:
			return 1
		}
		return 0
	})
}

// Each calls fn for all rates, in the order of kind, key and From.
func (t *Table) Each(fn func(*telemetry.Rate)) {
	all := make([]series, 0, len(t.rows))
	for s := range t.rows {
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].kind < all[j].kind || all[i].kind == all[j].kind && all[i].key < all[j].key
	})
	for _, s := range all {
		for _, r := range t.rows[s] {
			fn(r)
		}
	}
}

// Timeline returns what applies for a list of keys, most specific first.
func (t *Table) Timeline(kind telemetry.RateKind, keys []string) *Timeline {
	name := string(rune(kind)) + "\x00" + strings.Join(keys, "\x00")
	if line, ok := t.timelines[name]; ok {
		return line
	}
	lines := make([]*Timeline, 0, len(keys))
	for _, key := range keys {
		if rows := t.rows[series{kind, key}]; len(rows) > 0 {
			lines = append(lines, newTimeline(rows))
		}
	}
	line := combine(lines)
	t.timelines[name] = line
	return line
}

// NodeKeys lists the keys of a node's rates (electricity, PUE, grid), most
// specific first: cluster, zone, region, everything. Empty attributes are
// skipped.
func NodeKeys(d *telemetry.Device) []string {
	keys := make([]string, 0, 4)
	for _, k := range []string{d.Cluster, d.Zone, d.Region} {
		if k != "" {
			keys = append(keys, k)
		}
	}
	return append(keys, "")
}

// RegionalKeys lists the keys of a model's or instance type's rates:
// name@region, name; none for an empty name.
func RegionalKeys(name, region string) []string {
	switch {
	case name == "":
		return nil
	case region == "":
		return []string{name}
	}
	return []string{name + "@" + region, name}
}
