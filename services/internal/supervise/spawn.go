package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// spawner starts processes from one thread. The kernel ties Pdeathsig to the
// thread that forked, not to the process, and the Go runtime ends idle threads;
// so the forking goroutine is locked to a thread that lives until ctx ends.
type spawner struct {
	requests chan spawnRequest
	done     chan struct{}
}

type spawnRequest struct {
	cmd   *exec.Cmd
	reply chan error
}

func newSpawner(ctx context.Context) *spawner {
	s := &spawner{requests: make(chan spawnRequest), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-s.requests:
				r.reply <- r.cmd.Start()
			}
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	r := spawnRequest{cmd: cmd, reply: make(chan error, 1)}
	select {
	case s.requests <- r:
		return <-r.reply
	case <-s.done:
		return errors.New("the supervisor has ended")
	}
}

// process is a running child.
type process struct {
	cmd   *exec.Cmd
	ready chan readiness // gets one value
	ended chan struct{}  // closed when it is gone
	err   error          // how it ended; read after ended
}

type readiness struct {
	addr string
	err  error
}

// drain is how long output may still come from a child that has ended, when it
// left processes of its own behind.
const drain = 2 * time.Second

func (s *spawner) run(set Settings, c Child, log *logFile) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make ready pipe: %w", err)
	}
	cmd := exec.Command(set.Executable, c.Args...)
	cmd.Env = append(append(append([]string{}, set.Environ...), c.Env...), envReady+"="+strconv.Itoa(readyFile))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{w}
	cmd.WaitDelay = drain
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = s.start(cmd)
	_ = w.Close() // the child's copy is what counts: its end must be the pipe's
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start process: %w", err), r.Close())
	}
	p := &process{cmd: cmd, ready: make(chan readiness, 1), ended: make(chan struct{})}
	go func() {
		addr, err := readReady(r)
		p.ready <- readiness{addr, err}
	}()
	go func() {
		defer close(p.ended)
		err := cmd.Wait()
		p.err = describe(cmd.ProcessState, err)
		_ = r.Close() // ends the reader, even when a grandchild holds the other end
	}()
	return p, nil
}

// describe says how a process ended, which is an error even with status 0: its
// work has no end.
func describe(state *os.ProcessState, err error) error {
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("wait for process: %w", err)
	}
	return fmt.Errorf("ended: %s", state)
}

// exitGrace is the time between the end of a process's files and its own.
const exitGrace = time.Second

// causeOr returns how the process ended, which says more than that its pipe was
// closed, or err if it goes on without the pipe.
func (p *process) causeOr(err error) error {
	timer := time.NewTimer(exitGrace)
	defer timer.Stop()
	select {
	case <-p.ended:
		return p.err
	case <-timer.C:
		return err
	}
}

// signal reaches the child and all that it has started.
func (p *process) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, sig) // gone already: nothing to do
}

// stop ends the process in good order, or after timeout in any.
func (p *process) stop(timeout time.Duration) (killed bool) {
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.ended:
		return false
	case <-timer.C:
		p.signal(syscall.SIGKILL)
		<-p.ended
		return true
	}
}
