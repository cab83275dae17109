package supervise_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
)

// TestUpAtOnce starts two supervisors at once on one folder that does not exist
// yet: one runs, the other says so, and only the first has touched the settings.
func TestUpAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var prepared atomic.Int32
	ended := make(chan error, 2)
	for _, port := range []int{18001, 18002} {
		set := settings(dir, "")
		set.Out = nil
		set.Prepare = func() error {
			prepared.Add(1)
			_, err := system.Create(dir, system.Config{KafkaPort: port})
			return err
		}
		go func() { ended <- supervise.Up(ctx, config(), set) }()
	}
	err := <-ended // of the one that may not run; the other runs until told
	if _, ok := errors.AsType[*supervise.RunningError](err); !ok {
		t.Errorf("got %v, want a RunningError", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the one that runs: %v", err)
	}
	if n := prepared.Load(); n != 1 {
		t.Errorf("settings were prepared %d times, want once", n)
	}
}
