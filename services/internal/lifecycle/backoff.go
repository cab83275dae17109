package lifecycle

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff grows the wait between attempts from Min to Max, doubling it each
// time. Half of each wait is random, so that many clients of one broken server
// do not come back together.
type Backoff struct {
	Min time.Duration // first wait; zero means 100 ms
	Max time.Duration // longest wait; zero means 30 s

	attempt int
}

// Next returns how long to wait before the next attempt.
func (b *Backoff) Next() time.Duration {
	low, high := b.Min, b.Max
	if low <= 0 {
		low = 100 * time.Millisecond
	}
	if high <= 0 {
		high = 30 * time.Second
	}
	d := min(low, high)
	for range b.attempt {
		if d >= high/2 {
			d = high
			break
		}
		d *= 2
	}
	b.attempt++
	return d/2 + rand.N(d/2+1)
}

// Reset makes the next wait a short one again.
func (b *Backoff) Reset() { b.attempt = 0 }

// Wait waits for d or until ctx ends, and then returns an interrupted error.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return Interrupted(context.Cause(ctx))
	case <-timer.C:
		return nil
	}
}

// Retry calls fn until it succeeds, fails with an error that is not retryable,
// or ctx ends; then it returns the last error of fn.
func Retry(ctx context.Context, b Backoff, fn func(context.Context) error) error {
	for {
		err := fn(ctx)
		if err == nil || !IsRetryable(err) {
			return err
		}
		if Wait(ctx, b.Next()) != nil {
			return Interrupted(err)
		}
	}
}
