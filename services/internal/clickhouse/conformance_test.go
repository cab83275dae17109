package clickhouse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	schema "github.com/ntegral/ntegral/schemas/clickhouse"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/lifecycle"

	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func TestMain(m *testing.M) { chservertest.Main(m) }

func open(t testing.TB, s *chservertest.Server, options ...func(*clickhouse.Config)) *clickhouse.Client {
	t.Helper()
	c := clickhouse.Config{
		Addresses: []string{s.Addr}, Database: "ntegral", User: chserver.WriterUser, Password: chservertest.WriterPassword,
		Compression: "lz4", MaxConnections: 4, DialTimeout: 5 * time.Second, ReadTimeout: time.Minute,
	}
	for _, o := range options {
		o(&c)
	}
	client, err := clickhouse.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := client.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return client
}

func mustExec(t testing.TB, c *clickhouse.Client, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// one scans the only row of a query.
func one(t testing.TB, c *clickhouse.Client, dest []any, sql string, args ...any) {
	t.Helper()
	rows, err := c.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatalf("%s: no row (%v)", sql, rows.Err())
	}
	if err := rows.Scan(dest...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if rows.Next() || rows.Err() != nil {
		t.Fatalf("%s: more than a row, or %v", sql, rows.Err())
	}
}

// TestClient makes the product's calls under every compression.
func TestClient(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	for _, compression := range []string{"none", "lz4", "zstd", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			c := open(t, s, func(c *clickhouse.Config) { c.Compression = compression })
			testRows(t, c, "t_"+compression)
			testTypes(t, c)
			testArrowOut(t, c)
			testErrors(t, c)
		})
	}
}

func testRows(t *testing.T, c *clickhouse.Client, table string) {
	ctx := t.Context()
	mustExec(t, c, "CREATE TABLE "+table+" (id UInt64, name LowCardinality(String), cost Decimal(18, 9), at DateTime64(3, 'UTC'), tags Map(LowCardinality(String), Int64)) ENGINE = MergeTree ORDER BY id")
	b, err := c.Batch(ctx, "INSERT INTO "+table)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 100_000
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range rows {
		if err := b.Append(uint64(i), fmt.Sprint("name ", i%7), decimal.New(int64(i), -9), at, map[string]int64{"a": int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	var n, sum uint64
	var cost decimal.Decimal
	one(t, c, []any{&n, &sum, &cost}, "SELECT count(), sum(id), sum(cost) FROM "+table+" WHERE at = {at:DateTime64(3)} AND name LIKE {like:String}",
		clickhouse.Named("at", at), clickhouse.Named("like", "name%"))
	if n != rows || sum != rows*(rows-1)/2 || !cost.Equal(decimal.New(rows*(rows-1)/2, -9)) {
		t.Errorf("got %d rows, sum %d, cost %s", n, sum, cost)
	}
	var got []struct {
		ID   uint64           `ch:"id"`
		Name string           `ch:"name"`
		Tags map[string]int64 `ch:"tags"`
	}
	if err := c.Select(ctx, &got, "SELECT id, name, tags FROM "+table+" ORDER BY id SETTINGS max_block_size = 1000"); err != nil {
		t.Fatal(err)
	}
	if len(got) != rows || got[rows-1].ID != rows-1 || got[9].Name != "name 2" || got[9].Tags["a"] != 9 {
		t.Errorf("got %d rows, the last %+v", len(got), got[len(got)-1])
	}
	if err := c.Select(ctx, &got, "SELECT id, name, tags FROM "+table+" WHERE id > 1000000"); err != nil || len(got) != 0 {
		t.Errorf("got %d rows and %v, want none", len(got), err)
	}
}

// testTypes binds a parameter of each type that the product uses and reads it back.
func testTypes(t *testing.T, c *clickhouse.Client) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	for _, tt := range []struct {
		typ  string
		give any
		want string // as the engine prints it
	}{
		{"UInt8", uint8(7), "7"},
		{"Int64", int64(-1 << 62), "-4611686018427387904"},
		{"UInt64", uint64(1<<64 - 1), "18446744073709551615"},
		{"Float64", 1.5, "1.5"},
		{"String", "a'b\\c\td\n\"é;--", "a'b\\c\td\n\"é;--"},
		{"String", "", ""},
		{"Bool", true, "true"},
		{"DateTime64(3, 'UTC')", at, "2026-03-01 12:00:00.123"},
		{"Decimal(38, 9)", "123.000000001", "123.000000001"},
		{"Array(String)", []string{"a", "b'"}, `['a','b\'']`},
		{"Array(UInt64)", []uint64{1, 2}, "[1,2]"},
		{"Nullable(String)", "x", "x"},
	} {
		var got string
		rows, err := c.Query(t.Context(), "SELECT toString({p:"+tt.typ+"})", clickhouse.Named("p", tt.give))
		if err != nil {
			t.Errorf("%s: %v", tt.typ, err)
			continue
		}
		if !rows.Next() {
			t.Errorf("%s: no row: %v", tt.typ, rows.Err())
		} else {
			var p *string
			if err := rows.Scan(&got); err != nil {
				if err := rows.Scan(&p); err != nil {
					t.Errorf("%s: %v", tt.typ, err)
				} else {
					got = *p
				}
			}
			if got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.typ, got, tt.want)
			}
		}
		rows.Close()
	}
	ctx := clickhouse.WithSettings(t.Context(), clickhouse.QuerySettings{"max_block_size": 77})
	rows, err := c.Query(ctx, "SELECT toUInt64(getSetting('max_block_size'))")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var size uint64
	if rows.Next(); rows.Scan(&size) != nil || size != 77 {
		t.Errorf("got max_block_size %d, want 77", size)
	}
}

// testArrowOut reads a result of many blocks, with dictionaries and without, as one Arrow stream.
func testArrowOut(t *testing.T, c *clickhouse.Client) {
	for _, dictionary := range []int{0, 1} {
		ctx := clickhouse.WithSettings(t.Context(), clickhouse.QuerySettings{"max_block_size": 1000, "output_format_arrow_low_cardinality_as_dictionary": dictionary})
		r, err := c.QueryArrow(ctx, "SELECT number AS n, toLowCardinality(toString(number % 3)) AS s, toDecimal64(number, 6) AS d FROM numbers({n:UInt64})", clickhouse.Named("n", 12_345))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		in, err := ipc.NewReader(r, ipc.WithAllocator(memory.DefaultAllocator))
		if err != nil {
			t.Fatal(err)
		}
		var rows int64
		for in.Next() {
			rows += in.Record().NumRows()
		}
		if in.Err() != nil || rows != 12_345 {
			t.Errorf("dictionary %d: got %d rows, %v; want 12345", dictionary, rows, in.Err())
		}
		in.Release()
		if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
			t.Errorf("dictionary %d: %d bytes follow the stream, %v", dictionary, len(rest), err)
		}
	}
}

func testErrors(t *testing.T, c *clickhouse.Client) {
	for _, tt := range []struct {
		sql  string
		code int
		kind func(error) bool
	}{
		{"SELECT * FROM not_there", 60, lifecycle.IsRetryable},
		{"SELECT nothing", 47, lifecycle.IsPermanent},
		{"SELEC", 62, lifecycle.IsPermanent},
		{"SELECT throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1", 395, lifecycle.IsRetryable}, // after the first block
	} {
		rows, err := c.Query(t.Context(), tt.sql)
		if err == nil {
			for rows.Next() {
			}
			err = clickhouse.Classify(t.Context(), rows.Err())
			rows.Close()
		}
		if clickhouse.CodeOf(err) != tt.code || !tt.kind(err) {
			t.Errorf("%s: got code %d, %v", tt.sql, clickhouse.CodeOf(err), err)
		}
	}
	r, err := c.QueryFormat(t.Context(), "TSV", "SELECT throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1")
	if err == nil {
		_, err = io.Copy(io.Discard, r)
		r.Close()
	}
	if clickhouse.CodeOf(err) != 395 {
		t.Errorf("format stream: got %v, want code 395", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Exec(ctx, "SELECT 1"); !lifecycle.IsInterrupted(err) {
		t.Errorf("cancelled: got %v", err)
	}
}

// facts encodes n rows of facts as the product does.
func facts(t testing.TB, n int, epoch uint64) []byte {
	t.Helper()
	b := fact.NewBuilder()
	rows := make([]fact.Row, n)
	for i := range rows {
		r := &rows[i]
		r.WindowStart = 1_772_366_400_000_000_000 + int64(i/64)*60e9
		r.WindowLength, r.RecordedAt, r.Epoch = 60e9, r.WindowStart, epoch
		r.Node, r.Device, r.Workload = fmt.Sprint("node-", i%8), fmt.Sprint("gpu-", i%64), fmt.Sprint("job-", i%5)
		for j := range r.Sums {
			r.Sums[j] = int64(i*100 + j)
		}
	}
	stream, _, err := b.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// TestInsertArrowOnce inserts the same part twice: it counts once, in the table and in what
// materialised views of materialised views fill.
func TestInsertArrowOnce(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	c := open(t, s)
	if err := c.Migrate(t.Context(), schema.Migrations); err != nil {
		t.Fatal(err)
	}
	part := facts(t, 3000, 1)
	var want fact.Sums
	for i := range 3000 {
		for j := range want {
			want[j] += int64(i*100 + j)
		}
	}
	for range 2 {
		if err := c.InsertArrow(t.Context(), "INSERT INTO facts", "0/1/1/0", nil, bytes.NewReader(part)); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"facts", "facts_hourly", "facts_daily"} {
		var energy decimal.Decimal
		one(t, c, []any{&energy}, "SELECT sum(energy_j) FROM "+table)
		if got := energy.Shift(6).IntPart(); got != want[fact.Energy] {
			t.Errorf("%s: got %d uJ, want %d", table, got, want[fact.Energy])
		}
	}
	if err := c.InsertArrow(t.Context(), "INSERT INTO facts", "0/1/2/0", nil, bytes.NewReader(part[:len(part)/2])); err == nil {
		t.Error("half a stream was taken")
	}
	var n uint64
	one(t, c, []any{&n}, "SELECT count() FROM facts")
	if n != 3000 {
		t.Errorf("got %d rows after half a stream, want 3000", n)
	}
}

func TestMigrate(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	c := open(t, s)
	ctx := t.Context()
	files := func(pairs ...string) fstest.MapFS {
		fsys := fstest.MapFS{}
		for i := 0; i < len(pairs); i += 2 {
			fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
		return fsys
	}
	first := "-- a;\nCREATE TABLE a (x Int8) ENGINE = MergeTree ORDER BY x;\n\nCREATE TABLE b (x String DEFAULT ';')\nENGINE = MergeTree ORDER BY x;\n"
	steps := []struct {
		name string
		fsys fstest.MapFS
		fail bool
	}{
		{"first", files("m/0001_a.sql", first), false},
		{"again", files("m/0001_a.sql", first), false},
		{"changed", files("m/0001_a.sql", first+"-- "), true},
		{"gap", files("m/0001_a.sql", first, "m/0003_c.sql", "SELECT 1;"), true},
		{"second fails", files("m/0001_a.sql", first, "m/0002_b.sql", "CREATE TABLE c (x Int8) ENGINE = Memory;\nCREATE TABEL d;\n"), true},
		{"older program", files("m/0001_a.sql", first), true},
	}
	for _, step := range steps {
		if err := c.Migrate(ctx, step.fsys); (err != nil) != step.fail {
			t.Errorf("%s: got %v, want an error: %v", step.name, err, step.fail)
		}
	}
	// As if the process had died after the statement and before its row.
	mustExec(t, c, "ALTER TABLE schema_migrations DELETE WHERE version = 2 AND statements = 1 SETTINGS mutations_sync = 1")
	fsys := files("m/0001_a.sql", first, "m/0002_b.sql", "CREATE TABLE c (x Int8) ENGINE = Memory;\nCREATE TABEL d;\n")
	if err := c.Migrate(ctx, fsys); clickhouse.CodeOf(err) != 62 {
		t.Errorf("resumed: got %v, want the second statement's syntax error", err)
	}
	var names []string
	rows, err := c.Query(ctx, "SELECT name FROM system.tables WHERE database = 'ntegral' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "schema_migrations"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestWrongPasswordIsPermanent(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	c, err := clickhouse.Open(clickhouse.Config{
		Addresses: []string{s.Addr}, Database: "ntegral", User: "ntegral", Password: "wrong", MaxConnections: 1, DialTimeout: time.Second, ReadTimeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.WaitReady(t.Context()); !lifecycle.IsPermanent(err) {
		t.Errorf("got %v, want a permanent error", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", errors.Join(c.Ping(t.Context())), clickhouse.Config{Password: "hush"}, clickhouse.Config{Password: "hush"}); bytes.Contains([]byte(text), []byte("hush")) {
		t.Errorf("a password is printed: %s", text)
	}
}
