package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ntegral/ntegral/loadtest/internal/fleet"
	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// FleetOptions choose a comparison with a disturbed fleet.
type FleetOptions struct {
	Options
	Faults            int
	Processors, Sinks int
	Script            string // of an Apache Kafka; empty: the embedded broker
}

// Validate lists everything that is wrong with the options.
func (o FleetOptions) Validate() error {
	o.Component, o.Kills = "all", 1
	errs := []error{o.Options.Validate()}
	for _, n := range []struct {
		name  string
		value int
	}{{"faults", o.Faults}, {"processors", o.Processors}, {"sinks", o.Sinks}} {
		if n.value < 1 {
			errs = append(errs, fmt.Errorf("%s %d: at least 1", n.name, n.value))
		}
	}
	return errors.Join(errs...)
}

// Fleet compares an undisturbed replay with replays into a fleet whose parts are
// killed, stopped, told to leave and joined by others.
func Fleet(ctx context.Context, o FleetOptions) error {
	if err := o.Validate(); err != nil {
		return err
	}
	script, err := absolute(o.Script)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 5))
	d := &disturber{faults: plan(rng, o.Faults, o.Processors, o.Sinks), say: func(format string, args ...any) {
		_, _ = fmt.Fprintf(o.Out, format, args...)
	}}
	return compare(ctx, o.Options, func(ctx context.Context, l *lab, check func(outcome) error) error {
		return l.rounds(ctx, rng, d, check, func(f func(*product.System) error) error {
			l.systems++
			return d.with(ctx, fleet.Options{
				Binary: o.Binary, Dir: filepath.Join(l.dir, fmt.Sprintf("fleet-%d", l.systems)), Script: script,
				Processors: o.Processors, Sinks: o.Sinks, Log: o.Log,
			}, f)
		})
	})
}

func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find script: %w", err)
	}
	return abs, nil
}

// disturber brings the planned faults on a fleet, one after the other.
type disturber struct {
	faults []fault
	done   int
	fleet  *fleet.Fleet
	say    func(string, ...any)
}

// with runs f against a fresh fleet and ends it.
func (d *disturber) with(ctx context.Context, o fleet.Options, f func(*product.System) error) (err error) {
	if d.fleet, err = fleet.Start(ctx, o); err != nil {
		return err
	}
	defer func() {
		for _, fell := range d.fleet.Fallen() {
			d.say("  %v\n", fell)
		}
		err = errors.Join(err, d.fleet.Close(ctx))
	}()
	return f(d.fleet.System)
}

func (d *disturber) more() int { return len(d.faults) - d.done }

// strike brings on the next fault and takes it away again.
func (d *disturber) strike(ctx context.Context, _ *product.System) error {
	f := d.faults[d.done]
	d.done++
	d.say("  %d of %d: %s\n", d.done, len(d.faults), f)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.bring(ctx, f) })
	if f.beside != nil {
		g.Go(func() error { return d.bring(ctx, *f.beside) })
	}
	return g.Wait()
}

// bring brings a fault on, holds it and ends it.
func (d *disturber) bring(ctx context.Context, f fault) error {
	begin, end := d.ways(f.kind)
	for _, p := range f.parts {
		if err := begin(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	hold := time.NewTimer(f.hold)
	defer hold.Stop()
	select {
	case <-ctx.Done():
	case <-hold.C:
	}
	for _, p := range f.parts {
		if err := end(context.WithoutCancel(ctx), p); err != nil {
			return fmt.Errorf("end of %s: %w", f, err)
		}
	}
	return nil
}

// ways are how a kind of fault begins and ends.
func (d *disturber) ways(kind string) (begin, end func(context.Context, string) error) {
	switch kind {
	case faultFreeze:
		return d.fleet.Freeze, d.fleet.Thaw
	case faultLeave:
		return d.fleet.Leave, d.fleet.Begin
	case faultJoin:
		return d.fleet.Begin, d.fleet.Leave
	case faultGuest:
		return d.fleet.Begin, d.fleet.Kill
	default:
		return d.fleet.Kill, d.fleet.Begin
	}
}
