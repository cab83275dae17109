package product

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one supervised process of a system.
type Process struct {
	Name     string `json:"name"`
	PID      int    `json:"pid"`
	State    string `json:"state"`
	Restarts int    `json:"restarts"`
}

// Running says whether the supervisor calls the process up.
func (p Process) Running() bool {
	return p.PID > 0 && p.State == "ready"
}

// Processes reads the supervisor's status file.
func (s *System) Processes() ([]Process, error) {
	b, err := os.ReadFile(filepath.Join(s.Data, "run", "status.json"))
	if err != nil {
		return nil, fmt.Errorf("read status file: %w", err)
	}
	var status struct {
		Children []Process `json:"children"`
	}
	if err := json.Unmarshal(b, &status); err != nil {
		return nil, fmt.Errorf("decode status file: %w", err)
	}
	return status.Children, nil
}

// Process finds a running process by name.
func (s *System) Process(name string) (Process, error) {
	ps, err := s.Processes()
	if err != nil {
		return Process{}, err
	}
	for _, p := range ps {
		if p.Name == name && p.Running() {
			return p, nil
		}
	}
	return Process{}, fmt.Errorf("no running process %q", name)
}

// Signal sends sig to p, provided that p still runs this system's binary: the
// status file may be a moment old and the number somebody else's by now.
func (s *System) Signal(p Process, sig syscall.Signal) error {
	proc, err := os.FindProcess(p.PID) // holds the process itself, not its number
	if err != nil {
		return fmt.Errorf("find process %s: %w", p.Name, err)
	}
	defer func() { _ = proc.Release() }() // nothing to do about it
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID))
	if err != nil {
		return fmt.Errorf("look at process %s: %w", p.Name, err)
	}
	if exe != s.Binary {
		return fmt.Errorf("process %d is %s, not %s", p.PID, exe, s.Binary)
	}
	if err := proc.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", p.Name, err)
	}
	return nil
}

// Restarted waits until the supervisor runs another process in p's place.
func (s *System) Restarted(ctx context.Context, p Process) error {
	return Until(ctx, func() (bool, error) {
		now, err := s.Process(p.Name)
		return err == nil && now.PID != p.PID, nil
	})
}

// Until asks done again and again until it holds.
func Until(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Usage is what a process has used so far.
type Usage struct {
	Name     string
	CPU      time.Duration
	PeakRSS  int64 // bytes
	RSS      int64 // bytes, now
	Restarts int
}

// Usages reads the use of every process of the system, the supervisor too where
// it is ours.
func (s *System) Usages() ([]Usage, error) {
	ps, err := s.Processes()
	if err != nil {
		return nil, err
	}
	if s.up != nil {
		ps = append(ps, Process{Name: "up", PID: s.up.Process.Pid})
	}
	var out []Usage
	for _, p := range ps {
		u, err := usage(p)
		if err != nil {
			return nil, fmt.Errorf("read use of %s: %w", p.Name, err)
		}
		out = append(out, u)
	}
	return out, nil
}

// clockTick is the kernel's unit of CPU time in /proc, 1/100 s on every Linux
// that Go supports.
const clockTick = 10 * time.Millisecond

func usage(p Process) (Usage, error) {
	u := Usage{Name: p.Name, Restarts: p.Restarts}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		return u, err
	}
	if u.CPU, err = cpuTime(string(stat)); err != nil {
		return u, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	if err != nil {
		return u, err
	}
	u.PeakRSS, err = memory(string(status), "VmHWM:")
	if err != nil {
		return u, err
	}
	u.RSS, err = memory(string(status), "VmRSS:")
	return u, err
}

// cpuTime reads user and system time; the name before them may hold spaces and
// parentheses, so fields count from the last of these.
func cpuTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("short stat line")
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// memory reads a line of a status file, in bytes.
func memory(status, name string) (int64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb * 1024, err
		}
	}
	return 0, fmt.Errorf("no line %s", name)
}
