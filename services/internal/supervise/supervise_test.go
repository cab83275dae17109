package supervise_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
)

// The test binary plays the supervisor and its children, too.
const (
	envRole = "SUPERVISETEST_ROLE"
	envDir  = "SUPERVISETEST_DIR"
	envKids = "SUPERVISETEST_CHILDREN" // NAME:BEHAVIOUR separated by spaces
)

func TestMain(m *testing.M) {
	switch os.Getenv(envRole) {
	case "supervisor":
		os.Exit(playSupervisor())
	case "child":
		os.Exit(playChild(os.Args[1], os.Args[2]))
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func config() supervise.Config {
	return supervise.Config{
		ReadyTimeout: 10 * time.Second, StopTimeout: 5 * time.Second, BackoffMin: time.Millisecond,
		BackoffMax: 20 * time.Millisecond, HealthyAfter: time.Minute, FirstTries: 3, LogMaxBytes: 4096, LogKeep: 1,
	}
}

func settings(dir, children string) supervise.Settings {
	s := supervise.Settings{
		Executable: os.Args[0], Folder: system.Folder(dir), Environ: os.Environ(),
		Out: os.Stdout, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	for _, c := range strings.Fields(children) {
		name, behaviour, _ := strings.Cut(c, ":")
		s.Children = append(s.Children, supervise.Child{
			Name: name, Args: []string{name, behaviour},
			Env: []string{envRole + "=child", envDir + "=" + dir, "CHILD_SECRET=of " + name},
		})
	}
	return s
}

func playSupervisor() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := supervise.Up(ctx, config(), settings(os.Getenv(envDir), os.Getenv(envKids))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// playChild behaves: good, or crash (before it is ready), mute (never ready),
// loop (ends after it was ready, but the first time), deaf (ignores SIGTERM).
func playChild(name, behaviour string) int {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	fmt.Println(name, "says", os.Getenv("CHILD_SECRET"))
	n, err := supervise.NewNotifier(os.Getenv)
	if err != nil {
		fmt.Println(err)
		return 2
	}
	ready := func() {
		if err := n.Ready("127.0.0.1:" + name); err != nil {
			fmt.Println(err)
		}
	}
	switch behaviour {
	case "crash":
		return 7
	case "mute":
		<-terminate
		return 0
	case "loop":
		ready()
		if _, err := os.Stat(filepath.Join(os.Getenv(envDir), "broken")); err == nil {
			return 9
		}
	case "deaf":
		ready()
		select {}
	default:
		ready()
	}
	<-terminate
	appendLine(filepath.Join(os.Getenv(envDir), "stopped"), name)
	return 0
}

func appendLine(path, line string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	fmt.Fprintln(f, line)
}

func folder(t *testing.T) system.Folder {
	t.Helper()
	s, err := system.Create(t.TempDir(), system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Folder
}

// up runs a supervisor in a process of its own and waits for its ready line.
func up(t *testing.T, dir system.Folder, children string) (cmd *exec.Cmd, line string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"=supervisor", envDir+"="+string(dir), envKids+"="+children)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("up: %v", err)
	}
	return cmd, line
}

// until reads the status file until it is as wanted.
func until(t *testing.T, dir system.Folder, what string, want func(supervise.Status) bool) supervise.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var s supervise.Status
	for ctx.Err() == nil {
		var err error
		if s, _, err = supervise.ReadStatus(dir); err == nil && want(s) {
			return s
		}
	}
	t.Fatalf("status never was: %s; it is %+v", what, s)
	return s
}

// awaitDeath waits for the end of processes that are not this one's children.
func awaitDeath(t *testing.T, pids ...int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for dead := false; !dead; {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			dead = err != nil || strings.Contains(string(stat), ") Z ")
			if time.Now().After(deadline) {
				t.Fatalf("process %d is alive", pid)
			}
		}
	}
}

func pids(s supervise.Status) (out []int) {
	for _, c := range s.Children {
		out = append(out, c.PID)
	}
	return out
}

func TestUpAndDown(t *testing.T) {
	dir := folder(t)
	_, line := up(t, dir, "kafka:good clickhouse:good process:good sink:good")
	if want := "kafka 127.0.0.1:kafka, clickhouse 127.0.0.1:clickhouse, process"; !strings.Contains(line, want) {
		t.Errorf("ready line: got %q, want it to say %q", line, want)
	}
	s, alive, err := supervise.ReadStatus(dir)
	if err != nil || !alive || !s.Ready || len(s.Children) != 4 {
		t.Errorf("status: got %+v, %v, %v", s, alive, err)
	}
	log, err := os.ReadFile(filepath.Join(dir.Log(), "sink.log"))
	if err != nil || string(log) != "sink says of sink\n" {
		t.Errorf("log: got %q, %v", log, err)
	}
	if err := supervise.Down(t.Context(), dir); err != nil {
		t.Fatalf("down: %v", err)
	}
	awaitDeath(t, pids(s)...)
	order, err := os.ReadFile(filepath.Join(string(dir), "stopped"))
	if diff := cmp.Diff(strings.Fields(string(order)), []string{"sink", "process", "clickhouse", "kafka"}); diff != "" {
		t.Errorf("stop order (-got +want), %v:\n%s", err, diff)
	}
	if err := supervise.Down(t.Context(), dir); !errors.Is(err, supervise.ErrNotRunning) {
		t.Errorf("down again: got %v, want ErrNotRunning", err)
	}
	if s, alive, err := supervise.ReadStatus(dir); err != nil || alive || slices.ContainsFunc(s.Children, func(c supervise.ChildStatus) bool { return c.State != supervise.StateStopped }) {
		t.Errorf("status after down: got %+v, %v, %v", s, alive, err)
	}
}

func TestKilledChildIsStartedAgain(t *testing.T) {
	dir := folder(t)
	up(t, dir, "kafka:good sink:good")
	before, _, err := supervise.ReadStatus(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(before.Children[1].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	after := until(t, dir, "sink restarted and ready", func(s supervise.Status) bool {
		return s.Ready && s.Children[1].Restarts == 1 && s.Children[1].PID != before.Children[1].PID
	})
	if got := after.Children[1].LastError; got != "ended: signal: killed" {
		t.Errorf("last error: got %q", got)
	}
	if after.Children[0].PID != before.Children[0].PID || after.Children[0].Restarts != 0 {
		t.Errorf("kafka was touched: got %+v", after.Children[0])
	}
	if err := supervise.Down(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

func TestNoChildOutlivesAKilledSupervisor(t *testing.T) {
	dir := folder(t)
	cmd, _ := up(t, dir, "kafka:good clickhouse:deaf sink:good")
	s, _, err := supervise.ReadStatus(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	awaitDeath(t, pids(s)...)
	s, alive, err := supervise.ReadStatus(dir)
	if err != nil || alive || s.Ready {
		t.Errorf("status: alive %v, ready %v, %v", alive, s.Ready, err)
	}
	for _, c := range s.Children {
		if c.State != supervise.StateDead || c.PID != 0 || c.Address != "" {
			t.Errorf("child of a killed supervisor: %+v, want it dead", c)
		}
	}
	if err := supervise.Down(t.Context(), dir); !errors.Is(err, supervise.ErrNotRunning) {
		t.Errorf("down: got %v, want ErrNotRunning", err)
	}
	up(t, dir, "kafka:good") // nothing is in the way of the next
	if err := supervise.Down(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

func TestSecondUpIsRefused(t *testing.T) {
	dir := folder(t)
	cmd, _ := up(t, dir, "kafka:good")
	set := settings(string(dir), "kafka:good")
	set.Out, set.Logger = io.Discard, nil
	err := supervise.Up(t.Context(), config(), set)
	running, ok := errors.AsType[*supervise.RunningError](err)
	if !ok || running.PID != cmd.Process.Pid {
		t.Errorf("got %v, want it running by %d", err, cmd.Process.Pid)
	}
	if s, alive, err := supervise.ReadStatus(dir); err != nil || !alive || !s.Ready {
		t.Errorf("the first was hurt: %+v, %v", s, err)
	}
}

func TestCrashLoopBacksOffAndIsReported(t *testing.T) {
	dir := folder(t)
	up(t, dir, "kafka:good sink:loop")
	appendLine(filepath.Join(string(dir), "broken"), "")
	s, _, err := supervise.ReadStatus(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.Children[1].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s = until(t, dir, "sink in a crash loop", func(s supervise.Status) bool {
		return s.Children[1].Restarts >= 4 && s.Children[1].State == supervise.StateBackoff
	})
	if got := s.Children[1].LastError; got != "ended: exit status 9" {
		t.Errorf("last error: got %q", got)
	}
	if s.Ready {
		t.Error("a system with a dead process says that it is ready")
	}
	if err := os.Remove(filepath.Join(string(dir), "broken")); err != nil {
		t.Fatal(err)
	}
	until(t, dir, "mended", func(s supervise.Status) bool { return s.Ready })
	if err := supervise.Down(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

func inProcess(t *testing.T, dir system.Folder, children string, edit func(*supervise.Config)) error {
	t.Helper()
	cfg, set := config(), settings(string(dir), children)
	set.Out, set.Logger = io.Discard, slog.New(slog.NewTextHandler(t.Output(), nil))
	if edit != nil {
		edit(&cfg)
	}
	return supervise.Up(t.Context(), cfg, set)
}

func TestFirstStartGivesUp(t *testing.T) {
	for _, tc := range []struct{ name, children, want string }{
		{"crash", "kafka:good sink:crash process:good", "start sink: ended: exit status 7, 3 times; see "},
		{"never ready", "kafka:good sink:mute", "start sink: not ready within 50ms, 3 times; see "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := folder(t)
			err := inProcess(t, dir, tc.children, func(c *supervise.Config) {
				if tc.name != "crash" {
					c.ReadyTimeout = 50 * time.Millisecond
				}
			})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if want := "sink.log, which ends with: sink says of sink"; tc.name == "crash" && !strings.HasSuffix(err.Error(), want) {
				t.Errorf("got %v, want its end to be %q", err, want)
			}
			if s, _, err := supervise.ReadStatus(dir); err != nil || s.Children[0].State != supervise.StateStopped {
				t.Errorf("kafka was left: %+v, %v", s, err)
			}
		})
	}
}

func TestMissingExecutable(t *testing.T) {
	cfg, set := config(), settings(string(folder(t)), "kafka:good")
	set.Executable, set.Out, set.Logger = "/nowhere/ntegral", io.Discard, nil
	if err := supervise.Up(t.Context(), cfg, set); err == nil || !strings.Contains(err.Error(), "/nowhere/ntegral") {
		t.Errorf("got %v, want the path named", err)
	}
}

func TestDeafChildIsKilled(t *testing.T) {
	dir := folder(t)
	cfg, set := config(), settings(string(dir), "kafka:deaf")
	cfg.StopTimeout = 50 * time.Millisecond
	r, w := io.Pipe()
	set.Out, set.Logger = w, nil
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- supervise.Up(ctx, cfg, set) }()
	if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s, _, err := supervise.ReadStatus(dir)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
	awaitDeath(t, pids(s)...)
}

func TestValidateListsAllProblems(t *testing.T) {
	err := supervise.Config{BackoffMin: 2, BackoffMax: 1}.Validate()
	for _, want := range []string{"ready timeout", "stop timeout", "backoff min", "first tries", "log max bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}
