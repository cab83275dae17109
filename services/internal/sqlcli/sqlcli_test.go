package sqlcli_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/sqlcli"
)

func TestMain(m *testing.M) {
	if os.Getenv("NTEGRAL_TEST_CHSERVER") != "" {
		chservertest.Main(m)
	}
	goleak.VerifyTestMain(m)
}

// TestRun asks as the user that may only read, and looks at what a person gets.
func TestRun(t *testing.T) {
	server := chservertest.Start(t, t.TempDir(), func(c *chserver.Config) { c.Reader.ResultRows, c.Reader.MemoryBytes = 100_000, 100_000_000 })
	if err := (sink.ClickHouse{Client: sinktest.Client(t, server)}).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := sinktest.StoreConfig(server.Addr)
	cfg.User, cfg.Password = chserver.ReaderUser, chservertest.ReaderPassword
	reader, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, tt := range []struct {
		name, query, format string
		out                 string // whole, or its begin where there is an error
		fails               string
	}{
		{name: "answer", query: "SELECT 1 AS a, 'x' AS b;\n", out: "a\tb\n1\tx\n"},
		{name: "format asked for", query: "SELECT 1 AS a", format: "CSV", out: "1\n"},
		{name: "format in the query", query: "SELECT 1 AS a\nformat JSONEachRow ;", out: `{"a":1}` + "\n"},
		{name: "both", query: "SELECT 1 AS a FORMAT CSV", format: "JSONEachRow", out: `{"a":1}` + "\n"},
		{name: "the word in a text", query: "SELECT ' FORMAT CSV' AS a", out: "a\n FORMAT CSV\n"},
		{name: "insert", query: "INSERT INTO facts (node) VALUES ('x')", fails: "the store refused with code 164 (READONLY): Cannot execute query in readonly mode: sql may only read, and takes no SETTINGS"},
		{name: "drop", query: "DROP TABLE facts", fails: "code 164 (READONLY)"},
		{name: "settings", query: "SELECT 1 SETTINGS max_execution_time = 1", fails: "Cannot modify 'max_execution_time' setting in readonly mode: sql may only read, and takes no SETTINGS"},
		{name: "syntax", query: "SELEC 1", fails: "code 62 (SYNTAX_ERROR): Syntax error: failed at position 7 (1)"},
		{name: "two", query: "SELECT 1; SELECT 2", fails: "Multi-statements are not allowed"},
		{name: "unknown column", query: "SELECT nonsense FROM facts", fails: "code 47 (UNKNOWN_IDENTIFIER): Unknown expression identifier `nonsense`"},
		{name: "unknown format", query: "SELECT 1", format: "Nonsense", fails: "code 73 (UNKNOWN_FORMAT): Unknown format Nonsense"},
		{name: "other tables", query: "SELECT * FROM system.query_log", fails: "the store refused with code "},
		{name: "large result", query: "SELECT number FROM numbers(1000000)", out: "number\n0\n1\n", fails: "code 396 (TOO_MANY_ROWS_OR_BYTES): Limit for result exceeded"},
		{name: "much memory", query: "SELECT groupArray(number) FROM numbers(100000000)", fails: "ask for less at a time, or raise NTEGRAL_CHDB_READER_MEMORY_BYTES"},
		{name: "empty", query: " ;\n", fails: "empty query"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := sqlcli.Run(t.Context(), reader, tt.query, tt.format, sqlcli.ProgramFormat, &out)
			if tt.fails == "" {
				if err != nil || out.String() != tt.out {
					t.Errorf("got %q, %v, want %q", out.String(), err, tt.out)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("got %v, want an error with %q", err, tt.fails)
			}
			// Whether anything is out before a limit is met depends on the size of the first block.
			if out.Len() > 0 && !strings.HasPrefix(out.String(), tt.out) {
				t.Errorf("got %.40q, want it to begin with %q", out.String(), tt.out)
			}
			if said := strings.Contains(err.Error(), "the answer above is incomplete"); said != (out.Len() > 0) {
				t.Errorf("%d bytes were printed, and the error is %v", out.Len(), err)
			}
			if text := err.Error(); strings.Contains(text, "HTTP") || strings.Contains(text, "(version") {
				t.Errorf("the error says too much: %s", text)
			}
		})
	}
	if err := sqlcli.Run(t.Context(), reader, "", "", "", nil); !errors.Is(err, sqlcli.ErrEmpty) {
		t.Errorf("got %v, want ErrEmpty", err)
	}
}
