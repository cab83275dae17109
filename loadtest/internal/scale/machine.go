package scale

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/fleet"
)

// diskFree is how many bytes can be written in a folder.
func diskFree(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// diskUsed is what the files below a folder take.
func diskUsed(dir string) (used int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // files come and go under a running system
		}
		if info, err := e.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				used += st.Blocks * 512
			}
		}
		return nil
	})
	return used
}

// loadAverage is how many processes wanted a core in the last minute, as the
// kernel says it: figures per second are worth what it is.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(b), " ")
	return minute
}

// memoryEvery is between two looks at the memory of all parts.
const memoryEvery = 250 * time.Millisecond

// memory watches what all parts hold together: their peaks need not coincide.
type memory struct {
	fleet *fleet.Fleet
	end   chan struct{}
	done  sync.WaitGroup
	mu    sync.Mutex
	most  int64
}

func watchMemory(f *fleet.Fleet) *memory {
	m := &memory{fleet: f, end: make(chan struct{})}
	m.done.Go(func() {
		tick := time.NewTicker(memoryEvery)
		defer tick.Stop()
		for {
			select {
			case <-m.end:
				return
			case <-tick.C:
				m.look()
			}
		}
	})
	return m
}

func (m *memory) look() {
	total := int64(0)
	for _, name := range parts {
		if u, err := m.fleet.Usage(name); err == nil { // one that is away holds nothing
			total += u.RSS
		}
	}
	m.mu.Lock()
	m.most = max(m.most, total)
	m.mu.Unlock()
}

func (m *memory) peak() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most
}

func (m *memory) close() {
	close(m.end)
	m.done.Wait()
}
