package process

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// taskSet is the tasks that this processor owns.
type taskSet struct {
	env *environment

	mu     sync.Mutex
	tasks  map[int32]*task
	closed bool
}

func newTaskSet(env *environment) *taskSet {
	return &taskSet{env: env, tasks: map[int32]*task{}}
}

// start starts the tasks of partitions, unless the set has been closed.
func (s *taskSet) start(partitions []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range partitions {
		if s.closed || s.tasks[p] != nil {
			continue
		}
		s.tasks[p] = startTask(s.env, p)
	}
}

// stop ends the tasks of partitions and waits for them. A task that was lost
// already belongs to somebody else and writes no last step.
func (s *taskSet) stop(partitions []int32, lost bool) {
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
		t.end(lost)
	}
	for _, t := range ending {
		<-t.done
	}
}

// close stops all tasks and starts none any more.
func (s *taskSet) close() {
	s.mu.Lock()
	s.closed = true
	var all []int32
	for p := range s.tasks {
		all = append(all, p)
	}
	s.mu.Unlock()
	s.stop(all, false)
}

// statuses returns what each task has published last, by task.
func (s *taskSet) statuses() []*TaskStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*TaskStatus
	for p := range int32(s.env.partitions) {
		if t := s.tasks[p]; t != nil {
			out = append(out, t.status.Load())
		}
	}
	return out
}

// membership is the consumer group's client. It never fetches: tasks read with
// readers of their own, from the offsets of their commit log.
type membership struct {
	env    *environment
	tasks  *taskSet
	client *kgo.Client
}

// offsetInterval is how often the group is told where the tasks are, for
// whoever monitors its lag.
const offsetInterval = 5 * time.Second

// join builds the client, which begins to join the group at once.
func (m *membership) join() error {
	env, tasks := m.env, m.tasks
	opts := []kgo.Opt{
		kgo.ConsumerGroup(env.cfg.Group),
		kgo.ConsumeTopics(record.Samples),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(env.cfg.SessionTimeout),
		kgo.HeartbeatInterval(env.cfg.SessionTimeout / 4),
		kgo.RebalanceTimeout(2*env.cfg.StopTimeout + env.cfg.SessionTimeout),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) {
			tasks.start(ps[record.Samples])
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) {
			tasks.stop(ps[record.Samples], false)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) {
			tasks.stop(ps[record.Samples], true)
		}),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}
	if env.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(env.cfg.InstanceID))
	}
	client, err := kafka.NewClient(env.cfg.Kafka, env.set.Logger, opts...)
	if err != nil {
		return fmt.Errorf("join group: %w", err)
	}
	client.PauseFetchTopics(record.Samples) // long before a first assignment can arrive
	m.client = client
	return nil
}

// Run takes part in the group until ctx ends.
func (m *membership) Run(ctx context.Context) error {
	if err := m.join(); err != nil {
		return err
	}
	defer m.leave()
	defer m.tasks.close()
	ticker := time.NewTicker(offsetInterval)
	defer ticker.Stop()
	polled := make(chan error, 1)
	go func() { polled <- m.poll(ctx) }()
	for {
		select {
		case err := <-polled:
			return err
		case <-ticker.C:
			m.reportOffsets(ctx)
		}
	}
}

// leaveTimeout bounds how long leaving waits for a broker that may be away; the
// group then notices by itself, after the session timeout.
const leaveTimeout = 3 * time.Second

func (m *membership) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := m.client.LeaveGroupContext(ctx); err != nil {
		m.env.set.Logger.Warn("group not left", "error", err)
	}
	m.client.Close()
}

// poll shows the group's errors. Records never come: fetching is paused.
func (m *membership) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		fetches := m.client.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			err := kafka.Classify(e.Err)
			switch {
			case ctx.Err() != nil:
			case lifecycle.IsPermanent(err):
				return fmt.Errorf("consumer group: %w", err)
			default:
				m.env.set.Logger.Warn("consumer group error", "error", err)
			}
		}
	}
	return nil
}

func (m *membership) reportOffsets(ctx context.Context) {
	at := map[int32]kgo.EpochOffset{}
	for _, s := range m.tasks.statuses() {
		if s.State == StateRunning {
			at[s.Task] = kgo.EpochOffset{Epoch: -1, Offset: s.Inputs.Samples}
		}
	}
	if len(at) > 0 {
		// Without a callback: the next report makes up for one that is lost.
		m.client.CommitOffsets(ctx, map[string]map[int32]kgo.EpochOffset{record.Samples: at}, nil)
	}
}
