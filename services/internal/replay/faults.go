package replay

import (
	"fmt"
	"strings"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

const (
	// maxPrinted is how many faults of one reason are printed, warnings
	// likewise. A dry run prints all.
	maxPrinted = 20
	// maxLetters is how many dead letters of one reason are written; one more
	// stands for the others.
	maxLetters = 1000
)

// faults takes what the readers of the files report: it prints the first of
// each reason, counts all, and keeps those for the dead-letter topic until they
// are sent.
type faults struct {
	console  *console
	all      bool // print every one
	letters  bool // keep dead letters
	counts   [telemetry.NumReasons]int64
	total    int64
	warnings int64
	first    *replay.Fault

	pending []record.DeadLetter
	written [telemetry.NumReasons]int64
	beyond  [telemetry.NumReasons]record.DeadLetter
}

func (f *faults) report(fault replay.Fault) {
	n := &f.warnings
	if !fault.Warning {
		n = &f.counts[fault.Reason]
		f.total++
		if f.first == nil {
			f.first = &fault
		}
	}
	*n++
	if f.all || *n <= maxPrinted && fault.Message != "" {
		f.console.line("%s", fault)
	}
	if *n == maxPrinted+1 && !f.all {
		what := "warnings"
		if !fault.Warning {
			what = fault.Reason.String()
		}
		f.console.line("%s: more %s are counted and not printed: a dry run lists them all", fault.File, what)
	}
	if f.letters && fault.Reason != telemetry.Accepted {
		f.letter(fault)
	}
}

func (f *faults) letter(fault replay.Fault) {
	l := record.DeadLetter{
		Reason: fault.Reason, Detail: fault.Message, Origin: fault.File, Position: int64(fault.Line), Column: uint64(fault.Column),
		Node: fault.Node, Count: 1, First: fault.Time, Last: fault.Time,
	}
	if len(l.Detail) > record.MaxText {
		l.Detail = l.Detail[:record.MaxText]
	}
	l.Detail = strings.ToValidUTF8(l.Detail, "\ufffd")
	if f.written[fault.Reason] < maxLetters {
		f.written[fault.Reason]++
		f.pending = append(f.pending, l)
		return
	}
	b := &f.beyond[fault.Reason]
	b.Count++
	if b.Count == 1 {
		b.Reason, b.Origin, b.Position, b.First, b.Last = l.Reason, l.Origin, l.Position, l.First, l.Last
		b.Detail = fmt.Sprintf("more than %d of this reason: these are counted, from the first one on", maxLetters)
	}
	if l.First != 0 {
		if b.First == 0 {
			b.First = l.First
		}
		b.First, b.Last = min(b.First, l.First), max(b.Last, l.Last)
	}
}

// take returns the dead letters since it was last called; with the last ones
// come those that stand for the rest of their reason.
func (f *faults) take(last bool) []record.DeadLetter {
	letters := f.pending
	f.pending = nil
	if last {
		for _, b := range f.beyond {
			if b.Count > 0 {
				letters = append(letters, b)
			}
		}
	}
	return letters
}

// summary is the counts by reason, such as "5 negative, 2 unknown_node".
func (f *faults) summary() string {
	var parts []string
	for reason, n := range f.counts {
		if n > 0 {
			parts = append(parts, count(n)+" "+telemetry.Reason(reason).String())
		}
	}
	return strings.Join(parts, ", ")
}

// strict returns an error if there was a fault.
func (f *faults) strict() error {
	if f.first == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrFault, *f.first)
}
