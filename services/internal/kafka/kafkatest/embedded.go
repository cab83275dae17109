package kafkatest

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafkaserver"
	"github.com/ntegral/ntegral/services/internal/system"
)

// InProcess runs an embedded broker inside the test's process.
func InProcess(t testing.TB) *Broker {
	t.Helper()
	cfg := serverConfig(t)
	var cancel context.CancelFunc
	var done chan error
	b := &Broker{Kind: Embedded, Config: clientConfig(cfg)}
	b.start = func(t testing.TB) {
		var ctx context.Context
		ctx, cancel = context.WithCancel(context.Background())
		ready := make(chan string, 1)
		ended := make(chan error, 1)
		done = ended
		go func() {
			ended <- kafkaserver.Run(ctx, cfg, kafkaserver.Settings{Logger: Logger(t), Ready: func(a string) { ready <- a }})
		}()
		select {
		case <-ready:
		case err := <-ended:
			t.Fatalf("start embedded broker: %v", err)
		}
	}
	b.stop = func(t testing.TB) {
		if done == nil {
			return
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop embedded broker: %v", err)
		}
		done = nil
	}
	b.start(t)
	t.Cleanup(func() { b.stop(t) })
	return b
}

func serverConfig(t testing.TB) kafkaserver.Config {
	return kafkaserver.Config{Dir: t.TempDir(), Listen: system.Loopback(freePort(t)), User: "ntegral", Password: "secret for tests"}
}

func clientConfig(cfg kafkaserver.Config) kafka.Config {
	return kafka.Config{Brokers: []string{cfg.Listen}, User: cfg.User, Password: cfg.Password}
}

// Names of the variables that turn the test binary into a broker.
const (
	envDir     = "KAFKATEST_DIR"
	envListen  = "KAFKATEST_LISTEN"
	envDurable = "KAFKATEST_DURABLE"
)

// Main is for TestMain of packages that call Spawn: it turns the copies of the
// test binary that Spawn starts into brokers, and returns the exit code.
func Main(m *testing.M) int {
	if os.Getenv(envDir) == "" {
		return m.Run()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := kafkaserver.Run(ctx, kafkaserver.Config{
		Dir: os.Getenv(envDir), Listen: os.Getenv(envListen),
		Durable: os.Getenv(envDurable) != "",
	},
		kafkaserver.Settings{
			Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Ready:  func(addr string) { fmt.Println("ready", addr) },
		})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Spawn runs an embedded broker in a process of its own, which Kill can kill.
// It has no password, so that its start costs no key derivation.
func Spawn(t testing.TB) *Broker {
	t.Helper()
	dir, listen := t.TempDir(), system.Loopback(freePort(t))
	var cmd *exec.Cmd
	b := &Broker{Kind: Embedded, Config: kafka.Config{Brokers: []string{listen}}}
	end := func(sig os.Signal) {
		if cmd == nil {
			return
		}
		_ = cmd.Process.Signal(sig) // it may have ended by itself
		_ = cmd.Wait()              // says no more than the signal's name
		cmd = nil
	}
	b.start = func(t testing.TB) {
		t.Helper()
		cmd = exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envDir+"="+dir, envListen+"="+listen)
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatalf("spawn embedded broker: %v", err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "ready ") {
			end(os.Kill)
			t.Fatalf("spawn embedded broker: got %q, %v, want its ready line; does TestMain call kafkatest.Main?", line, err)
		}
	}
	b.stop = func(testing.TB) { end(syscall.SIGTERM) }
	b.kill = func(testing.TB) { end(os.Kill) }
	b.start(t)
	t.Cleanup(func() { end(os.Kill) })
	return b
}
