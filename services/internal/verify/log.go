package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// taskLog is what the log of one task says.
type taskLog struct {
	task   int32
	first  int64 // offset from which the log is there
	end    int64 // up to which it was read
	start  uint64
	ignore uint64 // records that do not count
	steps  map[Step]held
	// began is the last step that stood in the log when verify began.
	began uint64
	last  uint64
	// faults are records against the rules of the log.
	faults []string

	source *kafka.Reader
	reader *commitlog.Reader
	anchor *anchor
}

// anchor is where reading begins in a log whose beginning is gone: a ledger
// row that points to a commit record which is still there.
type anchor struct {
	Step
	offset int64
}

type taskLogs struct {
	client *kgo.Client
	all    []*taskLog
}

// openLogs prepares reading of every task's log from its start, or what is
// left of it.
func openLogs(ctx context.Context, s Settings) (*taskLogs, error) {
	client, err := kafka.NewClient(s.Kafka, s.Logger)
	if err != nil {
		return nil, err
	}
	logs := &taskLogs{client: client}
	starts, err := kafka.StartOffsets(ctx, client, record.Facts)
	if err != nil {
		logs.close()
		return nil, err
	}
	for partition, start := range starts[record.Facts] {
		t := &taskLog{task: partition, first: start, end: start, start: 1, steps: map[Step]held{}}
		if err := t.open(ctx, s); err != nil {
			logs.close()
			return nil, err
		}
		logs.all = append(logs.all, t)
	}
	slices.SortFunc(logs.all, func(a, b *taskLog) int { return int(a.task) - int(b.task) })
	return logs, nil
}

func (l *taskLogs) close() {
	for _, t := range l.all {
		if t.source != nil {
			t.source.Close()
		}
	}
	l.client.Close()
}

func (l *taskLogs) tasks() []*taskLog { return l.all }

func (t *taskLog) open(ctx context.Context, s Settings) (err error) {
	position := commitlog.Position{}
	if t.first > 0 {
		if t.anchor, err = findAnchor(ctx, s.Store, t.task, t.first); err != nil {
			return err
		}
		if t.anchor == nil {
			t.faults = append(t.faults, fmt.Sprintf("the log begins at offset %d, and the ledger knows no step from there on: the log cannot be read", t.first))
			return nil
		}
		position = commitlog.Position{Epoch: t.anchor.Epoch, Step: t.anchor.Step.Step, Next: t.anchor.offset + 1}
		t.start, t.last = t.anchor.Step.Step+1, t.anchor.Step.Step
	}
	t.reader = commitlog.NewReader(position)
	// From the anchor itself: that it is the commit it is taken for is checked.
	from := t.first
	if t.anchor != nil {
		from = t.anchor.offset
	}
	t.source, err = kafka.NewReader(s.Kafka, s.Logger, record.Facts, t.task, from)
	return err
}

func findAnchor(ctx context.Context, store textrow.Store, task int32, from int64) (*anchor, error) {
	var a *anchor
	query := "SELECT epoch, step, log_offset FROM ledger WHERE task = " + strconv.Itoa(int(task)) +
		" AND log_offset >= " + strconv.FormatInt(from, 10) + " ORDER BY step, epoch LIMIT 1"
	err := textrow.Each(ctx, store, query, nil, func(row []string) error {
		epoch, err1 := parseUint(row[0])
		step, err2 := parseUint(row[1])
		offset, err3 := strconv.ParseInt(row[2], 10, 64)
		a = &anchor{Step: Step{Task: task, Epoch: epoch, Step: step}, offset: offset}
		return errors.Join(err1, err2, err3)
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return a, nil
}

// readToEnd reads every log up to its end of now.
func (l *taskLogs) readToEnd(ctx context.Context) error {
	ends, err := kafka.EndOffsets(ctx, l.client, record.Facts)
	if err != nil {
		return err
	}
	for _, t := range l.all {
		if t.source == nil {
			continue
		}
		if err := t.source.ReadTo(ctx, ends[record.Facts][t.task], t.add); err != nil {
			return fmt.Errorf("read log of task %d: %w", t.task, err)
		}
		t.end, t.ignore = ends[record.Facts][t.task], t.reader.Ignored()
	}
	return nil
}

func (l *taskLogs) markBeginning() {
	for _, t := range l.all {
		t.began = t.last
	}
}

// lastSteps is what the ledger has to reach.
func (l *taskLogs) lastSteps() map[int32]uint64 {
	want := map[int32]uint64{}
	for _, t := range l.all {
		want[t.task] = t.last
	}
	return want
}

// add reads one record. A record against the rules is a fault, not an end:
// the rest may still be right.
func (t *taskLog) add(rec *kgo.Record) error {
	headers := kafka.Headers(rec)
	if t.anchor != nil && rec.Offset == t.anchor.offset {
		return t.checkAnchor(headers, rec.Value)
	}
	value := rec.Value
	if record.TypeOf(headers) == record.TypePart {
		value = []byte{} // verify needs to know that the part is there, not what is in it
	}
	step, err := t.reader.Add(commitlog.Record{Offset: rec.Offset, Headers: headers, Value: value})
	if err != nil {
		t.faults = append(t.faults, fmt.Sprintf("offset %d: %v", rec.Offset, err))
		return nil
	}
	if step == nil {
		return nil
	}
	c := step.Commit
	t.last = c.Step
	t.steps[Step{Task: t.task, Epoch: c.Epoch, Step: c.Step}] = held{
		rows: c.Rows, parts: c.Parts, offset: step.Offset, recordedAt: c.RecordedAt / 1e6, sums: commitSums(c.Sums),
	}
	return nil
}

func (t *taskLog) checkAnchor(headers []record.Header, value []byte) error {
	c, err := record.DecodeCommit(value)
	if record.TypeOf(headers) != record.TypeCommit || err != nil || c.Epoch != t.anchor.Epoch || c.Step != t.anchor.Step.Step {
		t.faults = append(t.faults, fmt.Sprintf("offset %d is not the commit of step %d that the ledger takes it for", t.anchor.offset, t.anchor.Step.Step))
	}
	return nil
}

// commitSums writes a commit's sums as decimals of the columns' scales. A step
// of an older version has fewer columns; they count as zero.
func commitSums(sums []int64) string {
	cells := make([]string, len(fact.Columns))
	for i, c := range fact.Columns {
		v := int64(0)
		if i < len(sums) {
			v = sums[i]
		}
		cells[i] = formatDecimal(v, c.Scale)
	}
	return strings.Join(cells, "\t")
}
