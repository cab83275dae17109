package status

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Write prints the report, for people or as json.
func (r *Report) Write(w io.Writer, format string) error {
	if format == "json" {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("write status: %w", err)
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	problems := r.Problems
	if r.stopped {
		fmt.Fprintf(t, "%s\n\n", problems[0])
		problems = problems[1:]
	}
	r.writeProcesses(t)
	if !r.stopped {
		r.writeTasks(t)
		r.writeProcessing(t)
	}
	r.writeStorage(t)
	for _, p := range problems {
		fmt.Fprintf(t, "PROBLEM: %s\n", p)
	}
	if r.Healthy {
		fmt.Fprintln(t, "healthy")
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

func (r *Report) writeProcesses(w io.Writer) {
	if len(r.Processes) == 0 {
		return
	}
	fmt.Fprintln(w, "process\tpid\tstate\trestarts\tsince\taddress")
	for _, p := range r.Processes {
		pid := "-"
		if p.PID != 0 {
			pid = fmt.Sprint(p.PID)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", p.Name, pid, p.State, p.Restarts, p.Since.Format(time.RFC3339), p.Address)
	}
	fmt.Fprintln(w)
}

func (r *Report) writeTasks(w io.Writer) {
	if len(r.Tasks) == 0 {
		return
	}
	fmt.Fprintln(w, "task\tepoch\tstep\tstate\tlag\twatermark\tin store\tsink\tsink lag")
	for _, t := range r.Tasks {
		fmt.Fprintf(w, "%d\t%d\t%d\t%s\t%s\t%s\t%d\t%s\t%s\n", t.Task, t.Epoch, t.Step, t.State, lag(t.Lag, t.LagSince), at(t.Watermark), t.SinkStep, t.SinkState,
			lag(t.SinkLag, t.SinkLagSince))
	}
	fmt.Fprintln(w)
}

func (r *Report) writeProcessing(w io.Writer) {
	p := &r.Processing
	fmt.Fprintf(w, "readings\t%d accepted; %d late kept out, %d duplicates\n", p.Readings, p.Late, p.Duplicates)
	fmt.Fprintf(w, "rejected\t%s; rows of replays: %s\n", byReason(p.Rejected), byReason(p.RefusedRows))
	if len(p.Noted) > 0 {
		fmt.Fprintf(w, "taken, but\t%s\n", byReason(p.Noted))
	}
	if len(p.Warnings) > 0 {
		fmt.Fprintf(w, "replays warned of\t%s\n", byReason(p.Warnings))
	}
	q := &p.Qualified
	fmt.Fprintf(w, "noted in facts\tconflict %s s, oversubscribed %s s, unpriced %s s; assumed: PUE of %s J, market-based factor of %s J\n",
		q.ConflictSeconds, q.OversubscribedSeconds, q.UnpricedSeconds, q.AssumedPUEJoules, q.AssumedMarketJoules)
	fmt.Fprintf(w, "energy in no row\trejected %s J, unplaced %s J, inconsistent %s J\n", p.RejectedJoules, p.UnplacedJoules, p.InconsistentJoules)
	fmt.Fprintf(w, "facts\t%d rows in %d steps, watermark %s\n", p.Rows, p.Steps, at(p.Watermark))
	fmt.Fprintf(w, "residual\t%d uJ, %d nano-units, %d ns\n\n", p.ResidualEnergy, p.ResidualMoney, p.ResidualTime)
}

func byReason(counts map[string]int64) string {
	if len(counts) == 0 {
		return "none"
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", reason, counts[reason]))
	}
	return strings.Join(parts, ", ")
}

func (r *Report) writeStorage(w io.Writer) {
	if len(r.Topics) > 0 {
		fmt.Fprintln(w, "topic\tpartitions\trecords\tMiB")
		for _, t := range r.Topics {
			size := "?"
			if t.Bytes >= 0 {
				size = mebibytes(t.Bytes)
			}
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", t.Name, t.Partitions, t.Records, size)
		}
		fmt.Fprintln(w)
	}
	if d := r.Disk; d != nil {
		fmt.Fprintf(w, "disk\tkafka %s MiB, clickhouse %s MiB, log %s MiB; %s MiB free\n\n", mebibytes(d.Kafka), mebibytes(d.Clickhouse), mebibytes(d.Log), mebibytes(d.Free))
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }

func at(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// lag shows how many records wait, and since when.
func lag(records int64, since *time.Time) string {
	if since == nil {
		return fmt.Sprint(records)
	}
	return fmt.Sprintf("%d since %s", records, since.Format(time.RFC3339))
}
