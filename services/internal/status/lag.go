package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// position is where a task stands in a partition with something behind it.
type position struct {
	next, end int64
	// commits: only a commit waits. A sink tells its group the end of its last
	// step; an owner that opened the log since, or died within a step, left records
	// there that nobody will ever use.
	commits bool
}

// positions are the positions of one side's tasks.
type positions map[int32]position

// lags finds out how long the oldest record that a task has not used has been
// waiting. Kafka knows: it is the time of the record at the task's offset, which
// the process that works on it says. Of a task that neither process lists,
// because it is another's or nobody's, the group knows the offset.
func (r *Report) lags(ctx context.Context, s Settings) error {
	if len(r.Topics) == 0 {
		return nil // Kafka does not answer, which has been said
	}
	client, err := kafka.NewClient(s.Kafka, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	starts, err := kafka.StartOffsets(ctx, client, record.Samples, record.Facts)
	if err != nil {
		return err
	}
	ends, err := kafka.EndOffsets(ctx, client, record.Samples, record.Facts)
	if err != nil {
		return err
	}
	behind := map[string]positions{}
	for _, g := range s.groups() {
		told, err := committed(ctx, kadm.NewClient(client), g)
		if err != nil {
			return err
		}
		behind[g.topic] = r.behind(s, g, starts[g.topic], ends[g.topic], told)
	}
	waiting, err := oldest(ctx, s.Kafka, behind)
	if err != nil {
		return fmt.Errorf("look at the oldest records: %w", err)
	}
	now := s.Clock()
	for _, g := range s.groups() {
		for task := range int32(len(ends[g.topic])) {
			at, found := waiting[g.topic][task]
			if !found {
				continue
			}
			r.task(task).wait(g.topic, behind[g.topic][task], at)
			if age := now.Sub(at); s.Config.MaxLag > 0 && age > s.Config.MaxLag {
				r.problem("%s: task %d is behind: its next record has waited for %s, the bound is %s", g.who, task, age.Round(time.Second), s.Config.MaxLag)
			}
		}
	}
	return nil
}

// behind returns the tasks of one side that have something to do.
func (r *Report) behind(s Settings, g group, starts, ends, told map[int32]int64) positions {
	out := positions{}
	for task, end := range ends {
		p := position{next: -1, end: end}
		listed, lag, offset := r.place(g.topic, task)
		at, known := told[task]
		switch {
		case listed && lag > 0:
			p.next = offset
		case listed: // it has used everything
		case known:
			p.next, p.commits = at, g.topic == record.Facts
		case s.System == nil && g.name != "":
			// Nobody has ever told: all of it waits. In a supervised system it may be
			// on its way to the one process, which idle looks after.
			p.next, p.commits = 0, g.topic == record.Facts
		}
		if p.next < 0 {
			continue
		}
		if p.next = max(p.next, starts[task]); p.next < end {
			out[task] = p
		}
	}
	return out
}

// place returns what the process asked says of a task: whether it works on it,
// and if so, how far it is.
func (r *Report) place(topic string, task int32) (listed bool, lag, offset int64) {
	for i := range r.Tasks {
		switch t := &r.Tasks[i]; {
		case t.Task != task:
		case topic == record.Samples:
			return t.processed, t.Lag, t.samplesOffset
		default:
			return t.sunk, t.SinkLag, t.sinkOffset
		}
	}
	return false, 0, 0
}

// wait notes since when a task has something to do, and how much if its process
// did not say.
func (t *Task) wait(topic string, p position, since time.Time) {
	if topic == record.Samples {
		t.LagSince = &since
		if !t.processed {
			t.Lag = p.end - p.next
		}
		return
	}
	t.SinkLagSince = &since
	if !t.sunk {
		t.SinkLag = p.end - p.next
	}
}

// committed returns the offsets that the members of a group have told it.
func committed(ctx context.Context, admin *kadm.Client, g group) (map[int32]int64, error) {
	told := map[int32]int64{}
	if g.name == "" {
		return told, nil
	}
	offsets, err := admin.FetchOffsetsForTopics(ctx, g.name, g.topic)
	if errors.Is(err, kerr.GroupIDNotFound) { // nobody has ever joined it
		return told, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read offsets of group %s: %w", g.name, err)
	}
	for task, o := range offsets[g.topic] {
		if o.Err == nil && o.At >= 0 {
			told[task] = o.At
		}
	}
	return told, nil
}

// oldest returns the time of the first record that waits at or after each
// position, as far as there is one.
func oldest(ctx context.Context, cfg kafka.Config, behind map[string]positions) (map[string]map[int32]time.Time, error) {
	found := map[string]map[int32]time.Time{}
	offsets := map[string]map[int32]kgo.Offset{}
	left := 0
	for topic, tasks := range behind {
		found[topic], offsets[topic] = map[int32]time.Time{}, map[int32]kgo.Offset{}
		for task, p := range tasks {
			offsets[topic][task] = kgo.NewOffset().At(p.next)
		}
		left += len(tasks)
	}
	if left == 0 {
		return found, nil
	}
	client, err := kafka.NewClient(cfg, nil, kgo.ConsumePartitions(offsets), kgo.FetchMaxPartitionBytes(64<<10), kgo.MaxConcurrentFetches(1))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	searched := map[string]map[int32]bool{record.Samples: {}, record.Facts: {}}
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			p := behind[rec.Topic][rec.Partition]
			waits := !p.commits || kafka.EventType(rec) == record.TypeCommit
			if searched[rec.Topic][rec.Partition] || !waits && rec.Offset < p.end-1 {
				return
			}
			searched[rec.Topic][rec.Partition] = true
			left--
			if waits {
				found[rec.Topic][rec.Partition] = rec.Timestamp.UTC()
			}
		})
	}
	return found, nil
}
