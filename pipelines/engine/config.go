package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/schemas/unit"
)

// Config is the operator's choice of times and of thresholds. docs/methodology.md defines each;
// changing Window of a system that holds facts is refused.
type Config struct {
	Window        time.Duration `default:"60s" desc:"length of a window, 10s to 15m, whole seconds"`
	MaxGap        time.Duration `split_words:"true" default:"5m" desc:"longest time between two readings of a gauge that count as one segment"`
	MaxSilence    time.Duration `split_words:"true" default:"1h" desc:"longest counter segment, and longest silence inside a node's presence"`
	Hold          time.Duration `default:"10s" desc:"how long a run's first and last power reading holds beyond it"`
	MaxDelay      time.Duration `split_words:"true" default:"30s" desc:"how far the watermark stays behind the largest reading time"`
	Horizon       time.Duration `default:"15m" desc:"how far behind its node's watermark an event may be"`
	IdleAfter     time.Duration `split_words:"true" default:"5m" desc:"time of the partition after which a silent node's windows close"`
	MaxFutureSkew time.Duration `split_words:"true" default:"5m" desc:"how far a reading may be dated after it was taken in"`
	State         States
}

// States decide on the states of accelerators.
type States struct {
	IdleRatio       unit.Ratio `split_words:"true" default:"0.01" desc:"an accelerator whose busy ratio is below this is idle"`
	UnderusedRatio  unit.Ratio `split_words:"true" default:"0.25" desc:"below this busy ratio it is underused"`
	ThrottledRatio  unit.Ratio `split_words:"true" default:"0.1" desc:"slowed down for this part of the time or more it is throttled"`
	FaultUtilRatio  unit.Ratio `split_words:"true" default:"0.1" desc:"gpu_util_ratio that contradicts a profiling ratio which says idle"`
	FaultPowerRatio unit.Ratio `split_words:"true" default:"2" desc:"multiple of the idle power at which an accelerator cannot be idle"`
}

func (s States) thresholds() attribution.Thresholds {
	return attribution.Thresholds{Idle: s.IdleRatio, Underused: s.UnderusedRatio, Throttled: s.ThrottledRatio, FaultUtil: s.FaultUtilRatio, FaultPower: s.FaultPowerRatio}
}

func (s States) validate() (errs []error) {
	for _, r := range []struct {
		name       string
		value, max unit.Ratio
	}{
		{"idle ratio", s.IdleRatio, s.UnderusedRatio},
		{"underused ratio", s.UnderusedRatio, unit.One},
		{"throttled ratio", s.ThrottledRatio, unit.One},
		{"fault util ratio", s.FaultUtilRatio, unit.One},
		{"fault power ratio", s.FaultPowerRatio, 1000 * unit.One},
	} {
		if r.value <= 0 || r.value > r.max {
			errs = append(errs, fmt.Errorf("state %s %v: more than 0 and at most %v", r.name, r.value, r.max))
		}
	}
	return errs
}

// DefaultConfig returns the defaults of the tags above.
func DefaultConfig() Config {
	return Config{
		Window: time.Minute, MaxGap: 5 * time.Minute, MaxSilence: time.Hour, Hold: 10 * time.Second,
		MaxDelay: 30 * time.Second, Horizon: 15 * time.Minute, IdleAfter: 5 * time.Minute, MaxFutureSkew: 5 * time.Minute,
		State: States{IdleRatio: 10_000, UnderusedRatio: 250_000, ThrottledRatio: 100_000, FaultUtilRatio: 100_000, FaultPowerRatio: 2 * unit.One},
	}
}

// Validate lists everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Window < 10*time.Second || c.Window > 15*time.Minute || c.Window%time.Second != 0 {
		errs = append(errs, fmt.Errorf("window %v: use whole seconds from 10s to 15m", c.Window))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
		max   time.Duration
	}{
		{"max gap", c.MaxGap, min(c.MaxSilence, 2*time.Hour)},
		{"max silence", c.MaxSilence, 24 * time.Hour},
		{"hold", c.Hold, c.MaxGap / 2},
		{"max delay", c.MaxDelay, c.Horizon},
		{"horizon", c.Horizon, 24 * time.Hour},
		{"idle after", c.IdleAfter, 24 * time.Hour},
		{"max future skew", c.MaxFutureSkew, 24 * time.Hour},
	} {
		if d.value <= 0 || d.value > d.max {
			errs = append(errs, fmt.Errorf("%s %v: more than 0 and at most %v", d.name, d.value, d.max))
		}
	}
	return errors.Join(append(errs, c.State.validate()...)...)
}

// Setting is one of the choices, by the name of its variable.
type Setting struct {
	Name  string
	Value fmt.Stringer
}

// Settings lists the choices by the names of their variables. Figures depend on
// each of them.
func (c Config) Settings() []Setting {
	return []Setting{
		{"WINDOW", c.Window},
		{"MAX_GAP", c.MaxGap},
		{"MAX_SILENCE", c.MaxSilence},
		{"HOLD", c.Hold},
		{"MAX_DELAY", c.MaxDelay},
		{"HORIZON", c.Horizon},
		{"IDLE_AFTER", c.IdleAfter},
		{"MAX_FUTURE_SKEW", c.MaxFutureSkew},
		{"STATE_IDLE_RATIO", c.State.IdleRatio},
		{"STATE_UNDERUSED_RATIO", c.State.UnderusedRatio},
		{"STATE_THROTTLED_RATIO", c.State.ThrottledRatio},
		{"STATE_FAULT_UTIL_RATIO", c.State.FaultUtilRatio},
		{"STATE_FAULT_POWER_RATIO", c.State.FaultPowerRatio},
	}
}

// Describe writes the settings as name=value.
func (c Config) Describe() string {
	var b strings.Builder
	for i, s := range c.Settings() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strings.ToLower(s.Name) + "=" + s.Value.String())
	}
	return b.String()
}
