package peers

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// table prints the results as they come, and compares them with the first.
type table struct {
	readings int64
	out      io.Writer
	done     []result
	want     Facts
	notes    []string
	err      error
}

func (t *table) say(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format+"\n", args...) }

func (t *table) head() {
	t.say("%-14s %14s %18s %8s %7s %s", "name", "readings_per_s", "readings_per_cpu_s", "peak_mb", "facts", "equal")
}

// line prints one contender. A peer that fails is a line of its own kind, not an
// error of the comparison; the product must not fail.
func (t *table) line(name string, r result, err error) {
	if err != nil {
		t.say("%-14s %14s %18s %8s %7s %s", name, "-", "-", "-", "-", "no: "+firstLine(err))
		if name == "ntegral" || name == "ceiling" {
			t.err = errors.Join(t.err, err)
		}
		return
	}
	equal := "-"
	switch {
	case name == "ntegral":
		t.want, equal = r.facts, "reference"
	case r.facts != nil && t.want != nil:
		equal = "yes"
		if d := differ(r.facts, t.want); d != "" {
			equal = "no: " + d
		}
	}
	t.say("%-14s %14.0f %18.0f %8.0f %7d %s", name, t.perSecond(r), t.perCPU(r), float64(r.peak)/1e6, len(r.facts), equal)
	note := fmt.Sprintf("%s: %.2f s, %.2f CPU-s, broker %.2f CPU-s", name, r.took.Seconds(), r.cpu.Seconds(), r.broker.Seconds())
	if r.note != "" {
		note += "; " + r.note
	}
	t.notes = append(t.notes, note)
	t.done = append(t.done, r)
}

func (t *table) perSecond(r result) float64 { return float64(t.readings) / r.took.Seconds() }
func (t *table) perCPU(r result) float64    { return float64(t.readings) / r.cpu.Seconds() }

// ratios prints how many times the product's rate is each other's.
func (t *table) ratios() {
	t.say("")
	for _, n := range t.notes {
		t.say("# %s", n)
	}
	if len(t.done) == 0 || t.done[0].name != "ntegral" {
		return
	}
	t.say("")
	own := t.done[0]
	for _, r := range t.done[1:] {
		t.say("ntegral/%s per_s=%.3f per_cpu_s=%.3f", r.name, t.perSecond(own)/t.perSecond(r), t.perCPU(own)/t.perCPU(r))
	}
}

func (t *table) verdict() error { return t.err }

// firstLine keeps a failure's message on its line of the table.
func firstLine(err error) string {
	s, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return s
}
