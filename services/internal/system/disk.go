package system

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// DiskFree returns how many bytes an ordinary user can still write in dir.
func DiskFree(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask for free disk space: %w", err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// DiskUse returns how many bytes the files in dir take on the disk. Files that
// vanish while it looks do not count.
func DiskUse(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err == nil {
			total += s.Blocks * 512
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("ask for used disk space: %w", err)
	}
	return total, nil
}

// LowDiskError says that less space is free than the configured floor.
type LowDiskError struct {
	Dir         string
	Free, Floor int64 // bytes
}

func (e *LowDiskError) Error() string {
	return fmt.Sprintf("%s has %d MiB free, less than the floor of %d MiB", e.Dir, e.Free>>20, e.Floor>>20)
}

// CheckDisk returns a *LowDiskError when less than the floor is free. It is for
// warning: nothing stops because of it.
func (s System) CheckDisk(cfg Config) error {
	free, err := DiskFree(string(s.Folder))
	if err != nil {
		return err
	}
	if free < cfg.DiskFloorBytes {
		return &LowDiskError{Dir: string(s.Folder), Free: free, Floor: cfg.DiskFloorBytes}
	}
	return nil
}
