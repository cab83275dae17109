package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// Options choose one comparison.
type Options struct {
	Binary  string // ntegral
	Self    string // this program, which runs the contenders written in Go
	Streams string // folder of the Kafka Streams contender's jars; empty: left out
	Kafka   string // script that runs Apache Kafka, for that contender
	Only    []string
	Load    Load
	Limit   time.Duration // for each contender
	Keep    bool          // leave folder and logs
	Out     io.Writer
	Log     io.Writer
}

// partitions of the topics, as the product makes them by default.
const partitions = 4

// contender is one way of making facts.
type contender struct {
	name string
	run  func(context.Context, *contest) (result, error)
}

// contest is what contenders run in.
type contest struct {
	Options
	dir    string
	broker *broker
}

// result is what one contender needed and found.
type result struct {
	name      string
	took, cpu time.Duration
	broker    time.Duration // CPU of the broker meanwhile
	peak      int64         // bytes
	facts     Facts
	note      string
}

func contenders() []contender {
	return []contender{{"ntegral", runProduct}, {"kafka-engine", runEngine}, {"goka", runGoka}, {"kafka-streams", runStreams}, {"ceiling", runCeiling}}
}

// Compare runs the contenders one after the other and prints the table.
func Compare(ctx context.Context, o Options) (err error) {
	if err := o.Load.Validate(); err != nil {
		return err
	}
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return fmt.Errorf("find binary: %w", err)
	}
	dir, err := os.MkdirTemp("", "ntegral-peers-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() {
		if !o.Keep {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	b, err := startBroker(ctx, o.Binary, dir)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.fill(ctx, o.Load, partitions); err != nil {
		return err
	}
	fmt.Fprintf(o.Log, "%d readings in %.1f MB of samples; files in %s\n", o.Load.Readings(), float64(b.bytes)/1e6, dir)
	c := &contest{Options: o, dir: dir, broker: b}
	t := table{readings: o.Load.Readings(), out: o.Out}
	t.head()
	for _, p := range contenders() {
		if !o.wants(p.name) {
			continue
		}
		r, err := c.one(ctx, p)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t.line(p.name, r, err)
	}
	t.ratios()
	return t.verdict()
}

// wants says whether a contender was asked for.
func (o *Options) wants(name string) bool {
	for _, n := range o.Only {
		if n == name {
			return true
		}
	}
	return len(o.Only) == 0
}

// one runs a contender under its limit, with the broker's use beside it.
func (c *contest) one(ctx context.Context, p contender) (result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Limit, fmt.Errorf("not done within %s", c.Limit))
	defer cancel()
	before, err := c.broker.usage()
	if err != nil {
		return result{}, fmt.Errorf("read use of broker: %w", err)
	}
	r, err := p.run(ctx, c)
	if err != nil {
		return r, fmt.Errorf("%s: %w", p.name, err)
	}
	r.name = p.name
	after, err := c.broker.usage()
	if r.broker == 0 { // unless it had one of its own
		r.broker = after.CPU - before.CPU
	}
	return r, err
}

// measure waits for done and notes what the child needed until then; CPU that
// the child had used before began does not count.
func (r *result) measure(began time.Time, before product.Usage, ch *child, done func() error) error {
	if err := done(); err != nil {
		return err
	}
	r.took = time.Since(began)
	u, err := ch.usage()
	if err != nil {
		return fmt.Errorf("read use of %s: %w", ch.name, err)
	}
	r.cpu, r.peak = u.CPU-before.CPU, u.PeakRSS
	return nil
}
