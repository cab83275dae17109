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

// Disk is a file system that a data folder lies on.
type Disk struct {
	Dir  string // the first of the folder's directories that is on it
	Free int64  // bytes
}

// Disks returns the file systems that the folder and its parts lie on, each
// once: the broker's and the store's may be of their own.
func (s System) Disks() ([]Disk, error) {
	var out []Disk
	var errs []error
	seen := make(map[uint64]bool)
	for _, dir := range []string{string(s.Folder), s.Folder.Kafka(), s.Folder.Clickhouse(), s.Folder.Log()} {
		var st unix.Stat_t
		if err := unix.Stat(dir, &st); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("ask for disk of %s: %w", dir, err))
			}
			continue
		}
		if seen[st.Dev] {
			continue
		}
		seen[st.Dev] = true
		free, err := DiskFree(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, Disk{Dir: dir, Free: free})
	}
	return out, errors.Join(errs...)
}

// CheckDisk returns *LowDiskErrors where less than the floor is free. It is for
// warning: nothing stops because of it.
func (s System) CheckDisk(cfg Config) error {
	disks, err := s.Disks()
	errs := []error{err}
	for _, d := range disks {
		if d.Free < cfg.DiskFloorBytes {
			errs = append(errs, &LowDiskError{Dir: d.Dir, Free: d.Free, Floor: cfg.DiskFloorBytes})
		}
	}
	return errors.Join(errs...)
}
