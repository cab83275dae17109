package product

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary stand in for ntegral: what is under test here is
// how a system is started, asked and signalled, and that needs real processes.
func TestMain(m *testing.M) {
	if os.Getenv("FAKE_NTEGRAL") != "" && len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(fake(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

func fake(args []string) int {
	data := ""
	for i, a := range args {
		if a == "--data" {
			data = args[i+1]
		}
	}
	switch args[0] {
	case "up":
		if os.Getenv("FAKE_NTEGRAL") == "broken" {
			fmt.Println("no library")
			return 3
		}
		return fakeSupervisor(data)
	case "sink":
		_, _ = io.Copy(io.Discard, os.Stdin) // until the supervisor goes
		return 0
	case "down":
		pid, err := os.ReadFile(filepath.Join(data, "run", "up.pid"))
		if err != nil {
			return 1
		}
		n, _ := strconv.Atoi(string(pid))
		if syscall.Kill(n, syscall.SIGTERM) != nil {
			return 1
		}
		return 0
	case "sql":
		fmt.Print("1\ta b\n2\tc\n")
		return 0
	}
	fmt.Fprintln(os.Stderr, "unknown subcommand")
	return 2
}

// fakeSupervisor keeps one sink running until it is terminated.
func fakeSupervisor(data string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	if os.MkdirAll(filepath.Join(data, "run"), 0o700) != nil {
		return 1
	}
	fakeFile(data, "up.pid", []byte(strconv.Itoa(os.Getpid())))
	for restarts := 0; ; restarts++ {
		c := exec.Command(os.Args[0], "sink")
		if _, err := c.StdinPipe(); err != nil || c.Start() != nil {
			return 1
		}
		b, _ := json.Marshal(map[string][]Process{"children": {{Name: "sink", PID: c.Process.Pid, State: "ready", Restarts: restarts}}})
		fakeFile(data, "status.json", b)
		ended := make(chan struct{})
		go func() { _ = c.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-stop:
			_ = c.Process.Kill()
			<-ended
			return 0
		}
	}
}

func fakeFile(data, name string, b []byte) {
	path := filepath.Join(data, "run", name)
	_ = os.WriteFile(path+".new", b, 0o600)
	_ = os.Rename(path+".new", path)
}

func fakeSystem(t *testing.T, how string) (*System, context.Context) {
	t.Helper()
	t.Setenv("FAKE_NTEGRAL", how)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(exe, filepath.Join(t.TempDir(), "data"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return s, ctx
}

func TestSystemLivesAndDies(t *testing.T) {
	s, ctx := fakeSystem(t, "works")
	if err := s.Up(ctx); err != nil {
		t.Fatal(err)
	}
	rows, err := s.SQL(ctx, "SELECT 1")
	if err != nil || len(rows) != 2 || rows[0][1] != "a b" {
		t.Errorf("SQL = %q, %v", rows, err)
	}
	first, err := s.Process("sink")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := s.Restarted(ctx, first); err != nil {
		t.Fatal(err)
	}
	usages, err := s.Usages()
	if err != nil || len(usages) != 2 || usages[0].Restarts != 1 {
		t.Errorf("Usages = %+v, %v, want a sink restarted once, and up", usages, err)
	}
	if err := s.Down(ctx); err != nil {
		t.Error(err)
	}
	if s.up != nil {
		t.Error("the supervisor is still ours after Down")
	}
}

func TestUpExplainsItsFailure(t *testing.T) {
	s, ctx := fakeSystem(t, "broken")
	err := s.Up(ctx)
	if err == nil || !strings.Contains(err.Error(), "no library") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("Up = %v, want what it said and how it ended", err)
	}
	if err := s.Down(ctx); err == nil {
		t.Error("Down of a system that never ran succeeds")
	}
}

func TestCommandErrorCarriesWhatWasSaid(t *testing.T) {
	s, ctx := fakeSystem(t, "works")
	if _, err := s.Run(ctx, "verify"); err == nil || !strings.Contains(err.Error(), "unknown subcommand") {
		t.Errorf("Run = %v, want its complaint", err)
	}
}
