package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// taskSet is the tasks that are assigned to this sink.
type taskSet struct {
	env *environment

	mu     sync.Mutex
	tasks  map[int32]*task
	closed bool
}

func (s *taskSet) start(partitions []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range partitions {
		if !s.closed && s.tasks[p] == nil {
			s.tasks[p] = startTask(s.env, p)
		}
	}
}

// stop ends the tasks of partitions and waits for them: an insert under way is
// abandoned, and whoever takes over inserts the same block under the same token.
func (s *taskSet) stop(partitions []int32) {
	s.mu.Lock()
	var ending []*task
	for _, p := range partitions {
		if t := s.tasks[p]; t != nil {
			ending = append(ending, t)
			delete(s.tasks, p)
		}
	}
	s.mu.Unlock()
	for _, t := range ending {
		t.cancel()
	}
	for _, t := range ending {
		<-t.done
	}
}

func (s *taskSet) close() {
	s.mu.Lock()
	s.closed = true
	all := slices.Collect(maps.Keys(s.tasks))
	s.mu.Unlock()
	s.stop(all)
}

// all returns the tasks in the order of their numbers.
func (s *taskSet) all() []*task {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*task
	for _, p := range slices.Sorted(maps.Keys(s.tasks)) {
		out = append(out, s.tasks[p])
	}
	return out
}

// join builds the client of the consumer group, which begins to join at once.
// It never fetches: tasks read with readers of their own, from where the ledger
// says.
func join(env *environment, tasks *taskSet) (*kgo.Client, error) {
	timeout := env.cfg.SessionTimeout
	opts := []kgo.Opt{
		kgo.ConsumerGroup(env.cfg.Group),
		kgo.ConsumeTopics(record.Facts),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(timeout),
		kgo.HeartbeatInterval(timeout / 4),
		kgo.RebalanceTimeout(3 * timeout),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { tasks.start(ps[record.Facts]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { tasks.stop(ps[record.Facts]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { tasks.stop(ps[record.Facts]) }),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}
	if env.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(env.cfg.InstanceID))
	}
	client, err := kafka.NewClient(env.set.Kafka, env.set.Logger, opts...)
	if err != nil {
		return nil, fmt.Errorf("join group: %w", err)
	}
	client.PauseFetchTopics(record.Facts) // long before a first assignment can arrive
	return client, nil
}

// poll shows the group's errors until ctx ends. Records never come.
func poll(ctx context.Context, env *environment, client *kgo.Client) error {
	for ctx.Err() == nil {
		for _, e := range client.PollFetches(ctx).Errors() {
			err := kafka.Classify(e.Err)
			switch {
			case ctx.Err() != nil:
			case lifecycle.IsPermanent(err), errors.Is(err, kerr.InvalidSessionTimeout):
				return fmt.Errorf("consumer group: %w", err)
			default:
				env.set.Logger.Warn("consumer group error", "error", err)
			}
		}
	}
	return nil
}
