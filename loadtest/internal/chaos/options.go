package chaos

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/benchset"
)

// Components are the supervised processes that can be killed.
var Components = []string{"process", "sink", "kafka", "clickhouse"}

// Options choose one comparison.
type Options struct {
	Binary    string
	Kills     int    // of each component
	Component string // one of Components, or all
	Seed      uint64
	Set       benchset.Options // without Dir
	Round     time.Duration    // about how long a disturbed replay is paced to take
	Every     time.Duration    // mean pause between kills
	Keep      bool             // keep folders and logs, also of a good run
	Out, Log  io.Writer
}

// Validate lists everything that is wrong with the options.
func (o Options) Validate() error {
	var errs []error
	if o.Component != "all" && !slices.Contains(Components, o.Component) {
		errs = append(errs, fmt.Errorf("component %q: one of %v or all", o.Component, Components))
	}
	if o.Kills < 1 {
		errs = append(errs, fmt.Errorf("kills %d: at least 1", o.Kills))
	}
	if o.Round < 5*time.Second || o.Every < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("round %s, every %s: at least 5s and 100ms", o.Round, o.Every))
	}
	return errors.Join(errs...)
}

// victims are the components to kill, each Kills times.
func (o Options) victims() []string {
	components := []string{o.Component}
	if o.Component == "all" {
		components = Components
	}
	var out []string
	for range o.Kills {
		out = append(out, components...)
	}
	return out
}

// speed paces a replay so that it takes about as long as a round.
func (o Options) speed() string {
	return fmt.Sprintf("%.3f", max(1, o.Set.Duration.Seconds()/o.Round.Seconds()))
}
