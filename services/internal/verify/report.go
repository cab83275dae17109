package verify

import (
	"encoding/json"
	"fmt"
	"io"
)

// Report is what verify found.
type Report struct {
	Verdict     string       `json:"verdict"`
	Clean       bool         `json:"clean"`
	Tasks       []Task       `json:"tasks"`
	Days        int          `json:"days"` // whose rollups were compared
	Differences []Difference `json:"differences"`
}

// Task sums up what was compared of a task.
type Task struct {
	Task    int32  `json:"task"`
	Steps   uint64 `json:"steps"`
	Rows    uint64 `json:"rows"`
	Pending uint64 `json:"pending"` // steps committed while verify ran
	// GoneSteps is the last step that the log no longer holds: 1 to GoneSteps
	// were compared in ledger and table only.
	GoneSteps uint64 `json:"gone_steps"`
	LogStart  int64  `json:"log_start"`
	LogEnd    int64  `json:"log_end"`
	Ignored   uint64 `json:"ignored"` // records of the log that do not count: repeated, or of a lost epoch
}

// Difference is one thing that is not as it should be: of a step, or in a
// rollup of a day.
type Difference struct {
	Step
	Where string `json:"where"` // log, ledger, table, facts_hourly, facts_daily
	Day   string `json:"day,omitempty"`
	What  string `json:"what"`
}

func (d Difference) String() string {
	switch {
	case d.Day != "":
		return fmt.Sprintf("%s %s: %s", d.Where, d.Day, d.What)
	case d.Step.Step == 0:
		return fmt.Sprintf("task %d: %s: %s", d.Task, d.Where, d.What)
	case d.Epoch == 0:
		return fmt.Sprintf("task %d step %d: %s: %s", d.Task, d.Step.Step, d.Where, d.What)
	}
	return fmt.Sprintf("task %d step %d (epoch %d): %s: %s", d.Task, d.Step.Step, d.Epoch, d.Where, d.What)
}

func (r *Report) add(id Step, where, what string) {
	r.Differences = append(r.Differences, Difference{Step: id, Where: where, What: what})
}

// finish writes the verdict.
func (r *Report) finish() {
	var steps, rows, pending uint64
	for _, t := range r.Tasks {
		steps, rows, pending = steps+t.Steps, rows+t.Rows, pending+t.Pending
	}
	r.Clean = len(r.Differences) == 0
	if r.Differences == nil {
		r.Differences = []Difference{}
	}
	what := fmt.Sprintf("%d tasks, %d steps, %d rows, rollups of %d days", len(r.Tasks), steps, rows, r.Days)
	if pending > 0 {
		what += fmt.Sprintf(", %d steps committed meanwhile", pending)
	}
	if r.Clean {
		r.Verdict = "clean: " + what
		return
	}
	r.Verdict = fmt.Sprintf("%d differences: %s", len(r.Differences), what)
}

func (r *Report) writeJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	if err := out.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (r *Report) writeText(w io.Writer) error {
	for _, t := range r.Tasks {
		if t.GoneSteps > 0 {
			fmt.Fprintf(w, "task %d: the log no longer holds steps 1 to %d (it begins at offset %d): ledger and table only\n", t.Task, t.GoneSteps, t.LogStart)
		}
		fmt.Fprintf(w, "task %d: %d steps, %d rows, log to offset %d\n", t.Task, t.Steps, t.Rows, t.LogEnd)
	}
	for _, d := range r.Differences {
		fmt.Fprintln(w, d)
	}
	if _, err := fmt.Fprintln(w, "verify:", r.Verdict); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
