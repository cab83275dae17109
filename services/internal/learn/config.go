package learn

import (
	"errors"
	"fmt"
	"time"

	"github.com/ntegral/ntegral/schemas/unit"
)

// defaultRange is what is looked at unless a beginning is given.
const defaultRange = 7 * 24 * time.Hour

// maxRange bounds what one run reads.
const maxRange = 366 * 24 * time.Hour

const (
	one  = unit.Ratio(1_000_000)
	half = one / 2
)

// Config is what to learn. All of it are flags of the command.
type Config struct {
	From time.Time // first window; zero: 7 days before To
	To   time.Time // end of the last window; zero: the end of the facts
	// ValidFrom is since when what is learned applies; zero: To.
	ValidFrom time.Time
	ByRegion  bool // a figure for each model and region
	Quantile  unit.Ratio
	// MinWindows and MinDevices are how much of a group must have been seen idle.
	MinWindows, MinDevices int64
	// Tolerance is how far, as a part of the rate in force, a figure may be from it.
	Tolerance unit.Ratio
	Publish   bool // publish what differs; otherwise say what would be
}

// DefaultConfig returns what the command's flags default to.
func DefaultConfig() Config {
	return Config{Quantile: 50_000, MinWindows: 60, MinDevices: 2, Tolerance: 20_000}
}

// Validate lists everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if !c.From.IsZero() && !c.To.IsZero() {
		switch {
		case !c.From.Before(c.To):
			errs = append(errs, fmt.Errorf("from %s is not before to %s", clock(c.From), clock(c.To)))
		case c.To.Sub(c.From) > maxRange:
			errs = append(errs, fmt.Errorf("from %s to %s: at most %v", clock(c.From), clock(c.To), maxRange))
		}
	}
	if !c.ValidFrom.IsZero() && (c.ValidFrom.Year() < 2000 || c.ValidFrom.Year() > 2200) {
		errs = append(errs, fmt.Errorf("valid from %s: between the years 2000 and 2200", clock(c.ValidFrom)))
	}
	if c.Quantile <= 0 || c.Quantile > half {
		errs = append(errs, fmt.Errorf("quantile %s: more than 0 and at most 0.5", c.Quantile))
	}
	if c.Tolerance < 0 || c.Tolerance > one {
		errs = append(errs, fmt.Errorf("tolerance %s: from 0 to 1, as a part of the rate in force", c.Tolerance))
	}
	if c.MinWindows < 1 {
		errs = append(errs, fmt.Errorf("min windows %d: at least 1", c.MinWindows))
	}
	if c.MinDevices < 1 {
		errs = append(errs, fmt.Errorf("min devices %d: at least 1", c.MinDevices))
	}
	return errors.Join(errs...)
}

// ParseRatio reads a flag's value, such as 0.05.
func ParseRatio(flag, text string) (unit.Ratio, error) {
	d, err := unit.ParseDecimal(text)
	if err != nil {
		return 0, fmt.Errorf("--%s %q: want a number such as 0.05", flag, text)
	}
	v, err := d.Scaled(unit.RatioScale)
	if err != nil {
		return 0, fmt.Errorf("--%s %q: want a number such as 0.05", flag, text)
	}
	return unit.Ratio(v), nil
}
