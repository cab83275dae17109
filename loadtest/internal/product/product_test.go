package product

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestProcFields(t *testing.T) {
	stat := "4242 (a (b) c) S 1 4242 4242 0 -1 4194304 100 0 0 0 1250 250 0 0 20 0 9 0 100 1 1\n"
	if got, err := cpuTime(stat); err != nil || got != 15*time.Second {
		t.Errorf("cpuTime = %v, %v, want 15s", got, err)
	}
	const status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t 1 kB\n"
	for name, want := range map[string]int64{"VmHWM:": 2 << 20, "VmRSS:": 1 << 10} {
		if got, err := memory(status, name); err != nil || got != want {
			t.Errorf("%s %v, %v, want %d", name, got, err, want)
		}
	}
	if _, err := memory("Name:\tx\n", "VmHWM:"); err == nil {
		t.Error("a process without VmHWM has a peak")
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	u, err := usage(Process{Name: "self", PID: os.Getpid()})
	if err != nil || u.PeakRSS < 1<<20 {
		t.Errorf("usage = %+v, %v, want a megabyte or more", u, err)
	}
}

// A signal never reaches a process that runs something else.
func TestSignalRefusesStrangers(t *testing.T) {
	s := &System{Binary: "/nowhere/ntegral", Data: t.TempDir()}
	if err := s.Signal(Process{Name: "process", PID: os.Getpid()}, syscall.SIGKILL); err == nil {
		t.Fatal("signalled a stranger")
	}
}

func TestProcessesFromStatusFile(t *testing.T) {
	dir := t.TempDir()
	s := &System{Data: dir}
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"children":[{"name":"kafka","pid":7,"state":"ready","restarts":2,"since":"x"},{"name":"sink","pid":0,"state":"backoff"}]}`
	if err := os.WriteFile(filepath.Join(dir, "run", "status.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := s.Process("kafka")
	if want := (Process{Name: "kafka", PID: 7, State: "ready", Restarts: 2}); err != nil || p != want {
		t.Errorf("Process = %+v, %v, want %+v", p, err, want)
	}
	if _, err := s.Process("sink"); err == nil {
		t.Error("a process in backoff counts as running")
	}
	if s.running() {
		t.Error("a system with a process in backoff counts as running")
	}
}

func TestResidual(t *testing.T) {
	for text, want := range map[string]bool{
		`{"processing":{"residual_energy_uj":0,"residual_nano":0}}`:     true,
		`{"processing":{"residual_energy_uj":"0","residual_nano":"0"}}`: true,
		`{"processing":{"residual_energy_uj":3,"residual_nano":0}}`:     false,
		`{"processing":{}}`: false,
	} {
		var st Status
		if err := json.Unmarshal([]byte(text), &st); err != nil {
			t.Fatal(err)
		}
		if got := st.Processing.Zero(); got != want {
			t.Errorf("%s: Zero = %v, want %v", text, got, want)
		}
	}
}
