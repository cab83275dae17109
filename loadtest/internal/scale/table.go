package scale

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/fleet"
	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// checkpointInterval is the processor's default.
const checkpointInterval = 30 * time.Second

// line is a row of the table: a figure of every size.
type line struct {
	name string
	of   func(*figures) string
}

// called are the parts as tables call them.
var called = map[string]string{fleet.Broker: "broker", processor: "processor", sink: "sink", fleet.Store: "store"}

func lines() (out []line) {
	add := func(name string, of func(*figures) string) { out = append(out, line{name, of}) }
	add("accelerators", func(f *figures) string { return thousands(float64(f.accelerators)) })
	add("readings", func(f *figures) string { return thousands(float64(f.readings)) })
	add("consumed, s", func(f *figures) string { return fmt.Sprintf("%.1f", f.processed.Seconds()) })
	add("consumed and stored, s", func(f *figures) string { return fmt.Sprintf("%.1f", f.stored.Seconds()) })
	add("readings/s, until stored", func(f *figures) string { return thousands(float64(f.readings) / f.stored.Seconds()) })
	add("times faster than live", func(f *figures) string { return fmt.Sprintf("%.1f", f.span.Seconds()/f.stored.Seconds()) })
	for _, p := range parts {
		add("CPU-ms an accelerator-hour, "+called[p], func(f *figures) string { return f.perHour(f.cpu(p)) })
	}
	add("CPU-ms an accelerator-hour, all", func(f *figures) string { return f.perHour(f.allCPU()) })
	for _, p := range parts {
		add("peak RSS, MB, "+called[p], func(f *figures) string { return megabytes(f.after[p].PeakRSS) })
	}
	add("peak RSS, MB, all at a time", func(f *figures) string { return megabytes(f.together) })
	add("processor's peak an accelerator, KB", func(f *figures) string {
		return fmt.Sprintf("%.1f", float64(f.after[processor].PeakRSS)/1e3/float64(f.accelerators))
	})
	add("fact rows a second, live", func(f *figures) string { return thousands(float64(f.log.rows) / f.span.Seconds()) })
	add("fact KB a second, live", func(f *figures) string {
		return fmt.Sprintf("%.1f", float64(f.log.bytes)/1e3/f.span.Seconds())
	})
	add("bytes a fact row", func(f *figures) string { return fmt.Sprintf("%.0f", float64(f.log.bytes)/float64(max(1, f.log.rows))) })
	add("blocks a second at the sink, as run", func(f *figures) string {
		return fmt.Sprintf("%.1f", float64(f.log.parts+f.log.commits)/f.stored.Seconds())
	})
	add("fact rows a block", func(f *figures) string { return thousands(float64(f.log.rows) / float64(max(1, f.log.parts))) })
	add("checkpoints at the end, MB", func(f *figures) string { return megabytes(f.state) })
	add("checkpoint MB a second, live, beside history", func(f *figures) string {
		return fmt.Sprintf("%.2f", float64(f.state)/1e6/checkpointInterval.Seconds())
	})
	add("mean stall for a checkpoint, s", func(f *figures) string { return f.stall.mean() })
	add("load average at the end", func(f *figures) string { return f.load })
	add("samples MB a second, live", func(f *figures) string { return fmt.Sprintf("%.2f", float64(f.topic)/1e6/f.span.Seconds()) })
	return out
}

// liveLines are of the live part.
func liveLines() (out []line) {
	add := func(name string, of func(*course) string) {
		out = append(out, line{name, func(f *figures) string {
			if f.live == nil {
				return "-"
			}
			return of(f.live)
		}})
	}
	add("live, s", func(c *course) string { return fmt.Sprintf("%.0f", c.span.Seconds()) })
	add("sustained", func(c *course) string { return map[bool]string{true: "yes", false: "NO"}[c.sustained()] })
	add("lag, s: mean, largest, last", func(c *course) string {
		mean, most, last := c.lags()
		return fmt.Sprintf("%.1f %.1f %.1f", mean, most, last)
	})
	add("lag grows by, s a minute", func(c *course) string {
		slope, _ := c.trend()
		return fmt.Sprintf("%.2f", slope*60)
	})
	add("generator late by at most, s", func(c *course) string { return fmt.Sprintf("%.1f", c.late) })
	add("store behind by at most, steps", func(c *course) string { return fmt.Sprint(c.behind) })
	for _, p := range parts {
		add("cores used, "+called[p], func(c *course) string { return c.cores(p) })
	}
	add("fact rows a second", func(c *course) string { return thousands(float64(c.log.rows) / c.span.Seconds()) })
	add("fact KB a second", func(c *course) string { return fmt.Sprintf("%.1f", float64(c.log.bytes)/1e3/c.span.Seconds()) })
	add("blocks a second at the sink", func(c *course) string {
		return fmt.Sprintf("%.1f", float64(c.log.parts+c.log.commits)/c.span.Seconds())
	})
	add("mean stall for a checkpoint, s", func(c *course) string { return c.stall.mean() })
	for _, p := range parts {
		add("peak RSS, MB, "+called[p], func(c *course) string { return megabytes(c.after[p].PeakRSS) })
	}
	add("peak RSS, MB, all at a time", func(c *course) string { return megabytes(c.together) })
	return out
}

func (c *course) cores(part string) string {
	used := func(of map[string]product.Usage) time.Duration { return of[part].CPU }
	return fmt.Sprintf("%.2f", (used(c.after)-used(c.before)).Seconds()/c.span.Seconds())
}

func (s stall) mean() string {
	if s.count == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", s.seconds/float64(s.count))
}

func (f *figures) perHour(cpu time.Duration) string {
	return fmt.Sprintf("%.2f", cpu.Seconds()*1e3/(float64(f.accelerators)*f.span.Hours()))
}

func (f *figures) allCPU() (all time.Duration) {
	for _, p := range parts {
		all += f.cpu(p)
	}
	return all
}

// printSizes prints a column a size, as a table that Markdown understands.
func printSizes(out io.Writer, all []*figures) {
	if len(all) == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	rows := lines()
	if slices.ContainsFunc(all, func(f *figures) bool { return f.live != nil }) {
		rows = append(rows, liveLines()...)
	}
	for i, l := range rows {
		cells := []string{l.name}
		for _, f := range all {
			cells = append(cells, l.of(f))
		}
		_, _ = fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| "))
		if i == 0 {
			_, _ = fmt.Fprintf(w, "%s\t|\n", strings.Repeat("|---\t", len(cells))[:len(cells)*5-1])
		}
	}
	_ = w.Flush() // nobody to tell
}

// print prints a recovery.
func (v *recovery) print(o RecoveryOptions) {
	_, _ = fmt.Fprintf(o.Out, "%d accelerators every %s, %s of history, checkpoints of %s MB\n", o.Accelerators, o.Interval, o.History, megabytes(v.state))
	w := tabwriter.NewWriter(o.Out, 0, 0, 1, ' ', 0)
	_, _ = fmt.Fprintf(w, "| task\t| checkpoint's age, s\t| open, s\t| first new commit, s\t|\n|---\t|---\t|---\t|---\t|\n")
	for _, p := range slices.SortedFunc(maps.Keys(v.committed), cmp.Compare[int32]) {
		_, _ = fmt.Fprintf(w, "| %d\t| %.1f\t| %.1f\t| %.1f\t|\n", p, v.ages[p].Seconds(), v.opened[p].Seconds(), v.committed[p].Seconds())
	}
	_ = w.Flush() // nobody to tell
	_, _ = fmt.Fprintf(o.Out, "recovered_s=%.1f cpu_s=%.1f load_average=%s caught_up_s=%.1f lag_before_s=%.1f verify=%q\n",
		v.took().Seconds(), v.cpu.Seconds(), v.load, v.caughtUp.Seconds(), v.lagBefore, v.verdict)
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f", float64(n)/1e6) }

// thousands writes a rounded number with separators.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
