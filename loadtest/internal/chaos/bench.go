package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/benchset"
	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// stopWithin bounds how long stopping a system may take.
const stopWithin = 90 * time.Second

// lab is the folder of one comparison: the set and every system's data.
type lab struct {
	Options
	dir     string
	set     string
	systems int
}

// compare generates the set, takes the outcome of an undisturbed replay, lets
// disturb do its rounds, and holds each outcome against the first.
func compare(ctx context.Context, o Options, disturb func(context.Context, *lab, func(outcome) error) error) (err error) {
	l := &lab{Options: o}
	if l.dir, err = os.MkdirTemp("", "ntegral-chaos-"); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() {
		if err != nil || o.Keep {
			l.say("kept: %s\n", l.dir)
			return
		}
		err = os.RemoveAll(l.dir)
	}()
	l.set = filepath.Join(l.dir, "set")
	o.Set.Dir, o.Set.Seed = l.set, o.Seed
	size, err := benchset.Generate(o.Set)
	if err != nil {
		return fmt.Errorf("generate set: %w", err)
	}
	l.say("set: %d rows, %d placements\n", size.Rows, size.Placements)
	want, err := l.undisturbed(ctx)
	if err != nil {
		return fmt.Errorf("undisturbed replay: %w", err)
	}
	l.say("undisturbed: %d keys\n", len(want.sums))
	return disturb(ctx, l, func(got outcome) error {
		if d := want.differences(got); len(d) > 0 {
			return fmt.Errorf("the disturbed replay differs: %s:\n  %s", want.compare(got), strings.Join(d, "\n  "))
		}
		l.say("equal to the undisturbed replay: %d keys, %d reports, verify clean\n", len(got.sums), len(got.reports))
		return nil
	})
}

func (l *lab) undisturbed(ctx context.Context) (outcome, error) {
	var o outcome
	err := l.with(ctx, func(s *product.System) error {
		if err := s.Replay(ctx, l.set).Run(); err != nil {
			return err
		}
		var err error
		o, err = take(ctx, s)
		if err == nil && len(o.sums) == 0 {
			err = errors.New("no facts")
		}
		return err
	})
	return o, err
}

// fresh makes a system with a new folder; nothing is started.
func (l *lab) fresh() (*product.System, error) {
	l.systems++
	return product.New(l.Binary, filepath.Join(l.dir, fmt.Sprintf("system-%d", l.systems)), l.Log)
}

// with runs f against a fresh system and stops it.
func (l *lab) with(ctx context.Context, f func(*product.System) error) error {
	s, err := l.fresh()
	if err != nil {
		return err
	}
	return l.run(ctx, s, f)
}

// run starts a system, runs f against it and stops it.
func (l *lab) run(ctx context.Context, s *product.System, f func(*product.System) error) (err error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		err = errors.Join(err, s.Down(ctx))
	}()
	if err := s.Up(ctx); err != nil {
		return err
	}
	return f(s)
}

func (l *lab) say(format string, args ...any) { _, _ = fmt.Fprintf(l.Out, format, args...) }
