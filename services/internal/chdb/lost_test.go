package chdb

import (
	"os"
	"path/filepath"
	"testing"
)

func TestForgetLostBlocks(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "store", "abc", "abcdef")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(table, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Blocks 1 to 4 are merged, 12 stands alone; 13 was under way; 5 was dropped
	// in order; 20260302 is another partition with a name like block 4's.
	for _, part := range []string{"20260301_1_4_1", "20260301_12_12_0_15", "tmp_insert_20260301_13_13_0", "detached", "20260302_4_4_0"} {
		write(filepath.Join(part, "data.bin"), "")
	}
	write("deduplication_logs/deduplication_log_9.txt", "1\t20260301_1_1_0\ta\n1\t20260301_4_4_0\td\n1\t20260301_5_5_0\te\n")
	write("deduplication_logs/deduplication_log_10.txt",
		"2\t20260301_5_5_0\te\n1\t20260301_12_12_0\tl\n1\t20260302_3_3_0\tother\n1\t20260301_13_13_0\tm\n1\tstrange\ts\n1\t20260301_14_1")
	n, err := forgetLostBlocks(dir)
	if err != nil || n != 2 {
		t.Fatalf("got %d, %v, want 2 tokens taken back", n, err)
	}
	got, err := os.ReadFile(filepath.Join(table, "deduplication_logs/deduplication_log_10.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := "2\t20260301_5_5_0\te\n1\t20260301_12_12_0\tl\n1\t20260302_3_3_0\tother\n1\t20260301_13_13_0\tm\n1\tstrange\ts\n" +
		"2\t20260301_13_13_0\tm\n2\t20260302_3_3_0\tother\n"
	if string(got) != want {
		t.Errorf("got log\n%s\nwant\n%s", got, want)
	}
	if n, err := forgetLostBlocks(dir); n != 0 || err != nil {
		t.Errorf("second time: got %d, %v, want nothing to do", n, err)
	}
	if n, err := forgetLostBlocks(t.TempDir()); n != 0 || err != nil {
		t.Errorf("empty folder: got %d, %v", n, err)
	}
}
