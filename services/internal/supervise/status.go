package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ntegral/ntegral/services/internal/system"
)

// State is what a child is doing.
type State string

// States of a child.
const (
	StateWaiting  State = "waiting"  // for those before it
	StateStarting State = "starting" // not ready yet
	StateReady    State = "ready"
	StateBackoff  State = "backoff" // dead, to be started again
	StateStopping State = "stopping"
	StateStopped  State = "stopped"
	StateDead     State = "dead" // with its supervisor, which could not write so: ReadStatus says it
)

// Status is the content of DIR/run/status.json.
type Status struct {
	PID       int           `json:"pid"`        // of the supervisor
	StartTime uint64        `json:"start_time"` // of that process, by the kernel's count, to know it again
	Since     time.Time     `json:"since"`
	Ready     bool          `json:"ready"` // all children are
	Children  []ChildStatus `json:"children"`
}

// ChildStatus is one child's part of it.
type ChildStatus struct {
	Name      string    `json:"name"`
	PID       int       `json:"pid,omitempty"` // 0 while there is no process
	State     State     `json:"state"`
	Address   string    `json:"address,omitempty"` // as it said when it was ready
	Restarts  int       `json:"restarts"`
	Since     time.Time `json:"since"` // of the state
	LastError string    `json:"last_error,omitempty"`
}

func statusPath(f system.Folder) string { return filepath.Join(f.Run(), "status.json") }

func pidPath(f system.Folder, child string) string { return filepath.Join(f.Run(), child+".pid") }

// ReadStatus returns the status of the system in folder, and whether its
// supervisor is alive; what a dead one left says how it was at its end, but for
// children that died with it. Where none ever ran it returns ErrNotRunning.
func ReadStatus(folder system.Folder) (s Status, alive bool, err error) {
	b, err := os.ReadFile(statusPath(folder))
	if errors.Is(err, os.ErrNotExist) {
		return Status{}, false, fmt.Errorf("read status of %s: %w", folder, ErrNotRunning)
	}
	if err != nil {
		return Status{}, false, fmt.Errorf("read status: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return Status{}, false, fmt.Errorf("read status: %s: %w", statusPath(folder), err)
	}
	started, err := startTime(s.PID)
	if alive = err == nil && started == s.StartTime; !alive {
		s.bury()
	}
	return s, alive, nil
}

// bury marks the children of a supervisor that was killed: none outlives it.
func (s *Status) bury() {
	s.Ready = false
	for i := range s.Children {
		if c := &s.Children[i]; c.State != StateStopped {
			c.State, c.PID, c.Address = StateDead, 0, ""
		}
	}
}

// Starting reports whether a child waits for its first start.
func (s *Status) Starting() bool {
	return slices.ContainsFunc(s.Children, func(c ChildStatus) bool {
		return c.State == StateWaiting || c.State == StateStarting && c.Restarts == 0
	})
}

// board holds the status and writes each change to its file. What cannot be
// written, because the disk is full, is written later: nothing may change any
// more for a long time.
type board struct {
	folder system.Folder

	mu      sync.Mutex
	status  Status
	pending map[string][]byte // by path: what is not written yet
}

// rewriteInterval is the time between two tries to write what could not be.
const rewriteInterval = time.Second

func newBoard(folder system.Folder, children []Child) (*board, error) {
	started, err := startTime(os.Getpid())
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	b := &board{folder: folder, pending: make(map[string][]byte), status: Status{PID: os.Getpid(), StartTime: started, Since: now}}
	for _, c := range children {
		b.status.Children = append(b.status.Children, ChildStatus{Name: c.Name, State: StateWaiting, Since: now})
	}
	return b, b.change(func(*Status) {})
}

// set changes one child's entry and writes the file. That a change cannot be
// written is returned once, for the log; the children matter more.
func (b *board) set(child string, edit func(*ChildStatus)) error {
	return b.change(func(s *Status) {
		i := slices.IndexFunc(s.Children, func(c ChildStatus) bool { return c.Name == child })
		before := s.Children[i].State
		edit(&s.Children[i])
		if s.Children[i].State != before {
			s.Children[i].Since = time.Now().UTC()
		}
	})
}

func (b *board) change(edit func(*Status)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	edit(&b.status)
	b.status.Ready = !slices.ContainsFunc(b.status.Children, func(c ChildStatus) bool { return c.State != StateReady })
	text, err := json.MarshalIndent(b.status, "", "  ")
	if err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return b.write(statusPath(b.folder), append(text, '\n'))
}

// write replaces a file, now or later; the lock is held.
func (b *board) write(path string, text []byte) error {
	err := replaceFile(path, text)
	if err != nil {
		b.pending[path] = text
	} else {
		delete(b.pending, path)
	}
	return err
}

// writePID notes a child's process number for scripts.
func (b *board) writePID(child string, pid int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.write(pidPath(b.folder, child), []byte(strconv.Itoa(pid)+"\n"))
}

// rewrite writes what could not be written, until ctx ends.
func (b *board) rewrite(ctx context.Context) {
	ticker := time.NewTicker(rewriteInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			b.mu.Lock()
			for path, text := range b.pending {
				_ = b.write(path, text) // it was told, and is tried again
			}
			b.mu.Unlock()
		}
	}
}

func (b *board) child(name string) ChildStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.status.Children, func(c ChildStatus) bool { return c.Name == name })
	return b.status.Children[i]
}

// replaceFile lets no reader see half of it.
func replaceFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
