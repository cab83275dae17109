package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/system"
)

// ErrNotRunning says that no supervisor is at work in a folder.
var ErrNotRunning = errors.New("the system is not running")

// Down asks the supervisor of folder to stop and waits until it has. When ctx
// ends first it returns an interrupted error, and the supervisor goes on
// stopping.
func Down(ctx context.Context, folder system.Folder) error {
	s, alive, err := ReadStatus(folder)
	if err != nil {
		return err
	}
	if !alive {
		return fmt.Errorf("stop %s: %w", folder, ErrNotRunning)
	}
	// First hold the process, then see again that it is the one: its number may
	// have been given to another since it was written, but not while it is held.
	fd, err := unix.PidfdOpen(s.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("stop %s: %w", folder, ErrNotRunning)
	}
	if err != nil {
		return fmt.Errorf("stop %s: open process %d: %w", folder, s.PID, err)
	}
	process := os.NewFile(uintptr(fd), "pidfd")
	defer func() { _ = process.Close() }() // a handle, nothing more
	if started, err := startTime(s.PID); err != nil || started != s.StartTime {
		return fmt.Errorf("stop %s: %w", folder, ErrNotRunning)
	}
	if err := unix.PidfdSendSignal(fd, syscall.SIGTERM, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("stop %s: signal process %d: %w", folder, s.PID, err)
	}
	return awaitEnd(ctx, fd)
}

// awaitEnd waits for the process of a pidfd, which becomes readable at its end.
func awaitEnd(ctx context.Context, fd int) error {
	const lookUp = 50 // milliseconds between looks at ctx
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, lookUp)
		switch {
		case n > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait for supervisor: %w", err)
		case ctx.Err() != nil:
			return lifecycle.Interrupted(fmt.Errorf("wait for supervisor: %w", context.Cause(ctx)))
		}
	}
}
