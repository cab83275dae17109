package supervise_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
)

func TestAwait(t *testing.T) {
	sys, err := system.Create(t.TempDir(), system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	await := func(within time.Duration, waiting func()) error {
		return supervise.Await(t.Context(), sys, within, waiting)
	}
	never := func() { t.Error("waits for nothing") }

	err = await(time.Minute, never)
	if _, ok := errors.AsType[*supervise.NotRunningError](err); !ok || !errors.Is(err, supervise.ErrNotRunning) {
		t.Errorf("where none ever ran: got %v, want a NotRunningError", err)
	}

	kernel, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	started := bytes.Fields(kernel[bytes.LastIndexByte(kernel, ')')+2:])[19]
	say := func(pid int, process, sink supervise.State) {
		text := fmt.Sprintf(`{"pid":%d,"start_time":%s,"children":[{"name":"process","state":%q},{"name":"sink","state":%q}]}`, pid, started, process, sink)
		if err := os.WriteFile(filepath.Join(sys.Folder.Run(), "status.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The status changes only when it has been seen: the wait must end by that.
	say(os.Getpid(), supervise.StateStarting, supervise.StateWaiting)
	if err := await(time.Minute, func() { say(os.Getpid(), supervise.StateReady, supervise.StateReady) }); err != nil {
		t.Errorf("while starting: %v", err)
	}
	say(os.Getpid(), supervise.StateReady, supervise.StateBackoff)
	if err := await(time.Minute, never); err != nil {
		t.Errorf("with a process down: %v", err)
	}
	say(os.Getpid(), supervise.StateReady, supervise.StateStarting)
	for _, within := range []time.Duration{0, time.Millisecond} {
		said := 0
		if err := await(within, func() { said++ }); err != nil || said != 1 {
			t.Errorf("longer than %s: %v, said %d times, want once", within, err, said)
		}
	}
	say(1<<30, supervise.StateReady, supervise.StateReady)
	if err := await(time.Minute, never); !errors.Is(err, supervise.ErrNotRunning) {
		t.Errorf("of a dead one: got %v, want ErrNotRunning", err)
	}
	l, err := net.Listen("tcp", sys.Addresses()["kafka"])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := await(time.Minute, never); err != nil {
		t.Errorf("with processes that run by themselves: %v", err)
	}
}
