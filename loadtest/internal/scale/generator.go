package scale

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
)

// generator is the process that writes the load.
type generator struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{} // closed when it has ended
	err  error         // read after done

	mu   sync.Mutex
	last cluster.Report
	late float64 // the most it was behind
}

// errNotFilled says that a generator ended too early.
var errNotFilled = errors.New("the generator ended before it was done")

func startGenerator(self, brokers string, l cluster.Load, history, live time.Duration) (*generator, error) {
	g := &generator{done: make(chan struct{})}
	g.cmd = exec.Command(self, "bench", "generator", "--brokers", brokers, "--accelerators", strconv.Itoa(l.Accelerators),
		"--interval", l.Interval.String(), "--seed", strconv.FormatUint(l.Seed, 10), "--history", history.String(), "--live", live.String())
	g.cmd.Stderr = os.Stderr
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var err error
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start generator: %w", err)
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start generator: %w", err)
	}
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start generator: %w", err)
	}
	go g.listen(out)
	return g, nil
}

func (g *generator) listen(out io.Reader) {
	defer close(g.done)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var r cluster.Report
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue
		}
		g.mu.Lock()
		g.last, g.late = r, max(g.late, r.Behind)
		g.mu.Unlock()
	}
	g.err = g.cmd.Wait()
}

func (g *generator) report() (last cluster.Report, late float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, g.late
}

// await waits for a phase.
func (g *generator) await(ctx context.Context, phase string) (cluster.Report, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return cluster.Report{}, context.Cause(ctx)
		case <-g.done:
			r, _ := g.report()
			if r.Phase != phase {
				return r, errors.Join(errNotFilled, g.err)
			}
			return r, nil
		case <-tick.C:
			if r, _ := g.report(); r.Phase == phase {
				return r, nil
			}
		}
	}
}

// live lets it begin the live part.
func (g *generator) live() error {
	if _, err := io.WriteString(g.in, "\n"); err != nil {
		return fmt.Errorf("tell generator: %w", err)
	}
	return nil
}

// stop ends it. The number is ours until it has been waited for.
func (g *generator) stop() {
	_ = g.in.Close()         // it may have ended
	_ = g.cmd.Process.Kill() // as above
	<-g.done
}
