package contract_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/schemas/clickhouse"
)

var migrationName = regexp.MustCompile(`^migrations/(\d{4})_[a-z0-9_]+\.sql$`)

// TestMigrationsAreNumbered: from 0001 without a gap, each statement ended by a
// semicolon at the end of a line.
func TestMigrationsAreNumbered(t *testing.T) {
	names, err := fs.Glob(clickhouse.Migrations, "migrations/*")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		m := migrationName.FindStringSubmatch(name)
		if m == nil || m[1] != fmt.Sprintf("%04d", i+1) {
			t.Errorf("migration %d is %s, want %04d_name.sql", i+1, name, i+1)
		}
		text, err := fs.ReadFile(clickhouse.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(strings.TrimRight(string(text), "\n"), ";") {
			t.Errorf("%s does not end in a semicolon", name)
		}
	}
}
