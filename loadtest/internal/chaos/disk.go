package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// disks are what can lie on a small file system of its own.
var disks = []string{"kafka", "clickhouse", "folder"}

// Sizes of the small file system: its own, and the free space below which the
// system is to complain.
const (
	diskBytes  = 1 << 30
	floorBytes = 128 << 20
)

// DiskOptions choose a comparison with full disks.
type DiskOptions struct {
	Options
	Under string // one of disks, or all
	Times int    // how often each is filled
	Hold  time.Duration
}

// Validate lists everything that is wrong with the options.
func (o DiskOptions) Validate() error {
	o.Component, o.Kills = "all", 1
	errs := []error{o.Options.Validate()}
	if o.Under != "all" && !slices.Contains(disks, o.Under) {
		errs = append(errs, fmt.Errorf("under %q: one of %v or all", o.Under, disks))
	}
	if o.Times < 1 || o.Hold < time.Second {
		errs = append(errs, fmt.Errorf("times %d, hold %s: at least 1 and 1s", o.Times, o.Hold))
	}
	return errors.Join(errs...)
}

// Disk compares an undisturbed replay with replays into systems whose disk is
// full for a while. Where it may not mount, it says so and does nothing.
func Disk(ctx context.Context, o DiskOptions) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if err := mayMount(); err != nil {
		_, _ = fmt.Fprintf(o.Out, "skipped: no small file system can be mounted here: %v\n", err)
		return nil
	}
	under := disks
	if o.Under != "all" {
		under = []string{o.Under}
	}
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	return compare(ctx, o.Options, func(ctx context.Context, l *lab, check func(outcome) error) error {
		for _, name := range under {
			f := &filler{lab: l, name: name, hold: o.Hold, left: o.Times}
			if err := l.rounds(ctx, rng, f, check, func(use func(*product.System) error) error { return f.with(ctx, use) }); err != nil {
				return fmt.Errorf("disk of %s: %w", name, err)
			}
		}
		return nil
	})
}

func mayMount() (err error) {
	dir, err := os.MkdirTemp("", "ntegral-mount-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(dir)) }()
	if err := mount(dir); err != nil {
		return err
	}
	return unmount(dir)
}

func mount(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", diskBytes)); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	return nil
}

func unmount(dir string) error {
	if err := syscall.Unmount(dir, 0); err != nil {
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}

// filler fills the disk of one part of a system.
type filler struct {
	*lab
	name string
	hold time.Duration
	left int
	dir  string // the small file system
}

func (f *filler) more() int { return f.left }

// with runs use against a fresh system, of which the part lies on a small disk.
func (f *filler) with(ctx context.Context, use func(*product.System) error) (err error) {
	s, err := f.fresh()
	if err != nil {
		return err
	}
	f.dir = s.Data
	if f.name != "folder" {
		f.dir = filepath.Join(s.Data, f.name)
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := mount(f.dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.keepLogs(s))
		}
		err = errors.Join(err, unmount(f.dir))
	}()
	s.Configure(fmt.Sprintf("NTEGRAL_UP_DISK_FLOOR_BYTES=%d", floorBytes))
	return f.run(ctx, s, use)
}

// keepLogs saves the logs of a folder that is about to vanish.
func (f *filler) keepLogs(s *product.System) error {
	if err := os.CopyFS(s.Data+".log", os.DirFS(filepath.Join(s.Data, "log"))); err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	return nil
}

// strike fills the disk, sees that the system complains, and frees it again.
func (f *filler) strike(ctx context.Context, s *product.System) (err error) {
	if _, err := f.moving(ctx, s, 0); err != nil {
		return err
	}
	f.left--
	ballast := filepath.Join(f.dir, "ballast")
	defer func() { err = errors.Join(err, os.Remove(ballast)) }()
	n, err := fill(ballast)
	if err != nil {
		return err
	}
	f.say("  disk of %s full: %d MiB of ballast for %s\n", f.name, n>>20, f.hold)
	hold := time.NewTimer(f.hold)
	defer hold.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-hold.C:
	}
	if more, err := fill(ballast); err != nil {
		return err
	} else if more > 0 {
		f.say("  meanwhile %d KiB had become free\n", more>>10)
	}
	return f.complains(ctx, s)
}

// complains fails unless the system's status names the disk as a problem.
func (f *filler) complains(ctx context.Context, s *product.System) error {
	st, _ := s.Status(ctx) // unhealthy, which is an error
	f.say("  status: %s\n", strings.Join(st.Problems, "\n          "))
	for _, p := range st.Processes {
		f.say("  %s is %s, restarted %d times\n", p.Name, p.State, p.Restarts)
	}
	if !slices.ContainsFunc(st.Problems, func(p string) bool { return strings.HasPrefix(p, "disk") }) {
		return fmt.Errorf("the status of a system with a full disk names no problem with the disk: %q", st.Problems)
	}
	return nil
}

// fill appends to a file until the disk takes no byte more.
func fill(path string) (n int64, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open ballast: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for block := make([]byte, 1<<20); len(block) > 0; {
		written, err := file.Write(block)
		n += int64(written)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			block = block[:len(block)/2]
		case err != nil:
			return n, fmt.Errorf("write ballast: %w", err)
		}
	}
	return n, nil
}
