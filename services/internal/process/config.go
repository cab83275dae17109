package process

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// Config is what operators set. Its prefix is NTEGRAL_PROCESS.
type Config struct {
	engine.Config

	// Kafka is configured under its own prefix; who composes the configuration
	// fills it in.
	Kafka kafka.Config `ignored:"true"`

	// Partitions of the co-partitioned topics, that is, tasks. 0 takes what the
	// topics have, or 4 where there are none. It cannot be changed later.
	Partitions int `default:"0" desc:"number of tasks; 0: what the topics have, 4 if there are none; cannot be changed later"`
	// Group that assigns the tasks.
	Group string `default:"ntegral.process" desc:"consumer group that assigns the tasks"`
	// InstanceID names this processor in the group, so that after a crash it has
	// its tasks back at once, instead of after the session timeout. It must be
	// unique in the group. Empty: the processor is a new member at each start.
	InstanceID string `split_words:"true" desc:"unique name in the group; a processor that restarts under it has its tasks back at once"`
	// StepInterval is how long a step collects samples. A step costs the store
	// about 50 ms of CPU time, however few rows it has.
	StepInterval time.Duration `split_words:"true" default:"5s" desc:"how long a step collects samples; shorter ones bring facts sooner and cost the store more"`
	// StepBytes ends a step early, bytes of samples: about three a reading.
	StepBytes int `split_words:"true" default:"16777216" desc:"bytes of samples that end a step early"`
	// HistoryBytes bounds what a task holds of the history that waits for late events,
	// beside what a step brings: as much that was not written yet, and as much that was.
	HistoryBytes int `split_words:"true" default:"33554432" desc:"bytes of packed readings that a task holds before it writes them to the history topic; what it has written of each node last it keeps at hand if that is no more again"`
	// CheckpointInterval is the time between checkpoints of a task.
	CheckpointInterval time.Duration `split_words:"true" default:"30s" desc:"time between checkpoints of a task"`
	// SessionTimeout is after how long a silent processor loses its tasks.
	SessionTimeout time.Duration `split_words:"true" default:"6s" desc:"after how long a silent processor loses its tasks"`
	// StopTimeout is how long a task may take for its last step and checkpoint.
	StopTimeout time.Duration `split_words:"true" default:"10s" desc:"how long a task may take for its last step and checkpoint"`
	// Listen is where /metrics, /status and /healthz are served; they ask for no
	// password.
	Listen string `default:"127.0.0.1:9466" desc:"address of /metrics, /status and /healthz, which ask for no password"`
}

// defaultPartitions suits one machine; each task costs a few connections.
const defaultPartitions = 4

// DefaultConfig returns the defaults of the tags above.
func DefaultConfig() Config {
	return Config{
		Config: engine.DefaultConfig(), Group: "ntegral.process", StepInterval: 5 * time.Second, StepBytes: 16 << 20, HistoryBytes: 32 << 20,
		CheckpointInterval: 30 * time.Second, SessionTimeout: 6 * time.Second, StopTimeout: 10 * time.Second,
		Listen: "127.0.0.1:9466",
	}
}

// Validate lists everything that is wrong with the configuration.
func (c Config) Validate() error {
	errs := []error{c.Config.Validate(), c.Kafka.Validate()}
	if c.Partitions < 0 || c.Partitions > 4096 {
		errs = append(errs, fmt.Errorf("partitions %d: use 0 to 4096", c.Partitions))
	}
	if c.Group == "" {
		errs = append(errs, errors.New("group: empty"))
	}
	for _, d := range []struct {
		name       string
		value      time.Duration
		least, max time.Duration
	}{
		{"step interval", c.StepInterval, time.Millisecond, time.Minute},
		{"checkpoint interval", c.CheckpointInterval, time.Millisecond, time.Hour},
		{"session timeout", c.SessionTimeout, time.Second, 5 * time.Minute},
		{"stop timeout", c.StopTimeout, time.Millisecond, 5 * time.Minute},
	} {
		if d.value < d.least || d.value > d.max {
			errs = append(errs, fmt.Errorf("%s %v: use %v to %v", d.name, d.value, d.least, d.max))
		}
	}
	if c.StepBytes < 1 || c.StepBytes > 256<<20 {
		errs = append(errs, fmt.Errorf("step bytes %d: use 1 to %d", c.StepBytes, 256<<20))
	}
	if c.HistoryBytes < 1 || c.HistoryBytes > 1<<30 {
		errs = append(errs, fmt.Errorf("history bytes %d: use 1 to %d", c.HistoryBytes, 1<<30))
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen %q: %w", c.Listen, err))
	}
	return errors.Join(errs...)
}

// Settings is what code passes. The zero value works.
type Settings struct {
	Logger   *slog.Logger         // nil discards
	Clock    func() time.Time     // wall clock of recorded_at; nil: the system's
	Registry *prometheus.Registry // of /metrics; nil: one of its own
	// Ready is called once, with the address of /status, when topics are checked
	// and the group is being joined.
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
