package chserver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
)

func TestMain(m *testing.M) { chservertest.Main(m) }

// call is one request to a server; the zero value asks as the writer.
type call struct {
	user   string // "read" for the reader
	method string
	query  url.Values
	body   string
	header map[string]string
}

type reply struct {
	status int
	body   string
	header http.Header
	err    error // of reading the body
}

func (c call) do(t testing.TB, s *chservertest.Server) reply {
	t.Helper()
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr+"/?"+c.query.Encode(), strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	switch c.user {
	case "":
		req.SetBasicAuth(chserver.WriterUser, chservertest.WriterPassword)
	case "read":
		req.SetBasicAuth(chserver.ReaderUser, chservertest.ReaderPassword)
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, body: string(b), header: res.Header, err: err}
}

// exec runs statements as the writer and fails the test if one does not succeed.
func exec(t testing.TB, s *chservertest.Server, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if r := (call{body: sql}).do(t, s); r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", sql, r.status, r.body)
		}
	}
}

// ask returns the trimmed answer to a writer's query.
func ask(t testing.TB, s *chservertest.Server, sql string) string {
	t.Helper()
	r := call{body: sql}.do(t, s)
	if r.status != http.StatusOK || r.err != nil {
		t.Fatalf("%s: %d %s %v", sql, r.status, r.body, r.err)
	}
	return strings.TrimSpace(r.body)
}

func params(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func TestHTTP(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	exec(t, s, "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	tests := []struct {
		name   string
		call   call
		status int
		want   string // the body, exactly
		code   string // X-ClickHouse-Exception-Code
	}{
		{"body", call{body: "SELECT 1"}, 200, "1\n", ""},
		{"query parameter", call{query: params("query", "SELECT 1")}, 200, "1\n", ""},
		{"query continued by the body", call{query: params("query", "SELECT"), body: " 1"}, 200, "1\n", ""},
		{"get", call{method: "GET", query: params("query", "SELECT 1")}, 200, "1\n", ""},
		{"get does not write", call{method: "GET", query: params("query", "CREATE TABLE x (a Int8) ENGINE = Memory")}, 403, "", "164"},
		{"default format", call{query: params("default_format", "JSONEachRow"), body: "SELECT 1 AS a"}, 200, `{"a":1}` + "\n", ""},
		{"format header", call{header: map[string]string{"X-ClickHouse-Format": "CSV"}, body: "SELECT 'a'"}, 200, "\"a\"\n", ""},
		{"format in the query wins", call{query: params("default_format", "CSV"), body: "SELECT 1 AS a FORMAT JSONEachRow"}, 200, `{"a":1}` + "\n", ""},
		{"parameter", call{query: params("param_x", "42", "param_y", `a'b\\c`), body: "SELECT {x:UInt8} + 1, {y:String} FORMAT TSVRaw"}, 200, "43\ta'b\\c\n", ""},
		{"setting", call{query: params("max_block_size", "7"), body: "SELECT getSetting('max_block_size')"}, 200, "7\n", ""},
		{"settings do not stay", call{body: "SELECT getSetting('max_block_size') = 7"}, 200, "0\n", ""},
		{"unknown setting", call{query: params("max_blok_size", "7"), body: "SELECT 1"}, 404, "", "115"},
		{"database", call{query: params("database", "system"), body: "SELECT currentDatabase()"}, 200, "system\n", ""},
		{"no such database", call{query: params("database", "nowhere"), body: "SELECT 1"}, 404, "", "81"},
		{"syntax error", call{body: "SELEC 1"}, 400, "", "62"},
		{"unknown table", call{body: "SELECT * FROM nothing"}, 404, "", "60"},
		{"empty", call{body: "  "}, 400, "", "62"},
		{"two statements", call{body: "SELECT 1; SELECT 2"}, 400, "", "62"},
		{"semicolon at the end", call{body: "SELECT 1;\n-- done"}, 200, "1\n", ""},
		{"insert values", call{body: "INSERT INTO t VALUES (1, 'a'), (2, 'b;')"}, 200, "", ""},
		{"insert format in the body", call{body: "INSERT INTO t FORMAT CSV\n3,\"c\"\n"}, 200, "", ""},
		{"insert with data in the body", call{query: params("query", "INSERT INTO t (a, b) FORMAT TSV"), body: "4\tSELECT 1; FORMAT x\n"}, 200, "", ""},
		{"insert select", call{body: "INSERT INTO t SELECT number + 5, 'n' FROM numbers(2)"}, 200, "", ""},
		{"insert of no data", call{query: params("query", "INSERT INTO t FORMAT TSV")}, 200, "", ""},
		{"all rows", call{body: "SELECT * FROM t ORDER BY a FORMAT CSV"}, 200, "1,\"a\"\n2,\"b;\"\n3,\"c\"\n4,\"SELECT 1; FORMAT x\"\n5,\"n\"\n6,\"n\"\n", ""},
		{"bad data", call{query: params("query", "INSERT INTO t FORMAT TSV"), body: "x\ty\n"}, 400, "", "27"},
		{"insert into nothing", call{body: "INSERT INTO nothing VALUES (1)"}, 404, "", "60"},
		{"no such user", call{user: "none", query: params("user", "joe", "password", "x"), body: "SELECT 1"}, 403, "", "516"},
		{"wrong password", call{user: "none", query: params("user", "ntegral", "password", "x"), body: "SELECT 1"}, 403, "", "516"},
		{"nobody", call{user: "none", body: "SELECT 1"}, 401, "", "194"},
		{"user in the url", call{user: "none", query: params("user", "ntegral", "password", chservertest.WriterPassword), body: "SELECT 1"}, 200, "1\n", ""},
		{"user in headers", call{user: "none", header: map[string]string{"X-ClickHouse-User": "ntegral_read", "X-ClickHouse-Key": chservertest.ReaderPassword}, body: "SELECT 1"}, 200, "1\n", ""},
		{"engine user", call{user: "none", query: params("user", "default"), body: "SELECT 1"}, 403, "", "516"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.call.do(t, s)
			if r.status != tt.status || r.header.Get("X-ClickHouse-Exception-Code") != tt.code || r.err != nil {
				t.Fatalf("got %d, code %q, %v, %s; want %d, code %q", r.status, r.header.Get("X-ClickHouse-Exception-Code"), r.err, r.body, tt.status, tt.code)
			}
			if tt.code == "" && r.body != tt.want {
				t.Errorf("got %q, want %q", r.body, tt.want)
			}
			if prefix := fmt.Sprintf("Code: %s. DB::Exception: ", tt.code); tt.code != "" && (!strings.HasPrefix(r.body, prefix) || !strings.HasSuffix(r.body, " (official build))\n")) {
				t.Errorf("got text %q, want ClickHouse's form", r.body)
			}
		})
	}
}

// Every format must come out whole, whether it writes as it goes or only at its end.
func TestFormatsArriveWhole(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	for _, rows := range []int{0, 1, 300_000} {
		for _, format := range []string{"TSV", "CSVWithNames", "JSON", "JSONEachRow", "JSONCompact", "Native", "ArrowStream", "Parquet", "RowBinary", "Pretty", "XML", "Vertical"} {
			t.Run(fmt.Sprintf("%s %d", format, rows), func(t *testing.T) {
				r := call{query: params("max_block_size", "10000"), body: fmt.Sprintf("SELECT number AS n FROM numbers(%d) FORMAT %s", rows, format)}.do(t, s)
				if r.status != 200 || r.err != nil {
					t.Fatalf("got %d %v %.300s", r.status, r.err, r.body)
				}
				switch format {
				case "TSV", "CSVWithNames", "JSONEachRow":
					want := rows
					if format == "CSVWithNames" {
						want++
					}
					if got := strings.Count(r.body, "\n"); got != want {
						t.Errorf("got %d lines, want %d", got, want)
					}
				case "JSON":
					if want := fmt.Sprintf(`"rows": %d,`, rows); !strings.Contains(r.body, want) {
						t.Errorf("got %.300q, want %s", r.body, want)
					}
				case "RowBinary":
					if len(r.body) != 8*rows {
						t.Errorf("got %d bytes, want %d", len(r.body), 8*rows)
					}
				case "Parquet":
					if !strings.HasPrefix(r.body, "PAR1") || !strings.HasSuffix(r.body, "PAR1") {
						t.Errorf("got %.20q, want a whole parquet file", r.body)
					}
				}
			})
		}
	}
}

// Answers do not depend on where the machine stands.
func TestTimeZone(t *testing.T) {
	t.Setenv("TZ", "Asia/Tokyo")
	s := chservertest.Start(t, t.TempDir())
	if got, want := ask(t, s, "SELECT timezone(), toString(toDateTime(0)), toUnixTimestamp(toDateTime('1970-01-02 00:00:00'))"), "UTC\t1970-01-01 00:00:00\t86400"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r := call{query: params("session_timezone", "Europe/Berlin"), body: "SELECT toString(toDateTime(0))"}.do(t, s)
	if got := strings.TrimSpace(r.body); got != "1970-01-01 01:00:00" {
		t.Errorf("got %q in Berlin", got)
	}
}
