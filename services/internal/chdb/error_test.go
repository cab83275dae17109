package chdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseError(t *testing.T) {
	for _, tt := range []struct {
		text string
		code int
		name string
		want string
	}{
		{"Code: 60. DB::Exception: Unknown table 'x'. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE", "Code: 60. DB::Exception: Unknown table 'x'. (UNKNOWN_TABLE)"},
		{"Error: Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)\n", 62, "SYNTAX_ERROR", "Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)"},
		{"Code: 27. DB::ParsingException: bad (at row 1)", 27, "", "Code: 27. DB::ParsingException: bad (at row 1)"},
		{"Another streaming query or insert is already active", 0, "", "Another streaming query or insert is already active"},
		{"", 0, "", ""},
	} {
		if e := parseError(tt.text); e.Code != tt.code || e.Name != tt.name || e.Message != tt.want {
			t.Errorf("%q: got %+v", tt.text, e)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "ntegral", "chdb", Version, libraryName)
	if err := os.MkdirAll(filepath.Dir(lib), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("LD_LIBRARY_PATH", "")
	if _, err := Find(filepath.Join(dir, "nothing")); err == nil || !strings.Contains(err.Error(), "NTEGRAL_CHDB_LIB") {
		t.Errorf("got %v, want an error that names NTEGRAL_CHDB_LIB", err)
	}
	if _, err := Find(""); err != nil && (!strings.Contains(err.Error(), "make libchdb") || !strings.Contains(err.Error(), lib)) {
		t.Errorf("got %v, want an error that says what to do", err)
	}
	if err := os.WriteFile(lib, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(""); err != nil || got != lib {
		t.Errorf("got %q, %v; want %q", got, err, lib)
	}
}

func TestQuote(t *testing.T) {
	if got, want := QuoteString("a'b\\c\n"), `'a\'b\\c\n'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := QuoteIdentifier("a`b\\"), "`a\\`b\\\\`"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
