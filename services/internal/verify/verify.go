// Package verify proves that what the processors committed is in the store
// once: it holds the commit log, the ledger, the table and the rollups against
// each other.
//
// Words. A step is (task, epoch, step). The log says which steps count, with
// how many rows and which sums; the ledger says which of them the sink has
// brought to the store; the table holds their rows; the rollups hold the same
// sums by hour and day. A difference is anything in which these disagree. A
// step is pending while it stands in the log but was committed after verify
// had begun: that is no difference.
//
// The order of reading makes the answer right on a running system. First the
// log's ends are taken and the log is read up to them, then verify waits, for a
// bounded time, until the ledger has reached those steps. Then ledger and table
// are read, and then the log once more up to its ends of now: since a row is
// written only after its step's commit stands in the log, every step that the
// table knows must be known to the log by then. Rollups follow their facts
// within one insert, so a difference there counts only if it stays.
//
// The log is kept for a limited time. Where its beginning is gone, reading
// begins behind the oldest step whose ledger row points into what is left, and
// earlier steps are held against ledger and table alone; the report says which.
//
// Sums are compared as decimal text of the full scale, never as floats.
package verify

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// Settings are what the caller provides.
type Settings struct {
	Kafka  kafka.Config
	Store  textrow.Store
	Logger *slog.Logger
	// Wait bounds how long the ledger may take to reach what the log held when
	// verify began, and the rollups to follow the facts; 0: nothing is under way.
	Wait time.Duration
}

// Step names a step of a task.
type Step struct {
	Task  int32  `json:"task"`
	Epoch uint64 `json:"epoch"`
	Step  uint64 `json:"step"`
}

func compareSteps(a, b Step) int {
	for _, c := range []int{int(a.Task) - int(b.Task), compare(a.Step, b.Step), compare(a.Epoch, b.Epoch)} {
		if c != 0 {
			return c
		}
	}
	return 0
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// held is what one place holds of a step.
type held struct {
	rows       uint64
	parts      uint32
	offset     int64 // of the commit record
	recordedAt int64 // ms
	sums       string
	refused    string // parts that the store refused, as the ledger lists them
}

// How often rollups that differ are looked at again, and the pauses.
const (
	rollupAttempts = 5
	rollupPause    = 300 * time.Millisecond
	ledgerPoll     = 200 * time.Millisecond
)

// Run compares everything and returns what it found.
func Run(ctx context.Context, s Settings) (*Report, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	logs, err := openLogs(ctx, s)
	if err != nil {
		return nil, err
	}
	defer logs.close()
	if err := logs.readToEnd(ctx); err != nil {
		return nil, err
	}
	logs.markBeginning()
	if err := awaitLedger(ctx, s, logs.lastSteps()); err != nil {
		return nil, err
	}
	ledger, err := readLedger(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	table, err := readTable(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	if err := logs.readToEnd(ctx); err != nil {
		return nil, err
	}
	report := judge(logs.tasks(), ledger, table)
	report.Days, err = compareRollups(ctx, s, report)
	if err != nil {
		return nil, err
	}
	report.finish()
	return report, nil
}

// awaitLedger waits until the ledger has reached the steps, or not at all
// longer than s.Wait: what is missing then is a difference.
func awaitLedger(ctx context.Context, s Settings, want map[int32]uint64) error {
	deadline := time.Now().Add(s.Wait)
	for {
		reached := map[string]uint64{}
		err := textrow.Each(ctx, s.Store, "SELECT task, max(step) FROM ledger GROUP BY task", nil, func(row []string) error {
			n, err := parseUint(row[1])
			reached[row[0]] = n
			return err
		})
		if err != nil {
			return fmt.Errorf("read ledger: %w", err)
		}
		behind := 0
		for task, step := range want {
			if reached[fmt.Sprint(task)] < step {
				behind++
			}
		}
		if behind == 0 || time.Now().After(deadline) {
			return nil
		}
		if err := lifecycle.Wait(ctx, ledgerPoll); err != nil {
			return err
		}
	}
}

// sumColumns are the sums of facts as a select list, each wrapped in sum.
func sumColumns(wrap string) string {
	var list []string
	for _, c := range fact.Columns {
		list = append(list, fmt.Sprintf(wrap, c.Name))
	}
	return strings.Join(list, ", ")
}

// canonical joins cells of sums as decimals of the columns' full scales.
func canonical(cells []string) (string, error) {
	if len(cells) != len(fact.Columns) {
		return "", fmt.Errorf("%d sums, want %d", len(cells), len(fact.Columns))
	}
	out := slices.Clone(cells)
	for i, cell := range cells {
		v, err := textrow.Decimal(cell, fact.Columns[i].Scale)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", fact.Columns[i].Name, err)
		}
		out[i] = textrow.Format(v, fact.Columns[i].Scale)
	}
	return strings.Join(out, "\t"), nil
}

// Write prints the report in a format, table or json.
func (r *Report) Write(w io.Writer, format string) error {
	if format == "json" {
		return r.writeJSON(w)
	}
	return r.writeText(w)
}
