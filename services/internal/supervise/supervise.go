// Package supervise runs the processes of a one-machine system: it starts them
// in the order in which they need each other, waits until each is ready, starts
// a dead one again, and ends them in the reverse order.
//
// Words:
//
//   - a child is one process, a subcommand of the program's own binary. Secrets
//     reach it by its environment, never by its arguments;
//   - a child is ready when it has said so: it writes the line "ready ADDRESS" to
//     the pipe that it finds as file 3 (see Notifier);
//   - the status file, DIR/run/status.json, says at any time what is running.
//
// Invariants:
//
//   - One supervisor a folder: Up holds the lock of DIR/run while it runs.
//   - No child outlives the supervisor, even one that was killed with SIGKILL:
//     the kernel sends each child SIGKILL when the thread that started it ends
//     (Pdeathsig). Therefore all are started by one goroutine that is locked to
//     its thread and lives as long as Up does.
//   - A child is started again after a wait that doubles with each death and is
//     short again after it has been ready for a while. A child that dies at the
//     first start, before the system was ever ready, is tried a few times; then Up
//     gives up and says why.
//   - A child's process group is its own, so that an interrupt from the keyboard
//     reaches the supervisor alone and the order of the stop is ours.
//
// Up may be called once at a time for a folder; Down and ReadStatus may be
// called by any process of the same user at any time.
package supervise

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/ntegral/ntegral/services/internal/system"
)

// Config is what an operator sets. Its prefix is NTEGRAL_SUPERVISE.
type Config struct {
	// ReadyTimeout is how long a child may take from its start to being ready.
	ReadyTimeout time.Duration `split_words:"true" default:"60s" desc:"time a process may take to get ready"`
	// StopTimeout is how long a child may take to end before it is killed.
	StopTimeout time.Duration `split_words:"true" default:"20s" desc:"time a process may take to end before it is killed"`
	// BackoffMin and BackoffMax bound the wait before a dead child is started again.
	BackoffMin time.Duration `split_words:"true" default:"100ms" desc:"first wait before a dead process is started again"`
	BackoffMax time.Duration `split_words:"true" default:"30s" desc:"longest wait before a dead process is started again"`
	// HealthyAfter is how long a child must have been ready for its next wait to be a short one.
	HealthyAfter time.Duration `split_words:"true" default:"30s" desc:"time a process must be ready for its next wait to be short again"`
	// FirstTries is how often each child is tried before the system is first ready.
	FirstTries int `split_words:"true" default:"3" desc:"tries to start a process before giving up on the first start"`
	// LogMaxBytes is the size at which a child's log is set aside.
	LogMaxBytes int64 `split_words:"true" default:"33554432" desc:"size at which a log is set aside, bytes"`
	// LogKeep is how many logs that were set aside are kept for each child.
	LogKeep int `split_words:"true" default:"3" desc:"logs that were set aside and are kept"`
}

// Validate lists everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"ready timeout", c.ReadyTimeout},
		{"stop timeout", c.StopTimeout},
		{"backoff min", c.BackoffMin},
		{"backoff max", c.BackoffMax},
		{"healthy after", c.HealthyAfter},
	} {
		if d.value <= 0 {
			errs = append(errs, fmt.Errorf("supervise %s: %s is not positive", d.name, d.value))
		}
	}
	if c.BackoffMin > c.BackoffMax {
		errs = append(errs, fmt.Errorf("supervise backoff min: %s is more than the max %s", c.BackoffMin, c.BackoffMax))
	}
	if c.FirstTries < 1 {
		errs = append(errs, fmt.Errorf("supervise first tries: %d is less than 1", c.FirstTries))
	}
	if c.LogMaxBytes < 4096 {
		errs = append(errs, fmt.Errorf("supervise log max bytes: %d is less than 4096", c.LogMaxBytes))
	}
	if c.LogKeep < 0 {
		errs = append(errs, fmt.Errorf("supervise log keep: %d is negative", c.LogKeep))
	}
	return errors.Join(errs...)
}

// Child is a process to run.
type Child struct {
	Name string   // also that of its log
	Args []string // arguments of the executable, without secrets
	Env  []string // NAME=value, beside those of the supervisor; later ones win
}

// Settings is what the program passes.
type Settings struct {
	Executable string        // the binary to run; usually os.Executable
	Folder     system.Folder // whose run and log folders exist, or are made by Prepare
	// Prepare is called under the folder's lock before the first child is
	// started, so that it may change what the children read. Nil: nothing.
	Prepare  func() error
	Children []Child      // each may need those before it
	Environ  []string     // of the supervisor, for the children; usually os.Environ
	Out      io.Writer    // gets one line when all children are ready; nil discards
	Logger   *slog.Logger // nil discards
}
