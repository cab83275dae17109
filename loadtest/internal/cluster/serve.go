package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Report is a line of what a generator process says.
type Report struct {
	Phase   string  `json:"phase"`    // one of the phases below
	Records int64   `json:"records"`  // of samples, so far
	Bytes   int64   `json:"bytes"`    // of their values
	Behind  float64 `json:"behind_s"` // seconds
}

// Phases of a generator.
const (
	Filled = "filled" // history is written; it waits for a line on its standard input
	Slot   = "slot"   // a live slot is written
	Done   = "done"
)

// Serve is a generator as a process of its own: it fills the topics, waits for a
// line, and writes the live part. It reports in lines of JSON.
func Serve(ctx context.Context, l Load, brokers string, history, live time.Duration, in io.Reader, out io.Writer) error {
	g, err := NewGenerator(l, brokers)
	if err != nil {
		return err
	}
	defer g.Close()
	say := func(phase string, behind time.Duration) error {
		r := Report{Phase: phase, Behind: behind.Seconds()}
		r.Records, r.Bytes = g.Written()
		return json.NewEncoder(out).Encode(r)
	}
	if err := g.Fill(ctx, history, history+live); err != nil {
		return err
	}
	if err := say(Filled, 0); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if live <= 0 || !bufio.NewScanner(in).Scan() {
		return nil // nobody wants more
	}
	late := time.Duration(0)
	err = g.Live(ctx, live, func(behind time.Duration) {
		late = behind
		_ = say(Slot, behind) // whoever listened has gone, and the context with it
	})
	if err != nil {
		return err
	}
	return say(Done, late)
}
