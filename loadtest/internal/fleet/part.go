package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

const (
	// leaveWithin is how long a part may take for an orderly end.
	leaveWithin = 60 * time.Second
	// reviveAfter is the pause before a part that ended by itself is started again.
	reviveAfter = 500 * time.Millisecond
)

// part is a process of ours: one of the binary's services.
type part struct {
	name, log string
	argv, env []string

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	err    error         // how; read after ended
	wanted bool          // no outage
	alone  []error       // how it ended by itself, each time
	keeper sync.WaitGroup
}

// start runs the process; it is kept running until an outage.
func (p *part) start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = true
	return p.launch()
}

// launch needs the lock.
func (p *part) launch() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log of %s: %w", p.name, err)
	}
	defer func() { _ = out.Close() }() // the child has its own handle
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	ended := make(chan struct{})
	p.cmd, p.ended = cmd, ended
	p.keeper.Go(func() { p.keep(cmd, ended) })
	return nil
}

// keep waits for the process, and starts another where nobody wanted its end.
func (p *part) keep(cmd *exec.Cmd, ended chan struct{}) {
	err := cmd.Wait()
	p.mu.Lock()
	p.err = err
	close(ended)
	wanted := p.wanted
	if wanted {
		if err == nil {
			err = errors.New("exit status 0")
		}
		p.alone = append(p.alone, fmt.Errorf("%s ended by itself: %w", p.name, err))
	}
	p.mu.Unlock()
	if !wanted {
		return
	}
	time.Sleep(reviveAfter)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted && p.ended == ended {
		if err := p.launch(); err != nil {
			p.alone = append(p.alone, err)
		}
	}
}

// signal sends sig to the process, if there is one. It cannot meet a stranger:
// the number is ours until the process has been waited for.
func (p *part) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// usage is what the process has used so far.
func (p *part) usage() (product.Usage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return product.Usage{}, fmt.Errorf("%s was never started", p.name)
	}
	u, err := product.UsageOf(p.name, p.cmd.Process.Pid)
	if err != nil {
		return u, fmt.Errorf("read use of %s: %w", p.name, err)
	}
	return u, nil
}

// away begins an outage and returns the end of the process.
func (p *part) away() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = false
	if p.ended == nil {
		p.ended = make(chan struct{})
		close(p.ended)
	}
	return p.ended
}

func (p *part) kill(context.Context) error {
	ended := p.away()
	err := p.signal(syscall.SIGKILL)
	<-ended
	return err
}

// leave ends the process in order; one that does not listen, or complains, is an
// error.
func (p *part) leave(ctx context.Context) error {
	ended := p.away()
	select {
	case <-ended:
		return nil // by itself, which has been noted
	default:
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	limit := time.NewTimer(leaveWithin)
	defer limit.Stop()
	select {
	case <-ended:
		if p.err != nil {
			return fmt.Errorf("%s told to leave: %w", p.name, p.err)
		}
		return nil
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), p.kill(ctx))
	case <-limit.C:
		return errors.Join(fmt.Errorf("%s told to leave: still there after %s", p.name, leaveWithin), p.kill(ctx))
	}
}

// close ends the process whatever its state; it is over when it returns.
func (p *part) close(ctx context.Context) error {
	err := p.kill(ctx) // also a stopped one
	p.keeper.Wait()
	return err
}

// fallen returns how the process ended by itself, each time.
func (p *part) fallen() []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alone
}
