package sink

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/services/internal/kafka"
)

// Config is what operators set. Its prefix is NTEGRAL_SINK.
type Config struct {
	// Group that assigns the tasks.
	Group string `default:"ntegral.sink" desc:"consumer group that assigns the tasks"`
	// InstanceID names this sink in the group, so that after a crash it has its
	// tasks back at once, also where the broker has died with it. It must be
	// unique in the group. Empty: the sink is a new member at each start.
	InstanceID string `split_words:"true" desc:"unique name in the group; a sink that restarts under it has its tasks back at once"`
	// Inserts at a time, over all tasks.
	Inserts int `default:"4" desc:"inserts at a time, over all tasks"`
	// InFlightBytes bounds the bytes of parts that are being inserted.
	InFlightBytes int64 `split_words:"true" default:"67108864" desc:"bytes of parts that are being inserted at a time"`
	// InsertTimeout ends an insert that does not answer; it is tried again.
	InsertTimeout time.Duration `split_words:"true" default:"2m" desc:"after how long an insert counts as failed and is tried again"`
	// SessionTimeout is after how long a silent sink loses its tasks.
	SessionTimeout time.Duration `split_words:"true" default:"6s" desc:"after how long a silent sink loses its tasks"`
	// Listen is where /metrics, /status and /healthz are served; they ask for no
	// password.
	Listen string `default:"127.0.0.1:9467" desc:"address of /metrics, /status and /healthz, which ask for no password"`
}

// DefaultConfig returns the defaults of the tags above.
func DefaultConfig() Config {
	return Config{
		Group: "ntegral.sink", Inserts: 4, InFlightBytes: 64 << 20, InsertTimeout: 2 * time.Minute,
		SessionTimeout: 6 * time.Second, Listen: "127.0.0.1:9467",
	}
}

// Validate lists everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Group == "" {
		errs = append(errs, errors.New("sink group: empty"))
	}
	if c.Inserts < 1 || c.Inserts > 256 {
		errs = append(errs, fmt.Errorf("sink inserts %d: use 1 to 256", c.Inserts))
	}
	if c.InFlightBytes < 1<<20 || c.InFlightBytes > 16<<30 {
		errs = append(errs, fmt.Errorf("sink in flight bytes %d: use 1 MiB to 16 GiB", c.InFlightBytes))
	}
	if c.InsertTimeout < time.Second || c.InsertTimeout > time.Hour {
		errs = append(errs, fmt.Errorf("sink insert timeout %v: use 1s to 1h", c.InsertTimeout))
	}
	if c.SessionTimeout < time.Second || c.SessionTimeout > 5*time.Minute {
		errs = append(errs, fmt.Errorf("sink session timeout %v: use 1s to 5m", c.SessionTimeout))
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("sink listen %q: %w", c.Listen, err))
	}
	return errors.Join(errs...)
}

// Settings is what code passes.
type Settings struct {
	Kafka    kafka.Config
	Store    Store
	Logger   *slog.Logger         // nil discards
	Clock    func() time.Time     // nil: the system's
	Registry *prometheus.Registry // of /metrics; nil: one of its own
	// Ready is called once, with the address of /status, when the tables are
	// there and the group is being joined.
	Ready func(addr string)
}

func (s Settings) withDefaults() Settings {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Clock == nil {
		s.Clock = time.Now
	}
	if s.Registry == nil {
		s.Registry = prometheus.NewRegistry()
	}
	if s.Ready == nil {
		s.Ready = func(string) {}
	}
	return s
}
