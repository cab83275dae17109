package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

const (
	// restartWithin bounds how long a killed component may take to come back.
	restartWithin = 60 * time.Second
	// replayTries is how often a replay may give up on a disturbed system; it is
	// started again each time and must resume.
	replayTries = 50
	// replayKillOneIn: so often the replay itself is the victim as well.
	replayKillOneIn = 4
)

// Kill compares an undisturbed replay with replays under SIGKILL.
func Kill(ctx context.Context, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 3))
	left := o.victims()
	rng.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	return compare(ctx, o, func(ctx context.Context, l *lab, check func(outcome) error) error {
		for round := 1; len(left) > 0; round++ {
			r := &siege{lab: l, rng: rng, left: left}
			got, err := r.run(ctx)
			if err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			l.say("round %d: %d kills, %d of the replay too, which gave up %d times by itself\n", round, len(left)-len(r.left), r.replayKills, r.gaveUp)
			if err := check(got); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			if len(r.left) == len(left) {
				return fmt.Errorf("round %d: the replay ended before the first kill: make rounds longer", round)
			}
			left = r.left
		}
		return nil
	})
}

// siege is one replay under fire.
type siege struct {
	*lab
	rng         *rand.Rand
	left        []string // victims still to come
	replayKills int
	gaveUp      int
}

func (r *siege) run(ctx context.Context) (o outcome, err error) {
	err = r.with(ctx, func(s *product.System) error {
		if err := r.fire(ctx, s); err != nil {
			return err
		}
		o, err = take(ctx, s)
		return err
	})
	return o, err
}

// fire replays until the replay succeeds, killing in between. One goroutine
// waits for the replay, this one draws and kills.
func (r *siege) fire(ctx context.Context, s *product.System) error {
	for {
		replay := s.Replay(ctx, r.set, "--speed", r.speed())
		if err := replay.Start(); err != nil {
			return fmt.Errorf("start replay: %w", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- replay.Wait() }()
		killed, err := r.killUntil(ctx, s, replay, ended)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case killed: // resume it
		case err == nil:
			return nil
		default:
			if r.gaveUp++; r.gaveUp > replayTries {
				return fmt.Errorf("the replay gives up again and again: %w", err)
			}
		}
	}
}

// killUntil kills victims until the replay has ended, and says whether that was
// our doing; err is how the replay ended, or why killing could not go on.
func (r *siege) killUntil(ctx context.Context, s *product.System, replay *product.Command, ended <-chan error) (killed bool, err error) {
	for {
		if len(r.left) == 0 {
			return false, <-ended
		}
		pause := time.NewTimer(time.Duration(r.rng.ExpFloat64() * float64(r.Every)))
		select {
		case err := <-ended:
			pause.Stop()
			return false, err
		case <-pause.C:
		}
		if r.rng.IntN(replayKillOneIn) == 0 {
			if err := replay.Process.Kill(); err == nil {
				r.replayKills++
				_ = <-ended // it was killed
				killed = true
			}
		}
		if err := r.kill(ctx, s); err != nil {
			if !killed {
				_ = replay.Process.Kill() // the error that matters is ours
				_ = <-ended               // it was killed
			}
			return false, err
		}
		if killed {
			return true, nil
		}
	}
}

// kill meets the next victim and waits until it is back.
func (r *siege) kill(ctx context.Context, s *product.System) error {
	name := r.left[0]
	ctx, cancel := context.WithTimeoutCause(ctx, restartWithin, fmt.Errorf("%s is not back after %s", name, restartWithin))
	defer cancel()
	var victim product.Process
	err := product.Until(ctx, func() (bool, error) {
		var err error
		victim, err = s.Process(name)
		return err == nil, nil
	})
	if err != nil {
		return err
	}
	if err := s.Signal(victim, syscall.SIGKILL); err != nil {
		return err
	}
	r.left = r.left[1:]
	return s.Restarted(ctx, victim)
}
