package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/system"
)

// NotRunningError is an ErrNotRunning that says what to do. Users see it.
type NotRunningError struct{ Dir string }

func (e *NotRunningError) Error() string {
	return fmt.Sprintf("the system in %s is not running: start it with \"ntegral up --data %s\"", e.Dir, e.Dir)
}

// Is makes it an ErrNotRunning.
func (e *NotRunningError) Is(target error) bool { return target == ErrNotRunning }

const (
	lookEvery = 100 * time.Millisecond // between looks at the status
	knock     = 500 * time.Millisecond // for a connection on this machine
)

// Find returns the status of a system, or a *NotRunningError. Where its
// processes run without a supervisor, which their open ports tell, it returns a
// status without children and no error.
func Find(ctx context.Context, sys system.System) (Status, error) {
	s, alive, err := ReadStatus(sys.Folder)
	if err != nil && !errors.Is(err, ErrNotRunning) {
		return s, err
	}
	if alive {
		return s, nil
	}
	for _, addr := range sys.Addresses() {
		if answers(ctx, addr) {
			return Status{}, nil
		}
	}
	return s, &NotRunningError{Dir: string(sys.Folder)}
}

func answers(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, knock)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was said
	return true
}

// Await waits until a system that is starting has started, for within at most:
// what it lacks then is for whoever asks it to say. waiting is called once if
// there is something to wait for, however short within is. Where no system runs
// it returns a *NotRunningError.
func Await(ctx context.Context, sys system.System, within time.Duration, waiting func()) error {
	deadline := time.Now().Add(within)
	for said := false; ; {
		s, err := Find(ctx, sys)
		if err != nil || !s.Starting() {
			return err
		}
		if !said {
			said = true
			waiting()
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil
		}
		if err := lifecycle.Wait(ctx, min(lookEvery, left)); err != nil {
			return fmt.Errorf("wait for the system to start: %w", err)
		}
	}
}
