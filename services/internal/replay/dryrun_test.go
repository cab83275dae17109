package replay

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite testdata; refused where CI is set")

// TestDryRun reads directories from testdata/*.txtar and compares what a dry
// run prints with the file named out. Of files named *.gz the text is
// compressed, of *.torn.gz the last bytes are cut off then.
func TestDryRun(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			var want string
			at := -1
			for i, f := range archive.Files {
				if f.Name == "out" {
					want, at = string(f.Data), i
					continue
				}
				writeFile(t, dir, f)
			}
			got := dryRunOutput(t, dir)
			if *update && os.Getenv("CI") == "" && at >= 0 {
				archive.Files[at].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("output (-got +want):\n%s", diff)
			}
		})
	}
}

func writeFile(t *testing.T, dir string, f txtar.File) {
	t.Helper()
	name, data := f.Name, bytes.ReplaceAll(f.Data, []byte("\\r"), []byte("\r"))
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		data = b.Bytes()
		if base, torn := strings.CutSuffix(name, ".torn.gz"); torn {
			name, data = base+".gz", data[:len(data)-6]
		}
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func dryRunOutput(t *testing.T, dir string) string {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Dir, cfg.DryRun = dir, true
	var out bytes.Buffer
	err := Run(t.Context(), cfg, Settings{Out: &out, Now: func() time.Time { return testNow }})
	if err != nil {
		out.WriteString("error: " + strings.ReplaceAll(err.Error(), dir, "DIR") + "\n")
		if _, refused := errors.AsType[*RefusedError](err); !refused {
			out.WriteString("(not a refusal)\n")
		}
	}
	return out.String()
}
