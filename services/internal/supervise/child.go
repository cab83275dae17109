package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// keeper keeps one child running.
type keeper struct {
	child   Child
	cfg     Config
	set     Settings
	spawn   *spawner
	board   *board
	logger  *slog.Logger
	first   chan error // gets nil when it is ready for the first time, or why it never was
	everOK  bool
	tries   int
	backoff lifecycle.Backoff
}

// Run starts the child again and again until ctx ends, and then stops it.
func (k *keeper) Run(ctx context.Context) error {
	log, err := openLog(filepath.Join(k.set.Folder.Log(), k.child.Name+".log"), k.cfg.LogMaxBytes, k.cfg.LogKeep)
	if err != nil {
		k.first <- err
		return err
	}
	defer log.Close() //nolint:errcheck // a log that cannot be closed has nowhere to say so
	defer k.note(func(s *ChildStatus) { s.State, s.PID = StateStopped, 0 })
	for {
		k.note(func(s *ChildStatus) { s.State, s.Address = StateStarting, "" })
		err := k.once(ctx, log)
		if ctx.Err() != nil {
			return nil
		}
		k.tries++
		k.note(func(s *ChildStatus) { s.State, s.PID, s.LastError = StateBackoff, 0, err.Error() })
		if !k.everOK && k.tries >= k.cfg.FirstTries {
			err = fmt.Errorf("start %s: %w, %d times; see %s", k.child.Name, err, k.tries, log.path)
			if line := log.lastLine(); line != "" {
				err = fmt.Errorf("%w, which ends with: %s", err, line)
			}
			k.first <- err
			return err
		}
		wait := k.backoff.Next()
		k.logger.Warn("process died, starting it again", "process", k.child.Name, "error", err, "wait", wait)
		if lifecycle.Wait(ctx, wait) != nil {
			return nil
		}
		k.note(func(s *ChildStatus) { s.Restarts++ })
	}
}

// once runs the child until it ends, by itself or because ctx has ended, and
// returns why.
func (k *keeper) once(ctx context.Context, log *logFile) error {
	log.forget()
	p, err := k.spawn.run(k.set, k.child, log)
	if err != nil {
		return err
	}
	pid := p.cmd.Process.Pid
	k.note(func(s *ChildStatus) { s.PID = pid })
	if err := k.board.writePID(k.child.Name, pid); err != nil {
		k.logger.Warn("process number not written", "process", k.child.Name, "error", err)
	}
	if err := k.awaitReady(ctx, p); err != nil {
		k.end(p)
		return err
	}
	since := time.Now()
	select {
	case <-p.ended:
		if time.Since(since) >= k.cfg.HealthyAfter {
			k.backoff.Reset()
		}
		return p.err
	case <-ctx.Done():
		k.end(p)
		return ctx.Err()
	}
}

func (k *keeper) awaitReady(ctx context.Context, p *process) error {
	timer := time.NewTimer(k.cfg.ReadyTimeout)
	defer timer.Stop()
	select {
	case r := <-p.ready:
		if r.err != nil {
			return p.causeOr(r.err)
		}
		k.note(func(s *ChildStatus) { s.State, s.Address = StateReady, r.addr })
		k.logger.Info("process is ready", "process", k.child.Name, "pid", p.cmd.Process.Pid, "address", r.addr)
		if !k.everOK {
			k.everOK = true
			k.first <- nil
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("not ready within %s", k.cfg.ReadyTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end stops the process, if it has not ended.
func (k *keeper) end(p *process) {
	select {
	case <-p.ended:
		return
	default:
	}
	k.note(func(s *ChildStatus) { s.State = StateStopping })
	if p.stop(k.cfg.StopTimeout) {
		k.logger.Warn("process killed, it did not end in time", "process", k.child.Name, "timeout", k.cfg.StopTimeout)
	}
}

// note changes the status; that it cannot be written must not stop the child.
func (k *keeper) note(edit func(*ChildStatus)) {
	if err := k.board.set(k.child.Name, edit); err != nil && !errors.Is(err, context.Canceled) {
		k.logger.Warn("status not written", "error", err)
	}
}
