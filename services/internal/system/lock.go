package system

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// settingsLock is the file in DIR/run that is locked while settings are made.
const settingsLock = "settings.lock"

// lockSettings waits until nobody else is making the settings of a folder, which
// takes milliseconds. The kernel gives the lock back when the process ends.
func lockSettings(f Folder) (unlock func() error, err error) {
	file, err := os.OpenFile(filepath.Join(f.Run(), settingsLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of settings: %w", err)
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX)
		if err == nil {
			return file.Close, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock settings: %w", err), file.Close())
		}
	}
}
