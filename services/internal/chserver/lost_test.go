package chserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
)

// A kill between the note of a token and its part is made after the fact: the
// part's folder is taken away, which is what the engine finds after such a kill.
func TestKilledBetweenTokenAndPart(t *testing.T) {
	for _, lost := range [][]string{{"t"}, {"sums"}, {"t", "sums"}} {
		for _, merged := range []bool{false, true} {
			dir := t.TempDir()
			s := chservertest.Start(t, dir)
			exec(t, s, "CREATE TABLE t (part UInt32, a UInt64) ENGINE = MergeTree ORDER BY part SETTINGS non_replicated_deduplication_window = 1000",
				"CREATE TABLE sums (part UInt32, a UInt64) ENGINE = SummingMergeTree ORDER BY part SETTINGS non_replicated_deduplication_window = 1000",
				"CREATE MATERIALIZED VIEW mv TO sums AS SELECT part, sum(a) AS a FROM t GROUP BY part")
			for part := range 3 {
				if !insertPart(s, part) {
					t.Fatal("cannot insert")
				}
			}
			if merged { // their tokens name parts that are gone, and yet are held
				exec(t, s, "OPTIMIZE TABLE t FINAL", "OPTIMIZE TABLE sums FINAL")
			}
			if !insertPart(s, 3) {
				t.Fatal("cannot insert")
			}
			var newest []string
			for _, table := range lost {
				folder := ask(t, s, "SELECT path FROM system.parts WHERE active AND table = '"+table+"' ORDER BY max_block_number DESC LIMIT 1")
				newest = append(newest, folder)
			}
			s.Kill()
			for _, folder := range newest {
				if filepath.IsLocal(folder) || os.RemoveAll(folder) != nil {
					t.Fatalf("cannot remove part %s", folder)
				}
			}
			s = chservertest.Start(t, dir)
			for part := range 4 {
				if !insertPart(s, part) {
					t.Fatal("cannot insert again")
				}
			}
			if got, want := ask(t, s, "SELECT count(), sum(a), uniqExact(part) FROM t"), "40\t180\t4"; got != want {
				t.Errorf("lost %v, merged %v: table has %s, want %s", lost, merged, got, want)
			}
			if got := ask(t, s, "SELECT sum(a) FROM sums"); got != "180" {
				t.Errorf("lost %v, merged %v: rollup has %s, want 180", lost, merged, got)
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		}
	}
}
