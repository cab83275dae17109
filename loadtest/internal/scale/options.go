package scale

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
)

// Options choose what is measured.
type Options struct {
	Binary   string // ntegral
	Self     string // this program, which runs the generator
	Interval time.Duration
	History  time.Duration // event time that is there before the processor starts
	Live     time.Duration // event time that comes as it would; 0: none
	Seed     uint64
	Tasks    int32
	Dir      string        // for data and logs; empty: the system's folder for such
	MaxDisk  int64         // bytes that a run may need
	Limit    time.Duration // for consuming the history
	Keep     bool
	Out, Log io.Writer
}

// SizeOptions choose several sizes.
type SizeOptions struct {
	Options
	Sizes []int // accelerators
}

// RecoveryOptions choose a kill.
type RecoveryOptions struct {
	Options
	Accelerators int
	Age          time.Duration // of the last checkpoints when the kill comes
	Down         time.Duration // until the processor is started again
	Within       time.Duration // fails when it takes longer; 0: never
}

func (o Options) load(accelerators int) cluster.Load {
	l := cluster.Standard(accelerators)
	l.Interval, l.Seed = o.Interval, o.Seed
	return l
}

// validate lists everything that is wrong for a size.
func (o Options) validate(accelerators int) error {
	l := o.load(accelerators)
	errs := []error{l.Validate()}
	if o.History < 0 || o.Live < 0 || o.History > 6*time.Hour || o.Live > 6*time.Hour {
		errs = append(errs, fmt.Errorf("history %s, live %s: up to 6h each", o.History, o.Live))
	}
	if o.Tasks < 1 || o.Tasks > 64 {
		errs = append(errs, fmt.Errorf("tasks %d: from 1 to 64", o.Tasks))
	}
	return errors.Join(errs...)
}

// Bytes on disk, a little more than runs have shown (docs/performance.md): of a
// reading in the samples topic and once more in the history topic, of a fact in log
// and store, of an accelerator's state in a checkpoint.
const (
	readingBytes    = 6 + 2
	rowBytes        = 150
	checkpointBytes = 1_500
	// checkpointsKept: two stay, one is being written, and segments go some
	// time after what is in them.
	checkpointsKept = 5
	// diskFloor is left free.
	diskFloor = 3 << 30
)

// need is the disk space that a run takes at most.
func (o Options) need(accelerators int) int64 {
	l := o.load(accelerators)
	span := o.History + o.Live
	rows := int64(accelerators+l.Nodes()) * (int64(span/time.Minute) + 1)
	return l.Readings(span)*readingBytes + rows*rowBytes + int64(accelerators)*checkpointBytes*checkpointsKept + 1<<28
}

// checkDisk says what a run needs and refuses one that does not fit.
func (o Options) checkDisk(accelerators int, dir string, free func(string) (int64, error)) error {
	need := o.need(accelerators)
	have, err := free(dir)
	if err != nil {
		return fmt.Errorf("look at disk: %w", err)
	}
	o.say("%d accelerators, %s of history, %s live: needs up to %s of disk, %s are free", accelerators, o.History, o.Live, gigabytes(need), gigabytes(have))
	if need > o.MaxDisk {
		return fmt.Errorf("%d accelerators need up to %s of disk, more than the %s that are allowed: fewer minutes, or --max-disk-gb", accelerators, gigabytes(need), gigabytes(o.MaxDisk))
	}
	if need+diskFloor > have {
		return fmt.Errorf("%d accelerators need up to %s of disk and %s to spare, %s has %s: fewer minutes, or another --dir", accelerators, gigabytes(need), gigabytes(diskFloor), dir, gigabytes(have))
	}
	return nil
}

func (o Options) say(format string, args ...any) { _, _ = fmt.Fprintf(o.Log, format+"\n", args...) }

func gigabytes(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/1e9) }
