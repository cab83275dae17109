package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// Options are common to both demos.
type Options struct {
	Binary string
	Data   string // data folder of the system; empty: a fresh one, removed at the end
	Keep   bool   // leave the system running
	Out    io.Writer
	Log    io.Writer // what the product says on its standard error
}

// stopWithin bounds how long stopping may take, also when we were interrupted.
const stopWithin = 60 * time.Second

// session is one started system and the scratch folder beside it.
type session struct {
	*product.System
	o       Options
	scratch string
	began   time.Time
	cleanup []string
}

// open starts the system. Generated input lives in a scratch folder of ours:
// the data folder belongs to the product alone.
func open(ctx context.Context, o Options) (s *session, err error) {
	s = &session{o: o, began: time.Now()}
	data := o.Data
	if s.scratch, err = os.MkdirTemp("", "ntegral-demo-"); err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	if s.cleanup = []string{s.scratch}; o.Data == "" {
		if data, err = os.MkdirTemp("", "ntegral-data-"); err != nil {
			return nil, errors.Join(fmt.Errorf("make data folder: %w", err), os.RemoveAll(s.scratch))
		}
		if !o.Keep {
			s.cleanup = append(s.cleanup, data, data+".up.log")
		}
	}
	if s.System, err = product.New(o.Binary, data, o.Log); err != nil {
		return nil, errors.Join(err, s.sweep())
	}
	s.say("starting a system in %s\n", s.Data)
	if err := s.Up(ctx); err != nil {
		return nil, errors.Join(err, s.stop(ctx), s.sweep())
	}
	s.say("ready after %s\n", s.elapsed())
	return s, nil
}

// close stops what open started, unless it shall stay.
func (s *session) close(ctx context.Context) error {
	if s.o.Keep {
		s.say("\nThe system stays up. Stop it with: %s down --data %s\n", s.o.Binary, s.Data)
		return os.RemoveAll(s.scratch)
	}
	return errors.Join(s.stop(ctx), s.sweep())
}

func (s *session) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	return s.Down(ctx)
}

func (s *session) sweep() error {
	var errs []error
	for _, path := range s.cleanup {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// replay runs one replay to the last visible row.
func (s *session) replay(ctx context.Context, dir string) error {
	began := time.Now()
	if err := s.Replay(ctx, dir).Run(); err != nil {
		return err
	}
	s.say("replayed %s in %s, every fact visible\n", filepath.Base(dir), time.Since(began).Round(10*time.Millisecond))
	return nil
}

// proof prints residual and verdict, and fails where either is not clean.
func (s *session) proof(ctx context.Context) error {
	st, err := s.Status(ctx)
	if err != nil {
		return err
	}
	r := st.Processing
	s.say("\nconservation: residual %s uJ, %s nano-units of money\n", orUnknown(string(r.EnergyMicrojoules)), orUnknown(string(r.MoneyNano)))
	verdict, err := s.Verify(ctx)
	s.say("verify: %s\n", verdict)
	if err == nil && !r.Zero() {
		err = errors.New("conservation leaves a residual")
	}
	return err
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func (s *session) elapsed() time.Duration { return time.Since(s.began).Round(10 * time.Millisecond) }

func (s *session) say(format string, args ...any) { _, _ = fmt.Fprintf(s.o.Out, format, args...) }
