package supervise

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	l, err := openLog(path, 10, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"one\n", "two\n", "three\n", "four\n", "a line longer than the limit\n", "six\n"} {
		if n, err := l.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("write %q: got %d, %v", line, n, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Opened again, it goes on where it was.
	if l, err = openLog(path, 10, 2); err != nil {
		t.Fatal(err)
	}
	_, _ = l.Write([]byte("seven\n"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimPrefix(f, path)] = string(b)
	}
	want := map[string]string{"": "six\nseven\n", ".1": "a line longer than the limit\n", ".2": "four\n"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("files (-got +want):\n%s", diff)
	}
}

func TestNotifierWithoutASupervisor(t *testing.T) {
	n, err := NewNotifier(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Ready("x"); err != nil {
		t.Error(err)
	}
	if _, err := NewNotifier(func(string) string { return "x" }); err == nil {
		t.Error("a number that is none was taken")
	}
}
