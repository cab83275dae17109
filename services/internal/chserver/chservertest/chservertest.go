// Package chservertest runs the embedded ClickHouse server for tests, as a process of its own: the
// test binary starts itself again as the server. That is how the product runs it, and it lets a
// test kill it.
//
// A test package that uses it calls Main from its TestMain. Where the engine's library is missing,
// a test is skipped with one line, and fails where CI is set.
package chservertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/services/internal/chdb"
	"github.com/ntegral/ntegral/services/internal/chserver"
)

// Passwords of the two users of every test server.
const (
	WriterPassword = "writer-secret"
	ReaderPassword = "reader-secret"
)

const configVariable = "NTEGRAL_TEST_CHSERVER"

// Main runs the tests, or the server if this process was started by Start.
func Main(m *testing.M) {
	text := os.Getenv(configVariable)
	if text == "" {
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}
	if err := serve(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// served is the configuration on its way to the child; a Secret would arrive redacted.
type served struct {
	Config         chserver.Config
	Writer, Reader string
}

func serve(text string) error {
	var s served
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("read test configuration: %w", err)
	}
	s.Config.WriterPassword, s.Config.ReaderPassword = chserver.Secret(s.Writer), chserver.Secret(s.Reader)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { // the parent's death closes this pipe: no server outlives its test
		_, _ = os.Stdin.Read(make([]byte, 1))
		stop()
	}()
	return chserver.Run(ctx, s.Config, chserver.Settings{
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Ready:  func(addr string) { fmt.Println("ready " + addr) },
	})
}

// Server is a running server.
type Server struct {
	Addr   string
	Config chserver.Config

	cmd    *exec.Cmd
	stdin  interface{ Close() error }
	exited chan error
	ended  bool
}

// DefaultConfig is what Start uses unless its option changes it: small, on a free port.
func DefaultConfig(dir string) chserver.Config {
	return chserver.Config{
		Lib: os.Getenv("NTEGRAL_CHDB_LIB"), Listen: "127.0.0.1:0", DataDir: dir, Database: "ntegral",
		WriterPassword: WriterPassword, ReaderPassword: ReaderPassword,
		MemoryBytes: 2e9, QueryMemoryBytes: 1e9, Threads: 2, MaxConcurrentQueries: 100, MaxBodyBytes: 1 << 30, DrainTimeout: 5e9,
		Reader: chserver.ReaderLimits{MemoryBytes: 3e8, Seconds: 20, ResultRows: 1e6, ResultBytes: 1e9, ConcurrentQueries: 16},
	}
}

// Start runs a server over dir and stops it at the end of the test.
func Start(t testing.TB, dir string, options ...func(*chserver.Config)) *Server {
	t.Helper()
	RequireLibrary(t)
	c := DefaultConfig(dir)
	for _, o := range options {
		o(&c)
	}
	text, err := json.Marshal(served{Config: c, Writer: c.WriterPassword.Reveal(), Reader: c.ReaderPassword.Reveal()})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Config: c, exited: make(chan error, 1)}
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), configVariable+"="+string(text))
	var log strings.Builder
	s.cmd.Stderr = &log
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdin = stdin
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	go func() { s.exited <- s.cmd.Wait() }()
	t.Cleanup(func() {
		if !s.ended {
			if err := s.Stop(); err != nil {
				t.Errorf("server ended with %v; its log:\n%s", err, log.String())
			}
		}
	})
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		s.ended = true
		<-s.exited
		t.Fatalf("server did not start (%q); its log:\n%s", line, log.String())
	}
	s.Addr = addr
	return s
}

// Pid returns the server's process id.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Stop asks the server to end and waits for it.
func (s *Server) Stop() error {
	s.ended = true
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	err := <-s.exited
	_ = s.stdin.Close()
	return err
}

// Kill ends the server with SIGKILL and waits until it is gone.
func (s *Server) Kill() {
	s.ended = true
	_ = s.cmd.Process.Kill()
	<-s.exited
	_ = s.stdin.Close()
}

// Wait waits for an end of the server's own and returns how it ended.
func (s *Server) Wait() error {
	s.ended = true
	err := <-s.exited
	_ = s.stdin.Close()
	return err
}

// RequireLibrary skips the test where the engine's library is missing; where CI is set it fails.
func RequireLibrary(t testing.TB) {
	t.Helper()
	if _, err := chdb.Find(os.Getenv("NTEGRAL_CHDB_LIB")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}
