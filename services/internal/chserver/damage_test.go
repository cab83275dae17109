package chserver_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/system/systemtest"
)

// What a full disk can leave behind is made by hand: a merged part whose file of
// marks is empty. The server ends, and its next start has all rows.
func TestDamagedMergeEndsTheServer(t *testing.T) {
	dir := t.TempDir()
	s := chservertest.Start(t, dir, func(c *chserver.Config) { c.DamagePause = time.Nanosecond })
	exec(t, s, "CREATE TABLE t (part UInt32, a UInt64) ENGINE = MergeTree ORDER BY part")
	for part := range 3 {
		if !insertPart(s, part) {
			t.Fatal("cannot insert")
		}
	}
	exec(t, s, "OPTIMIZE TABLE t FINAL")
	folder := ask(t, s, "SELECT path FROM system.parts WHERE active AND table = 't'")
	marks, err := filepath.Glob(filepath.Join(folder, "*mrk*"))
	if err != nil || len(marks) == 0 {
		t.Fatalf("no marks in %s: %v", folder, err)
	}
	for _, m := range marks {
		if err := os.Truncate(m, 0); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, s, "SYSTEM DROP MARK CACHE", "SYSTEM DROP UNCOMPRESSED CACHE")
	got := call{body: "SELECT sum(a) FROM t"}.do(t, s)
	if got.status != http.StatusInternalServerError || !strings.Contains(got.body, "CORRUPTED_DATA") {
		t.Errorf("read of a damaged part: status %d, %s", got.status, got.body)
	}
	if err := s.Wait(); err == nil {
		t.Error("the server ended without an error")
	}
	s = chservertest.Start(t, dir)
	if got := ask(t, s, "SELECT count(), sum(a) FROM t"); got != "30\t135" {
		t.Errorf("after the next start: got %s, want 30 rows, sum 135", got)
	}
}

// TestReserve: inserts leave some space alone, and go on when there is more.
func TestReserve(t *testing.T) {
	chservertest.RequireLibrary(t)
	dir := systemtest.SmallDisk(t, 128<<20)
	s := chservertest.Start(t, filepath.Join(dir, "data"), func(c *chserver.Config) { c.ReserveBytes = 64 << 20 })
	exec(t, s, "CREATE TABLE t (part UInt32, a UInt64) ENGINE = MergeTree ORDER BY part")
	if !insertPart(s, 0) {
		t.Fatal("cannot insert with space")
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 65<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call{body: "INSERT INTO t VALUES (1, 1)"}.do(t, s)
	if !strings.Contains(got.body, "NOT_ENOUGH_SPACE") {
		t.Errorf("insert into the reserve: status %d, %s", got.status, got.body)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if !insertPart(s, 1) {
		t.Error("cannot insert with space again")
	}
	if got, want := ask(t, s, "SELECT count() FROM t"), fmt.Sprint(20); got != want {
		t.Errorf("%s rows, want %s", got, want)
	}
}
