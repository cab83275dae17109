package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// goals returns which inputs the store has to have used, by task, for all that
// was published to show: of samples what this replay sent, since the topic never
// stands still; of rates, inventory and placements what is in the topics now,
// which is that and what was sent before an interruption. Rates are in one
// partition, which every task reads. A partition without records is nobody's
// input: nothing will ever be committed for it.
func (r *run) goals(ctx context.Context, client *kgo.Client) (map[int32]record.Offsets, error) {
	sides := []string{record.Rates, record.Inventory, record.Placements}
	starts, err := kafka.StartOffsets(ctx, client, sides...)
	if err != nil {
		return nil, err
	}
	ends, err := kafka.EndOffsets(ctx, client, sides...)
	if err != nil {
		return nil, err
	}
	side := func(topic string, partition int32) int64 {
		if end := ends[topic][partition]; end > starts[topic][partition] {
			return end
		}
		return 0
	}
	goals := make(map[int32]record.Offsets)
	for task := range ends[record.Inventory] {
		goals[task] = record.Offsets{
			Samples: r.out.reached[task], Rates: side(record.Rates, 0),
			Inventory: side(record.Inventory, task), Placements: side(record.Placements, task),
		}
	}
	return goals, nil
}

// behind returns the tasks that have not got to want, and the records that they
// lack.
func behind(want, have map[int32]record.Offsets) (tasks []int32, records int64) {
	for task, w := range want {
		h := have[task]
		lacks := max(0, w.Samples-h.Samples) + max(0, w.Rates-h.Rates) + max(0, w.Inventory-h.Inventory) + max(0, w.Placements-h.Placements)
		if lacks > 0 {
			tasks = append(tasks, task)
			records += lacks
		}
	}
	slices.Sort(tasks)
	return tasks, records
}

// TaskFault says what keeps a task, or with Task -1 all of a part, from working.
type TaskFault struct {
	Task     int32
	Text     string // names the part
	Operator bool   // it does not pass by itself
}

// Tasks says how the processor and the sink are.
type Tasks interface {
	Faults(ctx context.Context) []TaskFault
}

// hindered looks at what keeps the tasks that are waited for. A fault that needs
// an operator ends the wait; others are told with the progress.
func (r *run) hindered(ctx context.Context, waiting []int32) (text string, err error) {
	if r.s.Tasks == nil {
		return "", nil
	}
	var passing []string
	for _, f := range r.s.Tasks.Faults(ctx) {
		if f.Task >= 0 && !slices.Contains(waiting, f.Task) {
			continue
		}
		if f.Operator {
			return "", lifecycle.Permanent(fmt.Errorf("await facts: %s: what is published stays; see ntegral status, mend that, and replay again, which goes on from here", f.Text))
		}
		passing = append(passing, f.Text)
	}
	if len(passing) == 0 {
		return "", nil
	}
	return "; " + strings.Join(passing, "; ") + " (see ntegral status)", nil
}
