package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// directory is the files of one replay.
type directory struct {
	path  string
	names map[string]string // file of the format → its name here, with .gz or without
	size  map[string]int64  // as they lie on the disk
	stray []string          // names that look like a file of the format and are none
}

func openDirectory(path string) (*directory, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("read directory: %w", err))
	}
	d := &directory{path: path, names: make(map[string]string), size: make(map[string]int64)}
	for _, e := range entries {
		base := strings.TrimSuffix(e.Name(), ".gz")
		if e.IsDir() || !strings.HasSuffix(base, ".csv") || strings.HasPrefix(base, ".") {
			continue
		}
		if !slices.Contains(replay.Files(), base) {
			d.stray = append(d.stray, e.Name())
			continue
		}
		if other := d.names[base]; other != "" {
			return nil, lifecycle.Permanent(fmt.Errorf("read directory: there are %s and %s: want one of them", other, e.Name()))
		}
		info, err := os.Stat(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, lifecycle.Permanent(fmt.Errorf("read directory: %w", err))
		}
		if !info.Mode().IsRegular() {
			return nil, lifecycle.Permanent(fmt.Errorf("read directory: %s is no file", e.Name()))
		}
		d.names[base], d.size[base] = e.Name(), info.Size()
	}
	if d.names[replay.InventoryFile] == "" {
		return nil, lifecycle.Permanent(fmt.Errorf("read directory: %s has no %s (or %s.gz): want at least that", path, replay.InventoryFile, replay.InventoryFile))
	}
	return d, nil
}

// input is an opened file of a directory.
type input struct {
	io.Reader
	name  string
	close func() error
	taken *counter // of the bytes on the disk
	size  int64
}

// done returns how much of the file is read, from 0 to 1.
func (in *input) done() float64 {
	if in.size == 0 {
		return 1
	}
	return float64(in.taken.n.Load()) / float64(in.size)
}

// open opens a file of the format; nil means that the directory has none.
func (d *directory) open(file string) (*input, error) {
	name := d.names[file]
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(filepath.Join(d.path, name))
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	in := &input{name: name, close: f.Close, size: d.size[file], taken: &counter{in: f}}
	in.Reader = in.taken
	if strings.HasSuffix(name, ".gz") {
		z := newUnzip(in.taken)
		in.Reader = z
		in.close = func() error { return errors.Join(z.Close(), f.Close()) }
	}
	return in, nil
}

// digest hashes the content of all files, each in a goroutine: what a replay
// is known by. SHA-256 runs at about 1.9 GB/s on a core with SHA extensions,
// 0.3 s for the largest set we measure with, so nothing faster is needed.
func (d *directory) digest(ctx context.Context, at string) (string, error) {
	files := replay.Files()
	sums := make([][]byte, len(files))
	group, ctx := errgroup.WithContext(ctx)
	for i, file := range files {
		group.Go(func() (err error) {
			sums[i], err = d.hash(ctx, file)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	all := sha256.New()
	fmt.Fprintf(all, "replay %d\n", replay.Version)
	for i, file := range files {
		if sums[i] != nil {
			fmt.Fprintf(all, "%s %x\n", file, sums[i])
		}
	}
	fmt.Fprintf(all, "at %s\n", at)
	return hex.EncodeToString(all.Sum(nil)), nil
}

// hash hashes one file, uncompressed; of a torn one what can be read of it.
func (d *directory) hash(ctx context.Context, file string) (sum []byte, err error) {
	in, err := d.open(file)
	if in == nil || err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if ctx.Err() != nil {
			return nil, lifecycle.Interrupted(ctx.Err())
		}
		n, err := in.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return h.Sum(nil), nil
		}
		if err != nil {
			fmt.Fprintf(h, "torn: %v", err)
			return h.Sum(nil), nil
		}
	}
}

// lock takes the lock on the directory, which needs no file in it and is given
// back by the kernel however the process ends. waiting is called if another
// replay holds it.
func (d *directory) lock(ctx context.Context, waiting func()) (unlock func() error, err error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	said := false
	try := func(context.Context) error {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			if !said {
				said = true
				waiting()
			}
			return lifecycle.Retryable(err)
		}
		return lifecycle.Permanent(err)
	}
	if err := lifecycle.Retry(ctx, lifecycle.Backoff{Max: time.Second}, try); err != nil {
		return nil, errors.Join(fmt.Errorf("lock directory: %w", err), f.Close())
	}
	return f.Close, nil
}
