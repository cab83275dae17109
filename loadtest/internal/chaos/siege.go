package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

const (
	// replayTries is how often a replay may give up on a disturbed system; it is
	// started again each time and must resume.
	replayTries = 50
	// replayPause is between a replay that gave up and the next: the system may be
	// waiting before it starts something again.
	replayPause = 2 * time.Second
	// replayKillOneIn: so often the replay itself is the victim as well.
	replayKillOneIn = 4
	// calmWithin is how long a replay may take to end once nothing disturbs it
	// any more, beside what it is paced to take.
	calmWithin = 6 * time.Minute
)

// striker disturbs a system, one strike after the other.
type striker interface {
	// more says how many strikes are left.
	more() int
	// strike does the next one, and returns when the system is whole again.
	strike(context.Context, *product.System) error
}

// rounds replays again and again, each time into the fresh system that with
// makes, until no strikes are left.
func (l *lab) rounds(ctx context.Context, rng *rand.Rand, s striker, check func(outcome) error, with func(func(*product.System) error) error) error {
	sum := toll{strikes: s.more()}
	for round := 1; s.more() > 0; round++ {
		left := s.more()
		r := &siege{lab: l, rng: rng, striker: s}
		began := time.Now()
		var got outcome
		err := with(func(system *product.System) (err error) {
			if err := r.fire(ctx, system); err != nil {
				return err
			}
			got, err = take(ctx, system)
			return err
		})
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		l.say("round %d: %d strikes in %s; the replay was killed %d times and gave up %d times by itself\n",
			round, left-s.more(), time.Since(began).Round(time.Second), r.replayKills, r.gaveUp)
		if err := check(got); err != nil {
			return fmt.Errorf("round %d, after %d strikes: %w", round, sum.strikes-s.more(), err)
		}
		sum.add(r)
		if s.more() == left {
			return fmt.Errorf("round %d: the replay ended before the first strike: make rounds longer", round)
		}
	}
	l.say("%s\n", sum)
	return nil
}

// toll is what a comparison went through and came out of.
type toll struct{ strikes, rounds, replayKills, gaveUp int }

func (t *toll) add(r *siege) {
	t.rounds++
	t.replayKills += r.replayKills
	t.gaveUp += r.gaveUp
}

// String is the one line that says it all. Each round was found equal and its
// verify clean, or there would be an error instead.
func (t toll) String() string {
	return fmt.Sprintf("faults=%d rounds=%d replay_kills=%d replay_gave_up=%d lost=0 doubled=0 verify=clean", t.strikes, t.rounds, t.replayKills, t.gaveUp)
}

// siege is one replay under fire.
type siege struct {
	*lab
	striker
	rng         *rand.Rand
	replayKills int
	gaveUp      int
}

// fire replays until the replay succeeds, striking in between. One goroutine
// waits for the replay, this one draws and strikes.
func (r *siege) fire(ctx context.Context, s *product.System) error {
	for {
		replay := s.Replay(ctx, r.set, "--speed", r.speed())
		if err := replay.Start(); err != nil {
			return fmt.Errorf("start replay: %w", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- replay.Wait() }()
		struck, err := r.strikeUntil(ctx, s, replay, ended)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, new(fatal)):
			return err
		case struck: // resume it
		case err == nil:
			return nil
		default:
			if r.gaveUp++; r.gaveUp > replayTries {
				return fmt.Errorf("the replay gives up again and again: %w", err)
			}
			r.say("  the replay gave up: %v\n", err)
			pause := time.NewTimer(replayPause)
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
		}
	}
}

// strikeUntil strikes until the replay has ended, and says whether that was our
// doing; err is how the replay ended, or why striking could not go on.
func (r *siege) strikeUntil(ctx context.Context, s *product.System, replay *product.Command, ended <-chan error) (killed bool, err error) {
	for {
		if r.more() == 0 {
			return false, r.calm(replay, ended)
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
		if err := r.strike(ctx, s); err != nil {
			if !killed {
				_ = replay.Process.Kill() // the error that matters is ours
				_ = <-ended               // it was killed
			}
			return false, fatal{err}
		}
		if killed {
			return true, nil
		}
	}
}

// calm waits for the replay of a system that nothing disturbs any more.
func (r *siege) calm(replay *product.Command, ended <-chan error) error {
	limit := time.NewTimer(r.Round + calmWithin)
	defer limit.Stop()
	select {
	case err := <-ended:
		return err
	case <-limit.C:
		_ = replay.Process.Kill() // it hangs
		_ = <-ended               // it was killed
		return fatal{fmt.Errorf("the replay is not at its end %s after the last strike", r.Round+calmWithin)}
	}
}

// fatal is an error that another replay does not mend.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }
