package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

const (
	// takeoverWithin covers the group's session time-out and the new owner's
	// recovery.
	takeoverWithin = 3 * time.Minute
	// headway is how many steps the new owner must have made.
	headway = 3
)

// Zombie compares an undisturbed replay with one in which the processor is
// stopped, replaced by a second one, and continued while that one works.
func Zombie(ctx context.Context, o Options) error {
	o.Component, o.Kills = "process", 1
	if err := o.Validate(); err != nil {
		return err
	}
	return compare(ctx, o, func(ctx context.Context, l *lab, check func(outcome) error) error {
		var got outcome
		err := l.with(ctx, func(s *product.System) (err error) {
			if err := l.raise(ctx, s); err != nil {
				return err
			}
			got, err = take(ctx, s)
			return err
		})
		if err != nil {
			return err
		}
		return check(got)
	})
}

// raise stops the processor under a running replay, lets another take over, and
// wakes it up again. The order of waiting is the point: the zombie wakes only
// when the new owner has written steps of a higher epoch, so that what it still
// has in hand comes too late.
func (l *lab) raise(ctx context.Context, s *product.System) (err error) {
	replay := s.Replay(ctx, l.set, "--speed", l.speed())
	if err := replay.Start(); err != nil {
		return fmt.Errorf("start replay: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- replay.Wait() }()
	defer func() {
		if err != nil {
			_ = replay.Process.Kill() // the error that matters is ours
		}
	}()
	before, err := l.moving(ctx, s, 0)
	if err != nil {
		return err
	}
	zombie, err := s.Process("process")
	if err != nil {
		return err
	}
	if err := s.Signal(zombie, syscall.SIGSTOP); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, continued(s, zombie)) }()
	l.say("stopped the processor at epoch %d\n", before)
	second := s.Command(ctx, "process") // by addresses, as on another machine: --data would give it the first one's port
	if second.Env, err = s.Environ(); err != nil {
		return err
	}
	second.Env = append(second.Env, "NTEGRAL_PROCESS_LISTEN=127.0.0.1:0")
	if err := second.Start(); err != nil {
		return fmt.Errorf("start second processor: %w", err)
	}
	defer func() { err = errors.Join(err, stopped(second)) }()
	after, err := l.moving(ctx, s, before)
	if err != nil {
		return err
	}
	if err := s.Signal(zombie, syscall.SIGCONT); err != nil {
		return err
	}
	l.say("woke it at epoch %d of the new owner\n", after)
	return <-ended
}

// moving waits until the ledger shows headway in an epoch above the given one.
func (l *lab) moving(ctx context.Context, s *product.System, above uint64) (epoch uint64, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, takeoverWithin, fmt.Errorf("no steps above epoch %d after %s", above, takeoverWithin))
	defer cancel()
	query := fmt.Sprintf("SELECT max(epoch), count() FROM ledger WHERE epoch > %d", above)
	err = product.Until(ctx, func() (bool, error) {
		rows, err := s.SQL(ctx, query)
		if err != nil || len(rows) != 1 || len(rows[0]) != 2 {
			return false, nil // the store may be busy; the deadline decides
		}
		steps, err1 := strconv.Atoi(rows[0][1])
		n, err2 := strconv.ParseUint(rows[0][0], 10, 64)
		epoch = n
		return steps >= headway, errors.Join(err1, err2)
	})
	return epoch, err
}

// continued leaves no stopped process behind; one that runs does not mind.
func continued(s *product.System, p product.Process) error {
	if now, err := s.Process(p.Name); err != nil || now.PID != p.PID {
		return nil // replaced by the supervisor in the meantime
	}
	return s.Signal(p, syscall.SIGCONT)
}

func stopped(c *product.Command) error {
	if err := c.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop second processor: %w", err)
	}
	if err := c.Wait(); err != nil {
		return fmt.Errorf("second processor: %w", err)
	}
	return nil
}
