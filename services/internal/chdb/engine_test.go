package chdb

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEngine is one test because a process has one engine.
func TestEngine(t *testing.T) {
	path, err := Find(os.Getenv("NTEGRAL_CHDB_LIB"))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	lib, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e, err := lib.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(Version, lib.Version()) {
		t.Errorf("the library says it is %s, want %s", lib.Version(), Version)
	}
	t.Run("folder is locked", func(t *testing.T) {
		if _, err := lib.Start(dir); !errors.Is(err, ErrLocked) {
			t.Errorf("got %v, want ErrLocked", err)
		}
	})
	t.Run("signals are Go's", testSignals)
	c, err := e.Connect("--max_block_size=1000")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("query", func(t *testing.T) { testQuery(t, c) })
	t.Run("stream", func(t *testing.T) { testStream(t, c) })
	t.Run("insert", func(t *testing.T) { testInsert(t, c) })
	t.Run("classify", func(t *testing.T) { testClassify(t, c) })
	t.Run("kill", func(t *testing.T) { testKill(t, e, c) })
	c.Close()
	c.Close() // safe twice
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// A fault must still become a Go panic, and a signal still reach signal.Notify.
func testSignals(t *testing.T) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	defer signal.Stop(got)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
	case <-time.After(5 * time.Second):
		t.Error("the signal did not arrive")
	}
	defer func() {
		if recover() == nil {
			t.Error("a nil pointer did not panic")
		}
	}()
	var c *Conn
	c.ptr++
}

func testQuery(t *testing.T, c *Conn) {
	out, stats, err := c.Query("SELECT {a:UInt64} + 1, {b:String}", "TSV", Param{"a", "41"}, Param{"b", "x"})
	if err != nil || string(out) != "42\tx\n" || stats.ResultRows != 1 {
		t.Errorf("got %q, %+v, %v", out, stats, err)
	}
	var e *Error
	if _, _, err := c.Query("SELECT nothing", "TSV"); !errors.As(err, &e) || e.Code != 47 || e.Name != "UNKNOWN_IDENTIFIER" {
		t.Errorf("got %+v", err)
	}
	if out, _, err := c.Query("SELECT {a:UInt64}", "TSV"); err == nil {
		t.Errorf("a parameter stayed behind its query: %q", out)
	}
}

func testStream(t *testing.T, c *Conn) {
	s, err := c.Stream("SELECT number FROM numbers(10000)", "RowBinary")
	if err != nil {
		t.Fatal(err)
	}
	pieces, bytes := 0, 0
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pieces, bytes = pieces+1, bytes+len(b)
	}
	s.Close()
	if pieces < 5 || bytes != 80_000 {
		t.Errorf("got %d bytes in %d pieces, want 80000 in about 10", bytes, pieces)
	}
	s, err = c.Stream("SELECT number FROM numbers(1000000000000)", "RowBinary")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	s.Close() // before the end
	// What is wrong with a query may show at its start or with its first piece.
	if s, err = c.Stream("SELECT nothing", "TSV"); err == nil {
		_, err = s.Next()
		s.Close()
	}
	if err == nil {
		t.Error("got a stream of nothing")
	}
}

func testInsert(t *testing.T, c *Conn) {
	if err := c.Exec("CREATE TABLE default.t (a UInt64) ENGINE = MergeTree ORDER BY a"); err != nil {
		t.Fatal(err)
	}
	insert := func(rows ...string) (*Insert, error) {
		in, err := c.Insert("INSERT INTO default.t", "TSV")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if _, err := in.Write([]byte(r)); err != nil {
				return in, err
			}
		}
		return in, nil
	}
	in, _ := insert("1\n2", "3\n", "4\n")
	if stats, err := in.Finish(); err != nil || stats.WrittenRows != 3 {
		t.Errorf("got %+v, %v", stats, err)
	}
	in, _ = insert("5\n")
	in.Cancel()
	in.Cancel() // safe twice
	in, _ = insert("x\n")
	if _, err := in.Finish(); err == nil {
		t.Error("bad data was taken")
	}
	if out, _, _ := c.Query("SELECT count(), sum(a) FROM default.t", "TSV"); string(out) != "3\t28\n" {
		t.Errorf("table holds %q", out)
	}
	if _, err := c.Insert("INSERT INTO nothing", "TSV"); err == nil {
		t.Error("got an insert into nothing")
	}
}

func testClassify(t *testing.T, c *Conn) {
	for sql, want := range map[string]Analysis{
		"SELECT 1":                    {1, ClassReadOnly, false},
		"SELECT 1; SELECT 2":          {2, ClassReadOnly, false},
		"INSERT INTO t VALUES (1)":    {1, ClassMutating, false},
		"CREATE FUNCTION f AS x -> x": {1, ClassMutatingGlobal, false},
		"SET a = 1":                   {1, ClassControl, false},
		"SELECT 1 INTO OUTFILE 'x'":   {1, ClassControl, false},
		"SELECT FROM FROM":            {0, ClassUnknown, false},
	} {
		if got, err := c.Classify(sql); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", sql, got, err, want)
		}
	}
}

func testKill(t *testing.T, e *Engine, c *Conn) {
	if err := c.Tag("it's this one"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := c.Query("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))", "TSV")
		done <- err
	}()
	for {
		if err := e.Kill("it's this one"); err != nil {
			t.Error(err)
		}
		select {
		case err := <-done:
			var ce *Error
			if !errors.As(err, &ce) || ce.Code != 394 {
				t.Errorf("got %v, want code 394", err)
			}
			return
		default:
		}
	}
}
