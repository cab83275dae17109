package clickhouse_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	schema "github.com/ntegral/ntegral/schemas/clickhouse"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
)

// TestMigrateAtOnce lets several clients migrate one empty store, as sinks that
// start together do.
func TestMigrateAtOnce(t *testing.T) {
	for range 3 {
		s := chservertest.Start(t, t.TempDir())
		var clients []*clickhouse.Client
		for range 4 {
			clients = append(clients, open(t, s))
		}
		var group errgroup.Group
		begin := make(chan struct{})
		for _, c := range clients {
			group.Go(func() error {
				<-begin
				return c.Migrate(t.Context(), schema.Migrations)
			})
		}
		close(begin)
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		// Whoever comes later finds it done, and nothing is left half.
		if err := clients[0].Migrate(t.Context(), schema.Migrations); err != nil {
			t.Errorf("again: %v", err)
		}
		var tables, want uint64
		one(t, clients[0], []any{&tables}, "SELECT count() FROM system.tables WHERE database = 'ntegral' AND name NOT IN ('schema_migrations') AND name NOT LIKE '.inner%'")
		for _, text := range migrations(t) {
			want += uint64(len(regexp.MustCompile(`(?m)^CREATE `).FindAllString(text, -1)))
		}
		if tables != want {
			t.Errorf("got %d tables and views, want %d", tables, want)
		}
		s.Kill()
	}
}

// TestMigrationsCanBeRepeated holds the shipped statements to the rule that
// crashes and races rest on: run twice, they end in code 57 or do nothing.
func TestMigrationsCanBeRepeated(t *testing.T) {
	for name, text := range migrations(t) {
		for statement := range strings.SplitSeq(regexp.MustCompile(`(?m)^--.*$`).ReplaceAllString(text, ""), ";\n") {
			statement = strings.TrimSpace(statement)
			if statement == "" || strings.HasPrefix(statement, "CREATE ") && !strings.HasPrefix(statement, "CREATE OR REPLACE") {
				continue
			}
			if !strings.Contains(statement, "IF NOT EXISTS") && !strings.Contains(statement, "IF EXISTS") {
				t.Errorf("%s: %.60q: neither CREATE nor with IF [NOT] EXISTS", name, statement)
			}
		}
	}
}

func migrations(t *testing.T) map[string]string {
	t.Helper()
	files, err := fs.Glob(schema.Migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("list migrations: %v, %v", files, err)
	}
	all := map[string]string{}
	for _, f := range files {
		text, err := fs.ReadFile(schema.Migrations, f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = string(text)
	}
	return all
}
