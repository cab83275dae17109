package scale

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
)

// TestMain lets the test binary stand in for this program's generator, which is
// a process of its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "bench" && os.Args[2] == "generator" {
		os.Exit(generate(os.Args[3:]))
	}
	goleak.VerifyTestMain(m)
}

func generate(args []string) int {
	flags := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		flags[args[i]] = args[i+1]
	}
	n, _ := strconv.Atoi(flags["--accelerators"]) // 0 is refused
	history, _ := time.ParseDuration(flags["--history"])
	live, _ := time.ParseDuration(flags["--live"])
	if err := cluster.Serve(context.Background(), cluster.Standard(n), flags["--brokers"], history, live, os.Stdin, os.Stdout); err != nil {
		return 1
	}
	return 0
}

// binary builds the product, which has to be there as a program. Where its store
// has no library the test is skipped with one line; where CI is set it fails.
func binary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a whole system")
	}
	path := filepath.Join(t.TempDir(), "ntegral")
	// As make build does, whose packages are there already then.
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/ntegral")
	build.Dir = filepath.Join("..", "..", "..", "services")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build ntegral: %v: %s", err, out)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(cache, "ntegral", "chdb", "*", "libchdb.so")) // the pattern is right
	if os.Getenv("NTEGRAL_CHDB_LIB") == "" && len(found) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("no libchdb.so (make libchdb), and CI is set")
		}
		t.Skip("no libchdb.so: run make libchdb")
	}
	return path
}

func tiny(t *testing.T) Options {
	o := options()
	o.Binary, o.Dir, o.Log = binary(t), t.TempDir(), logTo{t}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Self, o.History, o.Limit = self, 4*time.Minute, time.Minute
	return o
}

type logTo struct{ t *testing.T }

func (l logTo) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func TestSizeOfAWholeSystem(t *testing.T) {
	o := tiny(t)
	var out bytes.Buffer
	o.Out, o.Live = &out, 10*time.Second
	if err := Sizes(t.Context(), SizeOptions{Options: o, Sizes: []int{24}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| readings ", "| 28,800 ", "| sustained ", "| yes "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestRecoveryOfAWholeSystem(t *testing.T) {
	o := tiny(t)
	t.Setenv("NTEGRAL_PROCESS_CHECKPOINT_INTERVAL", "1s")
	var out bytes.Buffer
	o.Out, o.Live = &out, 2*time.Minute
	if err := Recover(t.Context(), RecoveryOptions{Options: o, Accelerators: 24, Age: time.Second}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "recovered_s=") || strings.Contains(out.String(), `verify=""`) {
		t.Errorf("printed:\n%s", out.String())
	}
	t.Log(out.String())
}

var _ io.Writer = logTo{}
