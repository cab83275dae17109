package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// Component is a part of a process that runs until its context ends.
type Component interface {
	Run(ctx context.Context) error
}

// Func makes a Component of a function.
type Func func(ctx context.Context) error

// Run calls f.
func (f Func) Run(ctx context.Context) error { return f(ctx) }

// defaultStopTimeout is how long one component may take to end.
const defaultStopTimeout = 15 * time.Second

// Group runs components together. The zero value is ready for Add.
type Group struct {
	Logger      *slog.Logger  // nil discards
	StopTimeout time.Duration // how long each component may take to end; zero means 15 s

	members []*member
}

type member struct {
	name   string
	part   Component
	cancel context.CancelFunc
	done   chan struct{}
	err    error // read after done
}

// Add appends a component. It may rely on all that were added before it.
func (g *Group) Add(name string, c Component) {
	g.members = append(g.members, &member{name: name, part: c, done: make(chan struct{})})
}

// Run starts the components and returns when all have ended: because each has
// returned nil, because one has failed, or because ctx has ended. It returns the
// joined errors of those that failed or overran their time to stop, without the
// interruptions that it caused itself.
func (g *Group) Run(ctx context.Context) error {
	if g.Logger == nil {
		g.Logger = slog.New(slog.DiscardHandler)
	}
	// Components must not see the end of ctx before it is their turn to stop.
	inner := context.WithoutCancel(ctx)
	running, failed := errgroup.WithContext(inner)
	for _, m := range g.members {
		mctx, cancel := context.WithCancel(inner)
		m.cancel = cancel
		running.Go(func() error {
			defer close(m.done)
			m.err = m.part.Run(mctx)
			if m.err != nil && mctx.Err() == nil {
				return m.err // not asked to stop: takes the others down
			}
			return nil
		})
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		_ = running.Wait() // each member keeps its own error
	}()
	select {
	case <-ctx.Done():
	case <-failed.Done(): // also when all have finished
	case <-finished:
	}
	return g.stop()
}

func (g *Group) stop() error {
	timeout := g.StopTimeout
	if timeout <= 0 {
		timeout = defaultStopTimeout
	}
	var errs []error
	for i := len(g.members) - 1; i >= 0; i-- {
		m := g.members[i]
		m.cancel()
		timer := time.NewTimer(timeout)
		select {
		case <-m.done:
			if m.err != nil && !IsInterrupted(m.err) {
				errs = append(errs, fmt.Errorf("run %s: %w", m.name, m.err))
			}
			g.Logger.Debug("component stopped", "component", m.name)
		case <-timer.C:
			errs = append(errs, fmt.Errorf("stop %s: not ended within %s", m.name, timeout))
		}
		timer.Stop()
	}
	return errors.Join(errs...)
}
