package reconcile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// Report is what a run found and did.
type Report struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	DryRun bool      `json:"dry_run"`
	Kept   []Kept    `json:"kept"`
	// Clipped says that a part of the range was left alone, because readings of
	// it are no longer in the topic.
	Clipped bool `json:"clipped"`
	// Rows that differ, and the windows of nodes that they are in.
	Rows    int64 `json:"rows"`
	Windows int64 `json:"windows"`
	// Gone windows were left alone: measured by the store, empty in the topic.
	Gone int `json:"gone_windows"`
	// Of the rows, what the processors took, what they still restate themselves,
	// and what became of neither.
	Taken      int64 `json:"taken"`
	TooNew     int64 `json:"too_new"`
	Lost       int64 `json:"lost"`
	Superseded bool  `json:"superseded"`

	Total     *Change            `json:"total"`
	Workloads map[string]*Change `json:"workloads"`
}

// Change is what differences add up to.
type Change struct {
	Rows int64
	Sums [fact.NumColumns]*big.Int
	Cost map[string]*big.Int // by currency
}

func newChange() *Change {
	c := &Change{Cost: map[string]*big.Int{}}
	for i := range c.Sums {
		c.Sums[i] = new(big.Int)
	}
	return c
}

// MarshalJSON writes the sums by the names of their columns.
func (c *Change) MarshalJSON() ([]byte, error) {
	out := map[string]any{"rows": c.Rows}
	for i, d := range fact.Columns {
		out[d.Name] = json.Number(textrow.Format(c.Sums[i], d.Scale))
	}
	cost := map[string]json.Number{}
	for currency, v := range c.Cost {
		cost[currency] = json.Number(textrow.Format(v, unit.MoneyScale))
	}
	out["cost"] = cost
	return json.Marshal(out)
}

func newReport(dry bool) *Report {
	return &Report{DryRun: dry, Total: newChange(), Workloads: map[string]*Change{}}
}

// add takes the differences of some windows, no others of which follow.
func (r *Report) add(rows []fact.Row) {
	type nodeWindow struct {
		node string
		at   int64
	}
	windows := map[nodeWindow]bool{}
	for i := range rows {
		row := &rows[i]
		windows[nodeWindow{row.Node, row.WindowStart}] = true
		of := r.Workloads[row.Workload]
		if of == nil {
			of = newChange()
			r.Workloads[row.Workload] = of
		}
		r.Total.add(row)
		of.add(row)
	}
	r.Rows += int64(len(rows))
	r.Windows += int64(len(windows))
}

func (c *Change) add(row *fact.Row) {
	c.Rows++
	for i, v := range row.Sums {
		c.Sums[i].Add(c.Sums[i], big.NewInt(v))
	}
	if v := row.Sums[fact.HoldCost] + row.Sums[fact.EnergyCost]; v != 0 {
		if c.Cost[row.Currency] == nil {
			c.Cost[row.Currency] = new(big.Int)
		}
		c.Cost[row.Currency].Add(c.Cost[row.Currency], big.NewInt(v))
	}
}

// Complete reports whether the whole range was reconciled.
func (r *Report) Complete() bool { return !r.Clipped && r.Gone == 0 && r.Lost == 0 }

// topWorkloads is how many workloads the text names.
const topWorkloads = 10

// Write prints the report, as text or json.
func (r *Report) Write(w io.Writer, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "windows from %s to %s\n", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	for _, k := range r.Kept {
		fmt.Fprintf(&b, "task %d: %s\n", k.Task, k)
	}
	if r.Rows > 0 {
		r.writeChanges(&b)
	}
	for _, line := range r.verdict() {
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeChanges(b *strings.Builder) {
	names := slices.SortedFunc(maps.Keys(r.Workloads), func(x, y string) int {
		a, c := r.Workloads[x], r.Workloads[y]
		return cmp.Or(c.Sums[fact.Energy].CmpAbs(a.Sums[fact.Energy]), cmp.Compare(c.Rows, a.Rows), strings.Compare(x, y))
	})
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "workload\trows\tdevice s\tenergy J\tcost\tcarbon location g\tcarbon market g\t")
	line := func(name string, c *Change) {
		at := func(column fact.Column) string { return textrow.Format(c.Sums[column], fact.Columns[column].Scale) }
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t\n", name, c.Rows, at(fact.DeviceSeconds), at(fact.Energy), c.costs(), at(fact.CarbonLocation), at(fact.CarbonMarket))
	}
	for i, name := range names {
		if i == topWorkloads {
			fmt.Fprintf(t, "(%d more)\t\t\t\t\t\t\t\n", len(names)-i)
			break
		}
		line(cmp.Or(name, "(unallocated)"), r.Workloads[name])
	}
	line("total", r.Total)
	_ = t.Flush() // into memory
}

func (c *Change) costs() string {
	var out []string
	for _, currency := range slices.Sorted(maps.Keys(c.Cost)) {
		out = append(out, textrow.Format(c.Cost[currency], unit.MoneyScale)+" "+currency)
	}
	return strings.Join(out, ", ")
}

// verdict says in lines what became of the differences.
func (r *Report) verdict() (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch {
	case r.Rows == 0:
		say("reconcile: in order: no row differs")
	case r.DryRun:
		say("reconcile: %d rows of %d windows would be corrected; nothing was changed", r.Rows, r.Windows)
	default:
		say("reconcile: %d rows corrected", r.Taken)
	}
	if r.TooNew > 0 {
		say("%d rows still differ: of windows that the processor restates itself; run it again when these are older", r.TooNew)
	}
	if r.Gone > 0 {
		say("%d windows were left alone: the store has measured them, and the topics hold nothing of them any more", r.Gone)
	}
	if r.Clipped {
		say("a part of the range was left alone: its readings are no longer kept")
	}
	switch {
	case r.Superseded:
		say("%d rows were refused: another run has begun meanwhile; run it again", r.Lost)
	case r.Lost > 0:
		say("%d rows were refused: see the dead letters of %s", r.Lost, "ntegral.corrections.v1")
	}
	return lines
}
