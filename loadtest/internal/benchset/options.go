package benchset

import (
	"errors"
	"fmt"
	"time"
)

// Options choose one set.
type Options struct {
	Dir      string
	Nodes    int
	Devices  int // accelerators a node
	Start    time.Time
	Duration time.Duration
	Every    time.Duration
	Seed     uint64
	Zip      bool
	// Mixed adds partitioned and shared nodes, missing and late readings.
	Mixed bool
}

// Set says how large a generated set is.
type Set struct {
	Rows          int64 `json:"rows"`
	DeviceSamples int64 `json:"device_samples"`
	Placements    int   `json:"placements"`
}

// Validate lists everything that is wrong with the options.
func (o Options) Validate() error {
	var errs []error
	bad := func(when bool, format string, args ...any) {
		if when {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(o.Dir == "", "no directory given")
	bad(o.Nodes < 1 || o.Nodes > 10_000, "nodes %d: from 1 to 10000", o.Nodes)
	bad(o.Devices < 1 || o.Devices > 64, "devices %d: from 1 to 64", o.Devices)
	bad(o.Every < 100*time.Millisecond || o.Every > 5*time.Minute, "every %s: from 100ms to 5m", o.Every)
	bad(o.Duration < 10*time.Minute || o.Duration > 48*time.Hour, "duration %s: from 10m to 48h", o.Duration)
	return errors.Join(errs...)
}

func nodeName(i int) string   { return fmt.Sprintf("node-%03d", i) }
func deviceName(d int) string { return fmt.Sprintf("gpu-%d", d) }
