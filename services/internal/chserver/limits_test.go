package chserver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
)

// TestReaderCannot tries what the reader must not be able to do. Whatever the way out, the answer
// is an error of the right kind; nothing is read, written or lifted.
func TestReaderCannot(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	exec(t, s,
		"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a", "INSERT INTO t SELECT number FROM numbers(10)",
		"CREATE DATABASE other", "CREATE TABLE other.secret (a UInt64) ENGINE = MergeTree ORDER BY a",
		"CREATE VIEW v AS SELECT sum(a) AS s FROM t", "CREATE FUNCTION twice AS (x) -> x * 2")
	denied := map[string][]string{
		"497 access": {
			"SELECT * FROM other.secret", "SELECT file('/etc/passwd')", "SELECT `\\x66ile`('/etc/passwd')", "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
			"SELECT 1 WHERE file('/etc/passwd') != ''", "WITH (SELECT file('/etc/passwd')) AS f SELECT f", "SELECT 1 ORDER BY file('/etc/passwd')",
			"SELECT '/etc/passwd' AS x, COLUMNS('x') APPLY file", "SELECT * APPLY (x -> file('/etc/passwd')) FROM t", "SELECT file('/etc/passwd') FORMAT JSON",
			"EXPLAIN SELECT file('/etc/passwd')", "EXPLAIN SYNTAX SELECT file('/etc/passwd')", "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'a', 'b', 'c', 'd') COLUMNS (x Int8)", "DESCRIBE TABLE (SELECT file('/etc/passwd'))",
			"SELECT * FROM (SELECT 1 UNION ALL SELECT length(file('/etc/passwd')))",
			"SELECT * FROM file('/etc/passwd', LineAsString)", "DESCRIBE TABLE file('/etc/passwd')", "SELECT * FROM default.`/etc/passwd`",
			"SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", "SELECT * FROM s3('http://127.0.0.1:1/b/x.csv', CSV, 'a String')",
			"SELECT * FROM remote('127.0.0.1', 'system.one')", "SELECT * FROM cluster('default', system.one)", "SELECT * FROM input('a String')",
			"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM sqlite('/tmp/x', 'y')",
			"SELECT * FROM executable('x', TSV, 'a String')", "SELECT * FROM merge('system', 'processes')", "SELECT * FROM merge('.*', '.*')", "SELECT * FROM mergeTreeIndex('other', 'secret')",
			"SELECT * FROM loop(other.secret)", "SELECT hasColumnInTable('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e')", "SELECT reverseDNSQuery('127.0.0.1')", "SELECT getServerSetting('path')",
			"SELECT * FROM system.processes", "SELECT query FROM `system`.`processes`", "SELECT 1 IN system.processes", "SELECT * FROM system.users", "SELECT * FROM system.stack_trace",
			"SELECT * FROM system.server_settings", "SELECT * FROM system.disks", "SELECT * FROM t, system.processes", "SHOW PROCESSLIST", "SHOW GRANTS", "SHOW USERS", "SHOW ACCESS",
			"SELECT addressToLine(toUInt64(1))",
		},
		"164 readonly": {
			"INSERT INTO t VALUES (1)", "INSERT INTO t SELECT 1", "CREATE TABLE x (a Int8) ENGINE = Memory", "CREATE TEMPORARY TABLE x (a Int8)", "DROP TABLE t", "TRUNCATE TABLE t", "ALTER TABLE t DELETE WHERE 1",
			"OPTIMIZE TABLE t", "SYSTEM SHUTDOWN", "SYSTEM FLUSH LOGS", "KILL QUERY WHERE 1", "SET readonly = 0", "SET ROLE ntegral_writer", "SET max_memory_usage = 0", "USE system", "EXECUTE AS default",
			"SELECT 1 INTO OUTFILE '/tmp/ntegral-outfile'", "SELECT 1 INTO OUTFILE '/tmp/ntegral-outfile' FORMAT CSV", "INSERT INTO FUNCTION file('/tmp/ntegral-outfile', CSV, 'a Int8') VALUES (1)", "BACKUP DATABASE ntegral TO File('/tmp/x')",
			"CREATE USER x", "GRANT ALL ON *.* TO default", "CREATE FUNCTION f AS x -> x", "ATTACH TABLE t", "DETACH TABLE t", "RENAME TABLE t TO u", "EXCHANGE TABLES t AND v", "DELETE FROM t WHERE 1", "UPDATE t SET a = 1 WHERE 1",
			"SELECT * FROM t SETTINGS readonly = 0", "SELECT * FROM t SETTINGS max_result_rows = 0", "SELECT * FROM t SETTINGS max_memory_usage = 0", "SELECT * FROM (SELECT * FROM t SETTINGS max_execution_time = 0)", "EXPLAIN SELECT 1 SETTINGS max_threads = 1", "SELECT file('/etc/passwd') SETTINGS max_threads = 1",
			"SELECT 1 WHERE 1 IN (SELECT a FROM t SETTINGS readonly = 0)",
			"SELECT * FROM t SETTINGS log_comment = 'x'", "SELECT 1 FORMAT CSV SETTINGS format_csv_delimiter = ';'",
		},
		"62 syntax": {"SELECT 1; DROP TABLE t", "SELECT 1; SELECT 2", "SELEC 1", ""},
	}
	for kind, statements := range denied {
		want, _, _ := strings.Cut(kind, " ")
		for _, sql := range statements {
			r := call{user: "read", body: sql}.do(t, s)
			if got := r.header.Get("X-ClickHouse-Exception-Code"); got != want || r.status == 200 {
				t.Errorf("%s: got %d, code %q, %.200s; want code %s", sql, r.status, got, r.body, want)
			}
		}
	}
	named := params("param_d", "system", "param_t", "processes", "param_b", "system.processes")
	for _, sql := range []string{"SELECT * FROM {d:Identifier}.{t:Identifier}", "SELECT * FROM {b:Identifier}", "SELECT * FROM system.{t:Identifier}"} {
		if r := (call{user: "read", query: named, body: sql}).do(t, s); r.status == 200 {
			t.Errorf("%s: got an answer: %s", sql, r.body)
		}
	}
	for _, setting := range []string{"format_schema", "user_files_path", "max_bytes_to_read", "allow_experimental_analyzer", "role"} {
		r := call{user: "read", query: params(setting, "1"), body: "SELECT 1"}.do(t, s)
		if got := r.header.Get("X-ClickHouse-Exception-Code"); setting != "role" && got != "164" {
			t.Errorf("setting %s: got code %q, want 164", setting, got)
		}
	}
	if got := ask(t, s, "SELECT count(), sum(a) FROM t"); got != "10\t45" {
		t.Errorf("table holds %q after the attempts, want 10 and 45", got)
	}
	if n := ask(t, s, "SELECT count() FROM file('/tmp/ntegral-outfile*', LineAsString, 'a String') SETTINGS engine_file_empty_if_not_exists = 1"); n != "0" {
		t.Errorf("the reader wrote a file")
	}
}

func TestReaderCan(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	exec(t, s, "CREATE TABLE t (a UInt64, file String) ENGINE = MergeTree ORDER BY a", "INSERT INTO t SELECT number, 'f' FROM numbers(10)", "CREATE VIEW v AS SELECT sum(a) AS s FROM t")
	for sql, want := range map[string]string{
		"SELECT sum(a) FROM t":                              "45",
		"SELECT s FROM ntegral.v":                           "45",
		"WITH x AS (SELECT a FROM t) SELECT count() FROM x": "10",
		"SELECT any(file), uniq(file) FROM t":               "f\t1",
		"SELECT count() FROM numbers(7)":                    "7",
		"SELECT sum(number) FROM system.numbers WHERE number < 3 LIMIT 1 SETTINGS max_threads = 1": "", // refused: settings
		"SELECT count() FROM system.tables WHERE database = 'ntegral'":                             "2",
		"SELECT name FROM system.tables WHERE database = 'other'":                                  "",
		"SHOW TABLES":      "t\nv",
		"DESCRIBE TABLE v": "s\tUInt64",
		"EXPLAIN indexes = 1 SELECT 1 FORMAT Null": "",
		"EXPLAIN SYNTAX SELECT 1":                  "SELECT 1\nFROM system.one",
		"EXISTS TABLE t":                           "1",
		"SELECT 'INSERT INTO t; DROP TABLE t -- system.processes file(1)'": "INSERT INTO t; DROP TABLE t -- system.processes file(1)",
		"SELECT currentDatabase(), getSetting('readonly')":                 "ntegral\t1",
		"SELECT 1 FORMAT CSV": "1",
	} {
		if want == "" && strings.Contains(sql, "SETTINGS") {
			continue
		}
		r := call{user: "read", query: params("database", "default"), body: sql}.do(t, s)
		if got := strings.TrimSpace(r.body); r.status != 200 || got != want {
			t.Errorf("%s: got %d %q, want %q", sql, r.status, got, want)
		}
	}
	// Clients send settings by habit; wishes above a limit are cut to it, wishes below are kept.
	for _, tt := range []struct{ name, value, want string }{
		{"max_execution_time", "5", "5"},
		{"max_execution_time", "9000", "20"},
		{"max_execution_time", "0", "20"},
		{"max_result_rows", "0", "1000000"},
		{"max_result_rows", "10", "10"},
		{"max_memory_usage", "99999999999", "300000000"},
		{"readonly", "0", "1"},
		{"max_threads", "64", "2"},
		{"join_use_nulls", "1", "1"},
	} {
		r := call{user: "read", query: params(tt.name, tt.value), body: "SELECT toString(getSetting('" + tt.name + "'))"}.do(t, s)
		if got := strings.TrimSpace(r.body); got != tt.want && !(tt.name == "join_use_nulls" && got == "true") {
			t.Errorf("%s=%s: got %q, want %s", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestLimits(t *testing.T) {
	s := chservertest.Start(t, t.TempDir(), func(c *chserver.Config) {
		c.MaxBodyBytes, c.MaxConcurrentQueries, c.Reader.ConcurrentQueries = 1<<20, 3, 1
		c.Reader.Seconds, c.Reader.MemoryBytes, c.Reader.ResultRows = 1, 50e6, 1000
	})
	exec(t, s, "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a", "CREATE TABLE n (a UInt64) ENGINE = Null")
	for _, tt := range []struct {
		name string
		call call
		code string
	}{
		{"time", call{user: "read", body: "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"}, "159"},
		{"memory", call{user: "read", body: "SELECT groupArray(toString(number)) FROM numbers(10000000) FORMAT Null"}, "241"},
		{"rows", call{user: "read", body: "SELECT number FROM numbers(1001)"}, "396"},
		{"body", call{query: params("query", "INSERT INTO t FORMAT TSV"), body: strings.Repeat("x", 2<<20)}, "223"},
		{"statement", call{body: "SELECT '" + strings.Repeat("x", 300<<10) + "'"}, "62"},
		{"result of a format that cannot be streamed", call{body: "SELECT number FROM numbers(5000000) FORMAT JSON"}, "396"},
	} {
		start := time.Now()
		r := tt.call.do(t, s)
		t.Logf("%s: %s", tt.name, time.Since(start).Round(time.Millisecond))
		if got := r.header.Get("X-ClickHouse-Exception-Code"); got != tt.code {
			t.Errorf("%s: got %d, code %q, %.200s; want %s", tt.name, r.status, got, r.body, tt.code)
		}
	}
	if got := ask(t, s, "SELECT count() FROM t"); got != "0" {
		t.Errorf("%s rows of a body that was too large were stored", got)
	}
	exec(t, s, "INSERT INTO n SELECT number FROM numbers(50000000)") // no result, no limit

	t.Run("gzip bomb", func(t *testing.T) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(make([]byte, 64<<20))
		_ = z.Close()
		r := call{query: params("query", "INSERT INTO t FORMAT TSV"), body: b.String(), header: map[string]string{"Content-Encoding": "gzip"}}.do(t, s)
		if r.status != http.StatusRequestEntityTooLarge {
			t.Errorf("got %d %.200s", r.status, r.body)
		}
	})
	t.Run("queries at a time", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				cancellable(ctx, t, s, "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))")
			})
		}
		refused := 0 // a place is free again only after its answer, so one refusal proves nothing
		waitFor(t, func() bool {
			r := call{body: "SELECT 1"}.do(t, s)
			if r.status == http.StatusTooManyRequests && r.header.Get("X-ClickHouse-Exception-Code") == "202" {
				refused++
			} else {
				refused = 0
			}
			return refused == 10
		})
		cancel()
		wg.Wait()
	})
}

// cancellable runs a query until ctx ends; a refusal for lack of a place it tries again.
func cancellable(ctx context.Context, t testing.TB, s *chservertest.Server, sql string) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+"/", strings.NewReader(sql))
		if err != nil {
			t.Error(err)
			return
		}
		req.SetBasicAuth(chserver.WriterUser, chservertest.WriterPassword)
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			return
		}
		res.Body.Close()
		if res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("got an answer: %s", res.Status)
			return
		}
	}
}

// waitFor repeats a question, which takes its time to answer, until it is answered with yes.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("gave up waiting")
		}
	}
}

// A client that goes away takes its query with it, whether it waits for the first byte or reads.
func TestCancel(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	exec(t, s, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	for name, sql := range map[string]string{
		"before the first byte": "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))",
		"insert select":         "INSERT INTO t SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) = 1",
		"no stream":             "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number)) FORMAT JSON",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { cancellable(ctx, t, s, sql) })
			running := func() string {
				return ask(t, s, "SELECT count() FROM system.processes WHERE query LIKE '%1000000000000%' AND query NOT LIKE '%processes%'")
			}
			waitFor(t, func() bool { return running() == "1" })
			start := time.Now()
			cancel()
			wg.Wait()
			waitFor(t, func() bool { return running() == "0" })
			t.Logf("gone after %s", time.Since(start).Round(time.Millisecond))
		})
	}
	t.Run("while reading", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+"/", strings.NewReader("SELECT number FROM numbers(1000000000000)"))
		req.SetBasicAuth(chserver.WriterUser, chservertest.WriterPassword)
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := res.Body.Read(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		cancel()
		res.Body.Close()
		waitFor(t, func() bool {
			return ask(t, s, "SELECT count() FROM system.processes WHERE query LIKE '%1000000000000%' AND query NOT LIKE '%processes%'") == "0"
		})
	})
}

// After the first byte an error is a tagged block, and the connection is cut.
func TestErrorInTheStream(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	sql := "SELECT throwIf(number = 500000, 'too far') FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1"
	r := call{body: sql}.do(t, s)
	tag := r.header.Get("X-ClickHouse-Exception-Tag")
	if r.status != 200 || len(tag) != 16 || r.err == nil {
		t.Fatalf("got %d, tag %q, read error %v", r.status, tag, r.err)
	}
	at := strings.Index(r.body, "\r\n__exception__\r\n"+tag+"\r\nCode: 395. DB::Exception: too far")
	if at < 0 || !strings.HasSuffix(r.body, " "+tag+"\r\n__exception__\r\n") {
		t.Errorf("got a stream that ends %.300q", r.body[max(0, len(r.body)-300):])
	}
	// Held back to its end, the same is an ordinary error.
	r = call{query: params("wait_end_of_query", "1"), body: sql}.do(t, s)
	if r.status != 500 || r.header.Get("X-ClickHouse-Exception-Code") != "395" {
		t.Errorf("wait_end_of_query: got %d %.200s", r.status, r.body)
	}
}

// What was acknowledged is there after SIGKILL, and once.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	s := chservertest.Start(t, dir, func(c *chserver.Config) { c.Durable = true })
	exec(t, s, "CREATE TABLE t (part UInt32, a UInt64) ENGINE = MergeTree ORDER BY part SETTINGS non_replicated_deduplication_window = 1000",
		"CREATE TABLE sums (part UInt32, a UInt64) ENGINE = SummingMergeTree ORDER BY part SETTINGS non_replicated_deduplication_window = 1000",
		"CREATE MATERIALIZED VIEW mv TO sums AS SELECT part, sum(a) AS a FROM t GROUP BY part")
	if got := ask(t, s, "SELECT value FROM system.merge_tree_settings WHERE name = 'fsync_after_insert'"); got != "1" {
		t.Errorf("fsync_after_insert is %s with Durable, want 1", got)
	}
	next := 0
	for round := range 3 {
		killed, kill := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(killed)
			<-kill
			s.Kill() // somewhere in the inserts that go on
		}()
		acknowledged := next
		for insertPart(s, acknowledged) {
			if acknowledged++; acknowledged == next+2+round {
				close(kill)
			}
		}
		<-killed
		s = chservertest.Start(t, dir)
		if got := ask(t, s, fmt.Sprintf("SELECT uniqExact(part) FROM t WHERE part < %d", acknowledged)); got != fmt.Sprint(acknowledged) {
			t.Fatalf("round %d: %s of %d acknowledged parts are there", round, got, acknowledged)
		}
		// The unacknowledged part is repeated; its token decides.
		if !insertPart(s, acknowledged) {
			t.Fatal("cannot insert after the restart")
		}
		next = acknowledged + 1
		t.Logf("round %d: killed after part %d", round, acknowledged)
	}
	want := fmt.Sprintf("%d\t%d", 10*next, 45*next)
	if got := ask(t, s, "SELECT count(), sum(a) FROM t"); got != want {
		t.Errorf("table: got %s, want %s", got, want)
	}
	if got := ask(t, s, "SELECT sum(a) FROM sums"); got != fmt.Sprint(45*next) {
		t.Errorf("rollup: got %s, want %d", got, 45*next)
	}
}

// insertPart inserts a part under its token and reports whether it was acknowledged.
func insertPart(s *chservertest.Server, part int) bool {
	var rows strings.Builder
	for i := range 10 {
		fmt.Fprintf(&rows, "%d\t%d\n", part, i)
	}
	q := params("query", "INSERT INTO t FORMAT TSV", "insert_deduplication_token", fmt.Sprint("0/1/", part), "deduplicate_blocks_in_dependent_materialized_views", "1")
	req, _ := http.NewRequest(http.MethodPost, "http://"+s.Addr+"/?"+q.Encode(), strings.NewReader(rows.String()))
	req.SetBasicAuth(chserver.WriterUser, chservertest.WriterPassword)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// A folder belongs to one process.
func TestFolderIsLocked(t *testing.T) {
	dir := t.TempDir()
	s := chservertest.Start(t, dir)
	c := chservertest.DefaultConfig(dir)
	err := chserver.Run(t.Context(), c, chserver.Settings{})
	if err == nil || !strings.Contains(err.Error(), "another process uses this folder") {
		t.Errorf("got %v", err)
	}
	if got := ask(t, s, "SELECT 1"); got != "1" {
		t.Error("the first server does not answer any more")
	}
}

// A stop lets a running request finish, up to its time; then it is killed.
func TestDrain(t *testing.T) {
	s := chservertest.Start(t, t.TempDir(), func(c *chserver.Config) { c.DrainTimeout = 200 * time.Millisecond })
	var wg sync.WaitGroup
	var status string
	wg.Go(func() {
		r := call{body: "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"}.do(t, s)
		status = r.header.Get("X-ClickHouse-Exception-Code")
	})
	waitFor(t, func() bool { return ask(t, s, "SELECT count() FROM system.processes") == "2" })
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	wg.Wait()
	if status != "394" {
		t.Errorf("the running query got code %q, want 394", status)
	}
}

// Two requests may use one query id: the end of one does not end the other.
func TestSameQueryID(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+"/?query_id=same", strings.NewReader("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"))
		req.SetBasicAuth(chserver.ReaderUser, chservertest.ReaderPassword)
		if res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req); err == nil {
			res.Body.Close()
		}
	}()
	done := make(chan reply)
	go func() {
		done <- call{query: params("query_id", "same"), body: "SELECT count() FROM numbers(3000000000) WHERE NOT ignore(number)"}.do(t, s)
	}()
	waitFor(t, func() bool {
		return ask(t, s, "SELECT count() FROM system.processes WHERE query NOT LIKE '%processes%'") == "2"
	})
	cancel()
	<-reading
	if r := <-done; r.status != 200 || r.header.Get("X-ClickHouse-Query-Id") != "same" {
		t.Errorf("got %d %s", r.status, r.body)
	}
}
