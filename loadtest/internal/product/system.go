package product

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// poll is how often something outside is looked at that cannot be waited for.
	poll = 25 * time.Millisecond
	// errorTail is how much of a command's complaint an error carries.
	errorTail = 2000
)

// System is one data folder and the binary that serves it, or the addresses of
// one whose parts run elsewhere.
type System struct {
	Binary string
	// Data is the folder; empty for a system elsewhere, which cannot be started,
	// stopped or looked into here, only asked.
	Data string
	// Log gets what a replay says on its standard error; nil drops it.
	Log io.Writer

	environ []string // of its processes, beside our own
	up      *exec.Cmd
	exited  chan error
}

// Elsewhere makes a system by its addresses and passwords, as NAME=value.
func Elsewhere(binary string, environ []string, log io.Writer) (*System, error) {
	s, err := New(binary, "", log)
	if err != nil {
		return nil, err
	}
	s.Data, s.environ = "", environ
	return s, nil
}

// New makes a system with absolute paths, so that it does not depend on the
// working directory; nothing is started.
func New(binary, data string, log io.Writer) (*System, error) {
	bin, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("find binary: %w", err)
	}
	if bin, err = filepath.EvalSymlinks(bin); err != nil {
		return nil, fmt.Errorf("find binary: %w", err)
	}
	dir, err := filepath.Abs(data)
	if err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	return &System{Binary: bin, Data: dir, Log: log}, nil
}

// Configure sets variables, as NAME=value, for whatever is run from now on.
func (s *System) Configure(environ ...string) { s.environ = append(s.environ, environ...) }

// Up starts the system and returns when it has said that it is ready, whether
// `up` stays in the foreground or leaves a supervisor behind. Its output goes to
// a file beside the data folder: a pipe would kill a kept system when we leave.
func (s *System) Up(ctx context.Context, args ...string) error {
	path := s.Data + ".up.log"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log of up: %w", err)
	}
	defer func() { _ = out.Close() }() // the child has its own handle
	cmd := exec.Command(s.Binary, append([]string{"up", "--data", s.Data}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), s.environ...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt is for us; we then ask for `down`
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start up: %w", err)
	}
	s.up, s.exited = cmd, make(chan error, 1)
	go func() { s.exited <- cmd.Wait() }()
	return s.ready(ctx, path)
}

// startLimit bounds how long a system may take to be ready.
const startLimit = 90 * time.Second

// ready waits for the status file with every process running; it is written
// before or with the ready line, and unlike a line it has a form.
func (s *System) ready(ctx context.Context, log string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready after %v", startLimit))
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case err := <-s.exited:
			s.exited <- err
			if err == nil && s.running() {
				return nil
			}
			return fmt.Errorf("up ended before it was ready (%w): %s", orDone(err), tailOf(log))
		case <-ctx.Done():
			return fmt.Errorf("wait for up: %w: %s", context.Cause(ctx), tailOf(log))
		case <-tick.C:
			if s.running() && s.answers(ctx) {
				return nil
			}
		}
	}
}

func orDone(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// running says whether every supervised process runs.
func (s *System) running() bool {
	ps, err := s.Processes()
	if err != nil || len(ps) == 0 {
		return false
	}
	for _, p := range ps {
		if !p.Running() {
			return false
		}
	}
	return true
}

func (s *System) answers(ctx context.Context) bool {
	_, err := s.SQL(ctx, "SELECT 1")
	return err == nil
}

// Down stops the system, by force where it does not listen.
func (s *System) Down(ctx context.Context) error {
	_, err := s.Run(ctx, "down", "--data", s.Data)
	if s.up == nil {
		return err
	}
	select {
	case exit := <-s.exited:
		err = errors.Join(err, exit)
	case <-ctx.Done():
		err = errors.Join(err, context.Cause(ctx), syscall.Kill(-s.up.Process.Pid, syscall.SIGKILL))
		_ = <-s.exited // it was killed
	}
	s.up = nil
	return err
}

// Run runs a subcommand to its end and returns what it printed. What it says on
// standard error is in the error alone: questions get asked again and again.
func (s *System) Run(ctx context.Context, args ...string) ([]byte, error) {
	c := s.Command(ctx, args...)
	c.Stderr = &c.said
	var out bytes.Buffer
	c.Stdout = &out
	err := c.Run()
	return out.Bytes(), err
}

// ask runs a subcommand that asks this system.
func (s *System) ask(ctx context.Context, args ...string) ([]byte, error) {
	return s.Run(ctx, s.named(args...)...)
}

// named is a subcommand with what names this system, where that is not the
// environment.
func (s *System) named(args ...string) []string {
	if s.Data == "" {
		return args
	}
	return append([]string{args[0], "--data", s.Data}, args[1:]...)
}

// Command prepares a subcommand; its Run explains a failure with the end of
// what the product said.
func (s *System) Command(ctx context.Context, args ...string) *Command {
	cmd := exec.CommandContext(ctx, s.Binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), s.environ...)
	c := &Command{Cmd: cmd, name: args[0]}
	cmd.Stderr = &c.said
	if s.Log != nil {
		cmd.Stderr = io.MultiWriter(s.Log, &c.said)
	}
	return c
}

// Command is one run of the binary.
type Command struct {
	*exec.Cmd
	name string
	said tail
}

// Run runs to the end.
func (c *Command) Run() error {
	if err := c.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.name, err)
	}
	return c.Wait()
}

// Wait waits for a started command.
func (c *Command) Wait() error {
	if err := c.Cmd.Wait(); err != nil {
		return fmt.Errorf("run %s: %w: %s", c.name, err, strings.TrimSpace(string(c.said.b)))
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - errorTail; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

func tailOf(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-errorTail):]))
}

// Environ is our environment with the system's addresses and passwords, as for
// a process of it on another machine.
func (s *System) Environ() ([]string, error) {
	b, err := os.ReadFile(filepath.Join(s.Data, "ntegral.env"))
	if err != nil {
		return nil, fmt.Errorf("read addresses: %w", err)
	}
	env := os.Environ()
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "NTEGRAL_") {
			env = append(env, line)
		}
	}
	return env, nil
}
