package fleet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary stand in for a part: what is under test here is
// how processes are started, disturbed and ended, and that needs real ones.
func TestMain(m *testing.M) {
	switch os.Getenv("FAKE_PART") {
	case "":
		goleak.VerifyTestMain(m)
	case "ends":
		os.Exit(3)
	default:
		fmt.Println("started")
		_ = syscall.Pause() // until a signal
	}
}

func fakePart(t *testing.T, kind string) *part {
	t.Helper()
	p := &part{name: "process-1", log: filepath.Join(t.TempDir(), "log"), argv: []string{os.Args[0]}, env: []string{"FAKE_PART=" + kind}}
	t.Cleanup(func() {
		if err := p.close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// starts waits until the part has been started n times.
func (p *part) starts(t *testing.T, n int) {
	t.Helper()
	err := until(t.Context(), func() bool {
		b, err := os.ReadFile(p.log)
		return err == nil && strings.Count(string(b), "started") == n
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOutagesAreNotFalls(t *testing.T) {
	p := fakePart(t, "stays")
	for i := range 2 {
		if err := p.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.starts(t, i+1)
		if err := p.signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if err := p.kill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if fell := p.fallen(); len(fell) > 0 {
		t.Errorf("ended by itself: %v", fell)
	}
}

func TestUseIsThatOfThePresentProcess(t *testing.T) {
	p := fakePart(t, "stays")
	f := &Fleet{parts: map[string]disturbable{p.name: p}}
	if _, err := f.Usage(p.name); err == nil {
		t.Error("a part that was never started uses something")
	}
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.starts(t, 1)
	if u, err := f.Usage(p.name); err != nil || u.Name != p.name || u.RSS <= 0 || u.PeakRSS < u.RSS {
		t.Errorf("use %+v, %v", u, err)
	}
	if _, err := f.Usage("stranger"); err == nil {
		t.Error("a stranger is one of the parts")
	}
}

func TestPartThatEndsIsStartedAgain(t *testing.T) {
	p := fakePart(t, "ends")
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := until(ctx, func() bool { return len(p.fallen()) >= 2 }); err != nil {
		t.Fatalf("%v: %v", err, p.fallen())
	}
	if got := p.fallen()[0].Error(); !strings.Contains(got, "exit status 3") {
		t.Errorf("fell with %q, want its exit status", got)
	}
}

func TestPortsDiffer(t *testing.T) {
	ports, err := FreePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range ports {
		if seen[p] {
			t.Errorf("%s twice", p)
		}
		seen[p] = true
	}
}
