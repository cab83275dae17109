package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

func TestKindOfError(t *testing.T) {
	base := errors.New("broken")
	for _, tc := range []struct {
		name                              string
		err                               error
		retryable, permanent, interrupted bool
	}{
		{name: "nil"},
		{name: "plain", err: base, retryable: true},
		{name: "permanent", err: lifecycle.Permanent(base), permanent: true},
		{name: "permanent wrapped", err: fmt.Errorf("read x: %w", lifecycle.Permanent(base)), permanent: true},
		{name: "interrupted", err: lifecycle.Interrupted(base), interrupted: true},
		{name: "cancelled context", err: fmt.Errorf("poll: %w", context.Canceled), interrupted: true},
		{name: "passed deadline", err: context.DeadlineExceeded, retryable: true},
		{name: "outermost mark wins", err: lifecycle.Retryable(lifecycle.Permanent(base)), retryable: true},
		{name: "joined", err: errors.Join(base, lifecycle.Permanent(base)), permanent: true},
		{name: "nil marked", err: lifecycle.Permanent(nil)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := []bool{lifecycle.IsRetryable(tc.err), lifecycle.IsPermanent(tc.err), lifecycle.IsInterrupted(tc.err)}
			want := []bool{tc.retryable, tc.permanent, tc.interrupted}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("retryable, permanent, interrupted (-got +want):\n%s", diff)
			}
		})
	}
}

func TestBackoffStaysInItsBounds(t *testing.T) {
	b := lifecycle.Backoff{Min: 100 * time.Millisecond, Max: time.Second}
	for i, ms := range []int{100, 200, 400, 800, 1000, 1000} {
		top := time.Duration(ms) * time.Millisecond
		if got := b.Next(); got < top/2 || got > top {
			t.Errorf("wait %d: got %s, want between %s and %s", i, got, top/2, top)
		}
	}
	b.Reset()
	if got := b.Next(); got > 100*time.Millisecond {
		t.Errorf("wait after reset: got %s, want at most 100ms", got)
	}
}

func TestRetryEndsAtSuccessAndAtPermanent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		err := lifecycle.Retry(t.Context(), lifecycle.Backoff{}, func(context.Context) error {
			if calls++; calls < 4 {
				return errors.New("not yet")
			}
			return nil
		})
		if err != nil || calls != 4 {
			t.Errorf("got %v after %d calls, want nil after 4", err, calls)
		}
		calls = 0
		err = lifecycle.Retry(t.Context(), lifecycle.Backoff{}, func(context.Context) error {
			calls++
			return lifecycle.Permanent(errors.New("never"))
		})
		if err == nil || calls != 1 {
			t.Errorf("got %v after %d calls, want an error after 1", err, calls)
		}
	})
}

func TestGroupStopsInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stopped []string
		var g lifecycle.Group
		for _, name := range []string{"store", "log", "sink"} {
			g.Add(name, lifecycle.Func(func(ctx context.Context) error {
				<-ctx.Done()
				stopped = append(stopped, name)
				return ctx.Err()
			}))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := g.Run(ctx); err != nil {
			t.Errorf("got %v, want no error from an asked-for stop", err)
		}
		if diff := cmp.Diff(stopped, []string{"sink", "log", "store"}); diff != "" {
			t.Errorf("stop order (-got +want):\n%s", diff)
		}
	})
}

func TestGroupEndsWithTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		var g lifecycle.Group
		g.Add("good", lifecycle.Func(func(ctx context.Context) error { <-ctx.Done(); return nil }))
		g.Add("finished", lifecycle.Func(func(context.Context) error { return nil }))
		g.Add("bad", lifecycle.Func(func(context.Context) error { return broken }))
		err := g.Run(t.Context())
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "run bad") {
			t.Errorf("got %v, want the error of bad", err)
		}
	})
}

func TestGroupReportsWhoDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		g := lifecycle.Group{StopTimeout: time.Second}
		g.Add("stuck", lifecycle.Func(func(context.Context) error { <-release; return nil }))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := g.Run(ctx)
		if err == nil || !strings.Contains(err.Error(), "stop stuck: not ended within 1s") {
			t.Errorf("got %v, want the name of the stuck component", err)
		}
		close(release)
	})
}

func TestLockNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lifecycle.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lifecycle.Lock(dir)
	held, ok := errors.AsType[*lifecycle.HeldError](err)
	if !ok || held.PID != os.Getpid() || held.Dir != dir {
		t.Errorf("second lock: got %v, want it held by %d", err, os.Getpid())
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = lifecycle.Lock(dir)
	if err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
