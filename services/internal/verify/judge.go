package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ntegral/ntegral/schemas/fact"
)

// zeroSums are the sums of no rows.
var zeroSums = commitSums(nil)

// judge holds the log, the ledger and the table against each other, step by
// step.
func judge(logs []*taskLog, ledger map[Step][]held, table map[Step]tableStep) *Report {
	j := &judgement{
		report: &Report{}, ledger: ledger, table: table, tasks: map[int32]*taskLog{},
		checked: map[int32]uint64{}, pending: map[int32]uint64{}, rows: map[int32]uint64{},
	}
	for _, l := range logs {
		j.tasks[l.task] = l
		for _, f := range l.faults {
			j.report.add(Step{Task: l.task}, "log", f)
		}
	}
	ids := map[Step]bool{}
	for _, l := range logs {
		for id := range l.steps {
			ids[id] = true
		}
	}
	for id := range ledger {
		ids[id] = true
	}
	for id := range table {
		ids[id] = true
	}
	for _, id := range slices.SortedFunc(maps.Keys(ids), compareSteps) {
		j.step(id)
	}
	for _, l := range logs {
		j.gaps(l)
		j.report.Tasks = append(j.report.Tasks, j.task(l))
	}
	return j.report
}

type judgement struct {
	report *Report
	tasks  map[int32]*taskLog
	ledger map[Step][]held
	table  map[Step]tableStep

	checked, pending map[int32]uint64
	rows             map[int32]uint64
}

func (j *judgement) step(id Step) {
	log := j.tasks[id.Task]
	if log == nil {
		j.report.add(id, "log", "the topic has no partition for this task")
		return
	}
	rows := j.ledger[id]
	committed, counts := log.steps[id]
	anchored := log.anchor != nil && log.anchor.Step == id
	switch {
	case counts && len(rows) == 0 && id.Step > log.began:
		j.pending[id.Task]++ // committed while verify ran
		if got := j.table[id].rows; got > committed.rows {
			j.rowsDiffer(id, got, committed)
		}
		return
	case counts && len(rows) == 0:
		j.report.add(id, "ledger", "row missing")
	case len(rows) > 1:
		j.report.add(id, "ledger", fmt.Sprintf("%d rows, want 1", len(rows)))
	case !counts && log.source != nil && id.Step >= log.start && !anchored:
		j.alien(id, len(rows))
		return
	case !counts && len(rows) == 0:
		j.alien(id, 0)
		return
	}
	j.checked[id.Task]++
	want := committed
	if !counts {
		want = rows[0]
	}
	for _, row := range rows {
		if counts {
			j.compareLedger(id, row, committed)
		}
	}
	j.compareTable(id, want)
	j.rows[id.Task] += want.rows
}

// alien is a step of ledger or table that does not count by the log.
func (j *judgement) alien(id Step, ledgerRows int) {
	if ledgerRows > 0 {
		j.report.add(id, "ledger", "row of a step that does not count")
	}
	if rows := j.table[id].rows; rows > 0 {
		j.report.add(id, "table", fmt.Sprintf("%d rows of a step that does not count", rows))
	}
}

func (j *judgement) compareLedger(id Step, row, want held) {
	differ := func(what string, got, want any) {
		if got != want {
			j.report.add(id, "ledger", fmt.Sprintf("%s %v, the log has %v", what, got, want))
		}
	}
	differ("rows", row.rows, want.rows)
	differ("parts", row.parts, want.parts)
	differ("log_offset", row.offset, want.offset)
	differ("recorded_at", row.recordedAt, want.recordedAt)
	j.compareSums(id, "ledger", row.sums, want.sums)
	if row.refused != "" {
		j.report.add(id, "ledger", "the store could not read part "+row.refused+": see the dead letters")
	}
}

func (j *judgement) compareTable(id Step, want held) {
	got, ok := j.table[id]
	if !ok {
		got.sums = zeroSums
	}
	if got.rows != want.rows {
		j.rowsDiffer(id, got.rows, want)
	}
	j.compareSums(id, "table", got.sums, want.sums)
	if ok && (got.recordedAt != want.recordedAt || got.lastRecordedAt != want.recordedAt) {
		j.report.add(id, "table", fmt.Sprintf("recorded_at from %d to %d, want %d", got.recordedAt, got.lastRecordedAt, want.recordedAt))
	}
}

func (j *judgement) rowsDiffer(id Step, got uint64, want held) {
	switch {
	case got == 0:
		j.report.add(id, "table", fmt.Sprintf("all %d rows missing", want.rows))
	case got < want.rows:
		j.report.add(id, "table", fmt.Sprintf("%d of %d rows missing", want.rows-got, want.rows))
	default:
		j.report.add(id, "table", fmt.Sprintf("%d rows too many: %d, want %d (doubled)", got-want.rows, got, want.rows))
	}
}

func (j *judgement) compareSums(id Step, where, got, want string) {
	if got == want {
		return
	}
	g, w := strings.Split(got, "\t"), strings.Split(want, "\t")
	for i, c := range fact.Columns {
		if g[i] != w[i] {
			j.report.add(id, where, fmt.Sprintf("%s %s, want %s", c.Name, g[i], w[i]))
		}
	}
}

// gaps finds steps that the ledger should have and that the log no longer
// holds: their numbers are missing.
func (j *judgement) gaps(log *taskLog) {
	have := map[uint64]bool{}
	for id := range j.ledger {
		if id.Task == log.task {
			have[id.Step] = true
		}
	}
	if len(have) == 0 {
		return
	}
	for step := uint64(1); step < log.start; step++ {
		if !have[step] {
			j.report.add(Step{Task: log.task, Step: step}, "ledger", "row missing, and the log no longer holds the step")
		}
	}
}

func (j *judgement) task(log *taskLog) Task {
	t := Task{
		Task: log.task, Steps: j.checked[log.task], Rows: j.rows[log.task], Pending: j.pending[log.task],
		LogStart: log.first, LogEnd: log.end, Ignored: log.ignore,
	}
	if log.start > 1 {
		t.GoneSteps = log.start - 1
	}
	return t
}
