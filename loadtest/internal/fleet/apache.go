package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// goneWithin is how long a killed process may take to vanish.
const goneWithin = 10 * time.Second

// apache is a broker that the project's script runs; the process is nobody's
// child here, so it is found by the number that the script has written.
type apache struct {
	script, dir, port string
}

func (a *apache) start(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, a.script, "start", a.dir, a.port).CombinedOutput(); err != nil {
		return fmt.Errorf("start apache kafka: %w: %s", err, out)
	}
	return nil
}

func (a *apache) leave(ctx context.Context) error {
	if out, err := exec.CommandContext(context.WithoutCancel(ctx), a.script, "stop", a.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("stop apache kafka: %w: %s", err, out)
	}
	return nil
}

func (a *apache) kill(ctx context.Context) error {
	if err := a.signal(syscall.SIGKILL); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, goneWithin, errors.New("apache kafka is still there after SIGKILL"))
	defer cancel()
	return until(ctx, func() bool { return a.pid() == 0 })
}

func (a *apache) close(ctx context.Context) error {
	return errors.Join(a.signal(syscall.SIGCONT), a.leave(ctx))
}

// signal sends sig to the broker of this folder, if there is one.
func (a *apache) signal(sig syscall.Signal) error {
	pid := a.pid()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal apache kafka: %w", err)
	}
	return nil
}

func (a *apache) fallen() []error { return nil }

// pid is the broker's number, 0 where it does not run. The number may have
// become somebody else's; only the folder's broker has the folder's settings on
// its command line.
func (a *apache) pid() int {
	text, err := os.ReadFile(filepath.Join(a.dir, "pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), filepath.Join(a.dir, "server.properties")) {
		return 0
	}
	return pid
}
