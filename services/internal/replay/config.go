package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// Config is what a user asks of one replay. The first six are flags of the
// command, the others have the prefix NTEGRAL_REPLAY.
type Config struct {
	// Dir is the directory of CSV files.
	Dir string `ignored:"true"`
	// Speed is how many times faster than it was recorded the telemetry is
	// published; 0 means as fast as it goes.
	Speed float64 `ignored:"true"`
	// At is the time to which the first reading is shifted, and everything else
	// with it; zero shifts nothing.
	At time.Time `ignored:"true"`
	// DryRun lists every fault of the directory and publishes nothing.
	DryRun bool `ignored:"true"`
	// Strict stops at the first fault.
	Strict bool `ignored:"true"`
	// NoWait returns when all is acknowledged by Kafka, before it shows in the store.
	NoWait bool `ignored:"true"`

	// MaxFutureSkew is how far a reading may be dated after it is taken in: what
	// the processor allows.
	MaxFutureSkew time.Duration `split_words:"true" default:"5m" desc:"how far a reading may be dated after it is taken in"`
	// ChunkRows is after how many rows of samples progress is recorded.
	ChunkRows int64 `split_words:"true" default:"250000" desc:"rows of samples after which progress is recorded"`
}

// DefaultConfig returns the defaults of the tags above.
func DefaultConfig() Config { return Config{MaxFutureSkew: 5 * time.Minute, ChunkRows: 250_000} }

// Validate lists everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("directory: none given"))
	}
	if c.Speed < 0 || math.IsNaN(c.Speed) || math.IsInf(c.Speed, 0) {
		errs = append(errs, fmt.Errorf("speed %v: more than 0, or max", c.Speed))
	}
	if !c.At.IsZero() && (c.At.Year() < 2000 || c.At.Year() > 2200) {
		errs = append(errs, fmt.Errorf("at %s: between the years 2000 and 2200", c.At.Format(time.RFC3339)))
	}
	if c.MaxFutureSkew <= 0 || c.MaxFutureSkew > 24*time.Hour {
		errs = append(errs, fmt.Errorf("max future skew %v: more than 0 and at most 24h", c.MaxFutureSkew))
	}
	if c.ChunkRows < 1 {
		errs = append(errs, fmt.Errorf("chunk rows %d: at least 1", c.ChunkRows))
	}
	return errors.Join(errs...)
}

// ParseSpeed reads the value of the flag --speed: a number, or max.
func ParseSpeed(text string) (float64, error) {
	if text == "max" || text == "" {
		return 0, nil
	}
	var v float64
	var rest string
	if n, _ := fmt.Sscanf(text, "%g%s", &v, &rest); n != 1 || !(v > 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("speed %q: want a number above 0, such as 60, or max", text)
	}
	return v, nil
}

// Ledger says how far the store is.
type Ledger interface {
	// Offsets returns, by task, the offsets after the last records of its inputs
	// whose facts are in the store.
	Offsets(ctx context.Context) (map[int32]record.Offsets, error)
}

// Settings is what the program passes to a replay.
type Settings struct {
	Logger *slog.Logger // nil discards
	Kafka  kafka.Config // not used by a dry run
	Ledger Ledger       // not used by a dry run or without waiting
	Tasks  Tasks        // likewise; nil: nobody is asked
	// Out takes what a user reads: faults, progress and the summary.
	Out io.Writer
	// Terminal says that Out is one: progress is one line that changes.
	Terminal bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (s Settings) withDefaults() Settings {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Out == nil {
		s.Out = io.Discard
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}

// RefusedError says that rows or readings were refused for reasons that a user
// can mend. All others were published.
type RefusedError struct {
	Rows     int64 // of the directory
	Readings int64 // by the processor, afterwards
}

func (e *RefusedError) Error() string {
	var parts []string
	if e.Rows > 0 {
		parts = append(parts, plural(e.Rows, "fault")+" in the directory")
	}
	if e.Readings > 0 {
		parts = append(parts, plural(e.Readings, "reading")+" refused by the processor")
	}
	return strings.Join(parts, ", ")
}

// ErrFault is wrapped by what a strict replay returns at the first fault.
var ErrFault = errors.New("stopped at the first fault")
