// Package contract_test holds the contracts of this module against each other:
// the sums of package fact, the Arrow schema, the tables and views of the
// migrations, the commit record in ntegral.proto and the documentation must
// name the same columns in the same order; and the modules' dependencies must
// run in one direction and be written down. `make generate` rewrites what
// follows from the code.
package contract_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/clickhouse"
	"github.com/ntegral/ntegral/schemas/fact"
)

// column is a column of a table: its name and ClickHouse type.
type column struct{ Name, Type string }

var (
	createTable  = regexp.MustCompile(`(?s)CREATE TABLE (?:IF NOT EXISTS )?(\w+)\s*\((.*?)\n\)\s*ENGINE\s*=\s*(.*?);\n`)
	createView   = regexp.MustCompile(`(?s)CREATE MATERIALIZED VIEW (\w+) TO (\w+) AS\s*(.*?);\n`)
	columnLine   = regexp.MustCompile(`^\s+(\w+)\s+(.*?),?$`)
	columnSuffix = regexp.MustCompile(`\s+(?:CODEC\(.*|COMMENT .*|DEFAULT .*)$`)
	addColumn    = regexp.MustCompile(`(?s)ALTER TABLE (\w+)\s+ADD COLUMN`)
	sumOf        = regexp.MustCompile(`sum\((\w+)\) AS (\w+)`)
	orderBy      = regexp.MustCompile(`ORDER BY \((.*?)\)`)
)

// ddl is what the migrations create.
type ddl struct {
	tables  map[string][]column
	engines map[string]string
	views   map[string]string // body by the table that the view feeds
}

func readDDL(t *testing.T) ddl {
	t.Helper()
	d := ddl{tables: map[string][]column{}, engines: map[string]string{}, views: map[string]string{}}
	names, err := fs.Glob(clickhouse.Migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("list migrations: %v", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(clickhouse.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		if m := addColumn.FindSubmatch(text); m != nil {
			t.Fatalf("%s alters %s: teach this test to add columns", name, m[1])
		}
		for _, m := range createTable.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(m[2]) {
				if c := columnLine.FindStringSubmatch(strings.TrimRight(line, "\n")); c != nil {
					d.tables[m[1]] = append(d.tables[m[1]], column{c[1], columnSuffix.ReplaceAllString(c[2], "")})
				}
			}
			d.engines[m[1]] = m[3]
		}
		for _, m := range createView.FindAllStringSubmatch(string(text), -1) {
			d.views[m[2]] = m[3]
		}
	}
	return d
}

// clickhouseType is the column type that an Arrow field is stored in. Strings
// that differ in most rows are plain, the others are dictionaries.
func clickhouseType(f arrow.Field) string {
	switch typ := f.Type.(type) {
	case *arrow.TimestampType:
		return "DateTime64(3, 'UTC')"
	case *arrow.DictionaryType:
		if slices.Contains([]string{"node", "device", "placement"}, f.Name) {
			return "String"
		}
		return "LowCardinality(String)"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("Decimal(%d, %d)", typ.Precision, typ.Scale)
	case *arrow.Int64Type:
		return "Int64"
	case *arrow.Int32Type:
		return "Int32"
	case *arrow.Uint32Type:
		return "UInt32"
	case *arrow.Uint64Type:
		return "UInt64"
	}
	return f.Type.String()
}

// wide are the columns of sums in a table that adds rows up.
func wide() []column {
	out := make([]column, len(fact.Columns))
	for i, c := range fact.Columns {
		out[i] = column{c.Name, "Int64"}
		if c.Scale > 0 {
			out[i].Type = fmt.Sprintf("Decimal(38, %d)", c.Scale)
		}
	}
	return out
}

func TestArrowSchemaHasTheSums(t *testing.T) {
	fields := fact.Schema().Fields()
	first, ok := fact.Schema().FieldsByName(fact.Columns[0].Name)
	if !ok || len(first) != 1 {
		t.Fatalf("%s is not in the Arrow schema", fact.Columns[0].Name)
	}
	at := fact.Schema().FieldIndices(fact.Columns[0].Name)[0]
	for i, c := range fact.Columns {
		f := fields[at+i]
		want := arrow.PrimitiveTypes.Int64
		if c.Scale > 0 {
			want = &arrow.Decimal128Type{Precision: 18, Scale: int32(c.Scale)}
		}
		if f.Name != c.Name || !arrow.TypeEqual(f.Type, want) || f.Nullable {
			t.Errorf("Arrow field %d is %s, want %s %s, not nullable", at+i, f, c.Name, want)
		}
		if c.Unit == "" || !strings.HasSuffix(c.Doc, ".") {
			t.Errorf("%s: unit %q, doc %q", c.Name, c.Unit, c.Doc)
		}
	}
}

// TestFactsTableIsTheArrowSchema: parts are inserted as they are.
func TestFactsTableIsTheArrowSchema(t *testing.T) {
	var want []column
	for _, f := range fact.Schema().Fields() {
		want = append(want, column{f.Name, clickhouseType(f)})
	}
	if diff := cmp.Diff(want, readDDL(t).tables["facts"]); diff != "" {
		t.Errorf("facts (-Arrow +DDL):\n%s", diff)
	}
}

// TestWideTablesHaveTheSums: the ledger and the rollups hold every sum, in
// types that cannot wrap.
func TestWideTablesHaveTheSums(t *testing.T) {
	d := readDDL(t)
	for _, table := range []string{"ledger", "facts_hourly", "facts_daily"} {
		columns := d.tables[table]
		at := slices.IndexFunc(columns, func(c column) bool { return c.Name == fact.Columns[0].Name })
		if at < 0 {
			t.Errorf("%s has no %s", table, fact.Columns[0].Name)
			continue
		}
		if diff := cmp.Diff(wide(), columns[at:min(at+len(fact.Columns), len(columns))]); diff != "" {
			t.Errorf("%s (-fact +DDL):\n%s", table, diff)
		}
	}
}

// TestRollupsAddEverySum: each view sums each column under its own name, groups
// by every dimension, and the rollup's sorting key holds them all, because a
// SummingMergeTree takes any row of equal keys for the others' dimensions.
func TestRollupsAddEverySum(t *testing.T) {
	d := readDDL(t)
	for _, table := range []string{"facts_hourly", "facts_daily"} {
		view := d.views[table]
		var got, want []string
		for _, m := range sumOf.FindAllStringSubmatch(view, -1) {
			got = append(got, m[1]+" as "+m[2])
		}
		for _, c := range fact.Columns {
			want = append(want, c.Name+" as "+c.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("view of %s (-fact +DDL):\n%s", table, diff)
		}
		dimensions := make([]string, 0, len(d.tables[table]))
		for _, c := range d.tables[table][:len(d.tables[table])-len(fact.Columns)] {
			dimensions = append(dimensions, c.Name)
		}
		_, grouped, _ := strings.Cut(view, "GROUP BY ")
		if diff := cmp.Diff(dimensions, names(grouped)); diff != "" {
			t.Errorf("view of %s: columns and GROUP BY differ:\n%s", table, diff)
		}
		key := orderBy.FindStringSubmatch(d.engines[table])
		if key == nil {
			t.Errorf("%s has no sorting key", table)
			continue
		}
		sorted := names(key[1])
		slices.Sort(sorted)
		slices.Sort(dimensions)
		if diff := cmp.Diff(dimensions, sorted); diff != "" {
			t.Errorf("%s: columns and sorting key differ:\n%s", table, diff)
		}
	}
}

// TestEveryTargetDeduplicates: a table that blocks go into needs a window of
// its own, or the same part counts twice there.
func TestEveryTargetDeduplicates(t *testing.T) {
	d := readDDL(t)
	for _, table := range []string{"facts", "ledger", "facts_hourly", "facts_daily"} {
		if !strings.Contains(d.engines[table], "non_replicated_deduplication_window") {
			t.Errorf("%s has no deduplication window: %s", table, d.engines[table])
		}
	}
}

func names(list string) []string {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, strings.TrimSpace(name))
	}
	return out
}
