package command

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := Root(&out, io.Discard)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestGenerateWritesDirectoryAndTruth(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "estate")
	out, err := execute(t, "generate", "estate", "--out", dir, "--duration", "20m")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "truth="+dir+".truth.json\n") {
		t.Errorf("output = %q", out)
	}
	for _, f := range []string{dir + ".truth.json", dir + "/inventory.csv", dir + "/samples.csv", dir + "/placements.csv", dir + "/rates.csv"} {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
}

func TestDefaultsOfSiblingsStayApart(t *testing.T) {
	root := Root(io.Discard, io.Discard)
	for path, want := range map[string]string{"chaos": "20s", "chaos zombie": "1m0s"} {
		c, _, err := root.Find(strings.Fields(path))
		if err != nil {
			t.Fatal(err)
		}
		if f := c.Flags().Lookup("round"); f.DefValue != want || f.Value.String() != want {
			t.Errorf("%s --round is %s, documented as %s, want %s", path, f.Value, f.DefValue, want)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no short text", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(Root(io.Discard, io.Discard))
}

func TestBadInputIsAnError(t *testing.T) {
	for _, args := range [][]string{
		{"generate", "estate", "--out", t.TempDir(), "--start", "yesterday"},
		{"generate", "estate", "--out", t.TempDir(), "--duration", "1s"},
		{"generate", "bench", "--out", t.TempDir(), "--nodes", "0"},
		{"chaos", "--binary", "x", "--component", "disk"},
		{"demo"},
	} {
		if _, err := execute(t, args...); err == nil {
			t.Errorf("%v succeeds", args)
		}
	}
}
