package chserver

import (
	"strings"
	"testing"
)

func TestParseStatement(t *testing.T) {
	tests := []struct {
		text   string
		head   string // of an INSERT with data; otherwise the whole text is the statement
		data   string
		format string
	}{
		{"SELECT 1", "", "", ""},
		{"SELECT 1 FORMAT JSON", "", "", "JSON"},
		{"select 1 format JSON;", "", "", "JSON"},
		{"SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "", "", "JSON"},
		{"SELECT 1 -- FORMAT x\nFORMAT CSV /* FORMAT y */", "", "", "CSV"},
		{"SELECT format FROM t", "", "", ""},
		{"SELECT 1 AS format FORMAT TSV", "", "", "TSV"},
		{"SELECT 'x FORMAT y', `FORMAT z`", "", "", ""},
		{"SELECT * FROM format(JSONEachRow, $$ FORMAT x $$)", "", "", ""},
		{"SHOW TABLES FORMAT TSVRaw", "", "", "TSVRaw"},
		{"CREATE TABLE t (a Int8) ENGINE = Memory", "", "", ""},
		{"INSERT INTO t SELECT 1", "", "", ""},
		{"INSERT INTO t WITH 1 AS x SELECT x", "", "", ""},
		{"INSERT INTO t (a) FROM INFILE 'x' FORMAT CSV", "", "", "CSV"},
		{"INSERT INTO t", "", "", ""},
		{"INSERT INTO t VALUES (1), (2)", "INSERT INTO t ", " (1), (2)", "Values"},
		{"insert into t values(1)", "insert into t ", "(1)", "Values"},
		{"INSERT INTO t (a, `b FORMAT c`) FORMAT CSV\n1,2\n", "INSERT INTO t (a, `b FORMAT c`) ", "1,2\n", "CSV"},
		{"INSERT INTO t FORMAT TSV \t\r\n\tx\n", "INSERT INTO t ", "\tx\n", "TSV"},
		{"INSERT INTO t FORMAT TSV\n\nx", "INSERT INTO t ", "\nx", "TSV"},
		{"INSERT INTO t FORMAT Native", "INSERT INTO t ", "", "Native"},
		{"INSERT INTO t SETTINGS async_insert = 0 FORMAT CSV\n1", "INSERT INTO t SETTINGS async_insert = 0 ", "1", "CSV"},
		{"INSERT INTO db.values (format) FORMAT CSV 1", "INSERT INTO db.values (format) ", "1", "CSV"},
		{"INSERT INTO format FORMAT CSV 1", "INSERT INTO format ", "1", "CSV"},
		{"INSERT INTO TABLE FUNCTION file('x', CSV, 'a Int8') VALUES (1)", "INSERT INTO TABLE FUNCTION file('x', CSV, 'a Int8') ", " (1)", "Values"},
		{"/* INSERT */ INSERT INTO t -- VALUES\nFORMAT CSV\n1", "/* INSERT */ INSERT INTO t -- VALUES\n", "1", "CSV"},
		{"SELECT 'not closed FORMAT x", "", "", ""},
		{"SELECT /* not closed FORMAT x", "", "", ""},
		{"SELECT $a$ not closed FORMAT x", "", "", ""},
		{"", "", "", ""},
	}
	for _, tt := range tests {
		got := parseStatement(tt.text)
		if got.insert != (tt.head != "") || got.format != tt.format {
			t.Errorf("%q: got insert %v, format %q; want %v, %q", tt.text, got.insert, got.format, tt.head != "", tt.format)
			continue
		}
		if want := tt.head; got.insert && (got.sql != want || tt.text[got.dataAt:] != tt.data) {
			t.Errorf("%q: got head %q and data %q, want %q and %q", tt.text, got.sql, tt.text[got.dataAt:], tt.head, tt.data)
		}
		if !got.insert && got.sql != tt.text {
			t.Errorf("%q: got statement %q", tt.text, got.sql)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	for _, s := range []string{"SELECT 1 FORMAT CSV", "INSERT INTO t (a) FORMAT TSV\nx", "INSERT INTO t VALUES (1)", "$a$", "'\\", "`", "/*", "--"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := parseStatement(text)
		if !s.insert && s.sql != text {
			t.Errorf("got statement %q of %q", s.sql, text)
		}
		if s.insert && (!strings.HasPrefix(text, s.sql) || s.dataAt < len(s.sql) || s.dataAt > len(text)) {
			t.Errorf("got head %q and data at %d of %q", s.sql, s.dataAt, text)
		}
	})
}

func TestAdmitTree(t *testing.T) {
	for tree, ok := range map[string]bool{
		"SelectWithUnionQuery (children 1)\n TableExpression (children 1)\n  Function numbers (children 1)\n": true,
		"SelectWithUnionQuery (children 1)\n TableExpression (children 1)\n  Function File (children 1)\n":    false,
		"SelectWithUnionQuery (children 1)\n  Function FILE (alias a) (children 1)\n":                         false,
		"SelectWithUnionQuery (children 1)\n  Function aiNewThing (children 1)\n":                             false,
		"SelectWithUnionQuery (children 1)\n  Identifier system.tables.name\n":                                true,
		"SelectWithUnionQuery (children 1)\n  Identifier system.processes.query (alias q)\n":                  false,
		"SelectWithUnionQuery (children 1)\n  Literal 'system.processes'\n":                                   true,
		"SelectWithUnionQuery (children 1)\n  Set\n":                                                          false,
		"Explain EXPLAIN (children 2)\n Set\n SelectWithUnionQuery\n":                                         true,
		"Explain EXPLAIN (children 2)\n Set\n SelectWithUnionQuery\n  Set\n":                                  false,
		"Explain EXPLAIN TABLE OVERRIDE (children 2)\n":                                                       false,
		"InsertQuery\n": false,
		"":              false,
	} {
		if err := admitTree(tree); (err == nil) != ok {
			t.Errorf("%q: got %v, want it admitted: %v", tree, err, ok)
		}
	}
}
