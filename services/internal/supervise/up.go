package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// RunningError says that the system of a folder is up already.
type RunningError struct {
	Dir string
	PID int // of the supervisor
}

func (e *RunningError) Error() string {
	if e.PID == 0 { // it has just taken the lock and not said yet who it is
		return fmt.Sprintf("the system in %s is being started already", e.Dir)
	}
	return fmt.Sprintf("the system in %s is running already, by process %d", e.Dir, e.PID)
}

// Up starts the children in their order and keeps them running until ctx ends.
// Then it stops them in the reverse order and returns nil. It returns an error
// when another supervisor is at work, or when a child could not be brought up in
// the first place; the others are stopped before.
func Up(ctx context.Context, cfg Config, set Settings) error {
	if err := cfg.Validate(); err != nil {
		return lifecycle.Permanent(fmt.Errorf("configure supervisor: %w", err))
	}
	if set.Logger == nil {
		set.Logger = slog.New(slog.DiscardHandler)
	}
	if set.Out == nil {
		set.Out = io.Discard
	}
	if err := os.MkdirAll(set.Folder.Run(), 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	unlock, err := lifecycle.Lock(set.Folder.Run())
	if held, ok := errors.AsType[*lifecycle.HeldError](err); ok {
		return lifecycle.Permanent(&RunningError{Dir: string(set.Folder), PID: held.PID})
	}
	if err != nil {
		return fmt.Errorf("lock data folder: %w", err)
	}
	defer unlock() //nolint:errcheck // closing the file; the kernel unlocks in any case
	if set.Prepare != nil {
		if err := set.Prepare(); err != nil {
			return err
		}
	}
	b, err := newBoard(set.Folder, set.Children)
	if err != nil {
		return err
	}
	// The spawning thread must outlive the children: its end would kill them.
	spawning, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	return supervise(ctx, cfg, set, b, newSpawner(spawning))
}

func supervise(ctx context.Context, cfg Config, set Settings, b *board, spawn *spawner) error {
	began := time.Now()
	var running []running
	var failed error
	for _, c := range set.Children {
		k := &keeper{
			child: c, cfg: cfg, set: set, spawn: spawn, board: b, logger: set.Logger, first: make(chan error, 2),
			backoff: lifecycle.Backoff{Min: cfg.BackoffMin, Max: cfg.BackoffMax},
		}
		running = append(running, start(ctx, k))
		if failed = awaitFirst(ctx, k.first); failed != nil {
			break
		}
	}
	if failed == nil {
		set.Logger.Info("all processes are ready", "time", time.Since(began))
		if _, err := fmt.Fprintln(set.Out, readyLine(b, set, time.Since(began))); err != nil {
			set.Logger.Warn("ready line not written", "error", err)
		}
		b.rewrite(ctx)
	}
	for i := len(running) - 1; i >= 0; i-- {
		running[i].stop()
		_ = os.Remove(pidPath(set.Folder, set.Children[i].Name)) // it may never have run
	}
	if lifecycle.IsInterrupted(failed) {
		return nil // asked to stop while starting
	}
	return failed
}

// running is a keeper at work.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs k under a context of its own, because children end one by one.
func start(ctx context.Context, k *keeper) running {
	kctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		_ = k.Run(kctx) // its error has gone to first
	}()
	return r
}

func (r running) stop() {
	r.cancel()
	<-r.done
}

func awaitFirst(ctx context.Context, first <-chan error) error {
	select {
	case err := <-first:
		return err
	case <-ctx.Done():
		return lifecycle.Interrupted(context.Cause(ctx))
	}
}

func readyLine(b *board, set Settings, took time.Duration) string {
	var parts []string
	for _, c := range set.Children {
		parts = append(parts, strings.TrimSpace(c.Name+" "+b.child(c.Name).Address))
	}
	return fmt.Sprintf("ready in %.1f s: %s (data in %s)", took.Seconds(), strings.Join(parts, ", "), set.Folder)
}
