package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/semaphore"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// environment is what all tasks share.
type environment struct {
	cfg     Config
	set     Settings
	metrics *metrics
	client  *kgo.Client // writes dead letters
	bytes   *semaphore.Weighted
	inserts *semaphore.Weighted
}

// watchInterval is how often lags are measured and the group is told offsets.
const watchInterval = 2 * time.Second

// Run brings the tables up to date and then facts to the store until ctx ends.
func Run(ctx context.Context, cfg Config, set Settings) error {
	if err := errors.Join(cfg.Validate(), set.Kafka.Validate()); err != nil {
		return lifecycle.Permanent(fmt.Errorf("configure sink: %w", err))
	}
	set = set.withDefaults()
	env := &environment{
		cfg: cfg, set: set, metrics: newMetrics(set.Registry),
		bytes: semaphore.NewWeighted(cfg.InFlightBytes), inserts: semaphore.NewWeighted(int64(cfg.Inserts)),
	}
	tasks := &taskSet{env: env, tasks: map[int32]*task{}}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	group := lifecycle.Group{Logger: set.Logger}
	group.Add("http", serving{listener, newHandler(set, tasks)})
	group.Add("tasks", lifecycle.Func(func(ctx context.Context) error {
		return runTasks(ctx, env, tasks, listener.Addr().String())
	}))
	return group.Run(ctx)
}

func runTasks(ctx context.Context, env *environment, tasks *taskSet, addr string) error {
	if err := env.prepare(ctx); err != nil {
		return err
	}
	client, err := kafka.NewClient(env.set.Kafka, env.set.Logger)
	if err != nil {
		return err
	}
	defer client.Close()
	env.client = client
	member, err := join(env, tasks)
	if err != nil {
		return err
	}
	defer member.Close() // leaves the group
	defer tasks.close()
	env.set.Ready(addr)
	polled := make(chan error, 1)
	go func() { polled <- poll(ctx, env, member) }()
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-polled:
			return err
		case <-ticker.C:
			watch(ctx, env, tasks, member)
		}
	}
}

// prepare applies the migrations and waits for the log to be there, however
// long the store and Kafka take to come up.
func (env *environment) prepare(ctx context.Context) error {
	err := lifecycle.Retry(ctx, retryBackoff, func(ctx context.Context) error {
		err := env.set.Store.Migrate(ctx)
		if lifecycle.IsRetryable(err) {
			env.set.Logger.Warn("store is not ready", "error", err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("migrate store: %w", err)
	}
	client, err := kafka.NewClient(env.set.Kafka, env.set.Logger)
	if err != nil {
		return err
	}
	defer client.Close()
	waiting := lifecycle.Backoff{Min: 100 * time.Millisecond, Max: 2 * time.Second}
	for {
		// The processor makes the topics; until then there is nothing to do.
		_, err := kafka.CheckCoPartitioned(ctx, client, record.Facts)
		if err == nil {
			return nil
		}
		env.set.Logger.Info("waiting for topic", "topic", record.Facts, "reason", err)
		if err := lifecycle.Wait(ctx, waiting.Next()); err != nil {
			return err
		}
	}
}

// watch measures how far each task is behind and tells the group where it is.
func watch(ctx context.Context, env *environment, tasks *taskSet, member *kgo.Client) {
	ctx, cancel := context.WithTimeout(ctx, watchInterval)
	defer cancel()
	ends, err := kafka.EndOffsets(ctx, env.client, record.Facts)
	if err != nil {
		return // the tasks' readers have the same trouble, and say so
	}
	at := map[int32]kgo.EpochOffset{}
	for _, t := range tasks.all() {
		t.mu.Lock()
		next, done := t.next, t.at.Next
		t.end = ends[record.Facts][t.partition]
		t.mu.Unlock()
		env.metrics.lag.WithLabelValues(t.label).Set(float64(max(0, ends[record.Facts][t.partition]-next)))
		at[t.partition] = kgo.EpochOffset{Epoch: -1, Offset: done}
	}
	if len(at) > 0 {
		// Without a callback: the next report makes up for one that is lost.
		member.CommitOffsets(ctx, map[string]map[int32]kgo.EpochOffset{record.Facts: at}, nil)
	}
}

// serving serves HTTP as a component.
type serving struct {
	listener net.Listener
	handler  http.Handler
}

func (s serving) Run(ctx context.Context) error {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(s.listener) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	err := server.Close()
	_ = <-stopped // says that the server was closed, which it was asked to be
	return err
}
