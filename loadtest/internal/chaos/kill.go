package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// restartWithin bounds how long a killed component may take to come back.
const restartWithin = 60 * time.Second

// Kill compares an undisturbed replay with replays under SIGKILL.
func Kill(ctx context.Context, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 3))
	k := &killer{left: o.victims()}
	rng.Shuffle(len(k.left), func(i, j int) { k.left[i], k.left[j] = k.left[j], k.left[i] })
	return compare(ctx, o, func(ctx context.Context, l *lab, check func(outcome) error) error {
		return l.rounds(ctx, rng, k, check, func(f func(*product.System) error) error { return l.with(ctx, f) })
	})
}

// killer kills supervised components, one after the other.
type killer struct{ left []string }

func (k *killer) more() int { return len(k.left) }

// strike meets the next victim and waits until it is back.
func (k *killer) strike(ctx context.Context, s *product.System) error {
	name := k.left[0]
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
	k.left = k.left[1:]
	return s.Restarted(ctx, victim)
}
