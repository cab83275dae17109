package status

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

const (
	// patience is how long a task may be between its group and its process. A
	// process hears of its tasks with the answer that makes the group stable, and
	// lists them at once: milliseconds, or a few seconds on a busy machine. Half of
	// askTimeout, so that the looks are never cut short.
	patience = askTimeout / 2
	// lookAgain is how often it is looked whether the moment has passed.
	lookAgain = 200 * time.Millisecond
)

// claim is a task that a group gives to some member.
type claim struct {
	who  string
	task int32
}

// idle finds the tasks that a group gives to a member, such as one that has died,
// while the one process that could be this member does not work on them: only
// for a supervised system, where no other process exists that could.
//
// The group and the process are two that are asked one after the other, and a
// task on its way from the one to the other looks like this, too. So it has to
// last: a task is idle if in each look, from the first to one after the patience
// is over, the group was stable and gave it to somebody, and the process
// answered and did not list it. The uptime of the process would not tell, since
// a group can assign anew at any time. A sound system is looked at once.
func (r *Report) idle(ctx context.Context, s Settings) error {
	if s.System == nil || len(r.Topics) == 0 {
		return nil // others may work on them; Kafka does not answer, which has been said
	}
	client, err := kafka.NewClient(s.Kafka, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	lasting, err := idleNow(ctx, admin, s)
	if err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	for over := false; !over && len(lasting) > 0; {
		over = lifecycle.Wait(patient, lookAgain) != nil
		again, err := idleNow(ctx, admin, s)
		if err != nil {
			return err
		}
		maps.DeleteFunc(again, func(c claim, _ string) bool { _, before := lasting[c]; return !before })
		lasting = again
	}
	r.tellIdle(s, lasting)
	return nil
}

// tellIdle makes one problem of the tasks of a side that one member has.
func (r *Report) tellIdle(s Settings, lasting map[claim]string) {
	for _, g := range s.groups() {
		byMember := map[string][]int32{}
		for c, member := range lasting {
			if c.who == g.who {
				byMember[member] = append(byMember[member], c.task)
			}
		}
		for _, member := range slices.Sorted(maps.Keys(byMember)) {
			var tasks []string
			for _, task := range slices.Sorted(slices.Values(byMember[member])) {
				tasks = append(tasks, fmt.Sprint(task))
			}
			r.problem("%s: nobody works on task %s: group %s has given it to member %s, and the %s that answers does not work on it",
				g.who, strings.Join(tasks, ", "), g.name, member, g.who)
		}
	}
}

// idleNow returns the members that have tasks on which the process that answers
// does not work, as of now.
func idleNow(ctx context.Context, admin *kadm.Client, s Settings) (map[claim]string, error) {
	out := map[claim]string{}
	for _, g := range s.groups() {
		if g.name == "" {
			continue
		}
		d, err := describe(ctx, admin, g.name)
		if err != nil {
			return nil, fmt.Errorf("describe group %s: %w", g.name, err)
		}
		if d.State != "Stable" {
			continue
		}
		var st struct {
			Tasks []struct {
				Task int32 `json:"task"`
			} `json:"tasks"`
		}
		if fetch(ctx, g.addr, &st) != nil {
			continue // has been said, and what it works on is not known
		}
		works := map[int32]bool{}
		for _, t := range st.Tasks {
			works[t.Task] = true
		}
		for _, m := range d.Members {
			assigned, ok := m.Assigned.AsConsumer()
			if !ok {
				continue
			}
			for _, topic := range assigned.Topics {
				for _, p := range topic.Partitions {
					if topic.Topic == g.topic && !works[p] {
						out[claim{g.who, p}] = m.MemberID
					}
				}
			}
		}
	}
	return out, nil
}
