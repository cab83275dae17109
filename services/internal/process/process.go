// Package process is the processor: it turns samples into facts.
//
// Words. A task is partition p of the co-partitioned topics: it reads samples,
// placements, inventory and corrections of partition p and the one partition of
// rates, and writes partition p of the facts topic, which is its commit log, and
// of the state topic. A step is some seconds of input, its rows in parts, and one
// commit record. An epoch is one processor's ownership of a task; it begins
// with an open record. A checkpoint is the engine's state after a step.
//
// Invariants.
//   - A step counts if and only if its commit stands in the log by the rules of
//     package commitlog. The consumer group merely assigns tasks; its offsets
//     are written for lag monitoring and never read back.
//   - At the end of a step, what has been written is what the definitions give
//     for the events up to the step's input offsets. Nothing of the wall clock
//     but recorded_at enters, so a new owner that applies the same input in the
//     same steps has the same state.
//   - After any failure of a write the task is abandoned and opened again, in a
//     new epoch, from the log. It never writes on.
//   - A checkpoint is of a step that counts: before it writes one, a task has
//     seen that no other opener stands before its commit.
//   - Recovery writes nothing but the open record.
//   - Nobody else writes facts. A correction is an input: its rows go into a step
//     of the task, and only those of windows that the engine has let go of.
//
// Concurrency. A task is one goroutine that owns the engine and everything
// about it, without locks; a second one only fetches its samples ahead. What
// others may see of a task it publishes as an immutable Status. Only the set of
// tasks is locked, because the group's callbacks and the end of Run change it.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Run processes until ctx ends, and then stops its tasks, each with a last
// checkpoint. It returns nil when it was asked to end, and an error when it
// cannot work at all; a task that cannot work is down by itself, which its
// status and /healthz say.
func Run(ctx context.Context, cfg Config, set Settings) error {
	return run(ctx, cfg, set, engineFactory{cfg.Config})
}

func run(ctx context.Context, cfg Config, set Settings, cores coreFactory) error {
	if err := cfg.Validate(); err != nil {
		return lifecycle.Permanent(fmt.Errorf("configure process: %w", err))
	}
	set = set.withDefaults()
	partitions, err := awaitTopics(ctx, cfg, set.Logger)
	if err != nil {
		return err
	}
	env := &environment{cfg: cfg, set: set, cores: cores, partitions: partitions, metrics: newMetrics()}
	tasks := newTaskSet(env)
	for _, c := range append(env.metrics.collectors(), prometheus.Collector(taskCollector{tasks})) {
		if err := set.Registry.Register(c); err != nil {
			return lifecycle.Permanent(fmt.Errorf("register metrics: %w", err))
		}
		defer set.Registry.Unregister(c)
	}
	group := lifecycle.Group{Logger: set.Logger, StopTimeout: 2*cfg.StopTimeout + 2*leaveTimeout}
	group.Add("status server", statusServer{env: env, tasks: tasks})
	group.Add("consumer group", &membership{env: env, tasks: tasks})
	if err := group.Run(ctx); err != nil && !lifecycle.IsInterrupted(err) {
		return fmt.Errorf("process: %w", err)
	}
	return nil
}

// environment is what all tasks share, all of it safe for concurrent use.
type environment struct {
	cfg        Config
	set        Settings
	cores      coreFactory
	partitions int
	metrics    *metrics
}

// startBackoff is between tries to reach a broker that is not there yet.
var startBackoff = lifecycle.Backoff{Min: 100 * time.Millisecond, Max: 2 * time.Second}

// awaitTopics is prepareTopics, however long the broker takes to come up: who
// starts processes again may do so ever more rarely.
func awaitTopics(ctx context.Context, cfg Config, logger *slog.Logger) (partitions int, err error) {
	err = lifecycle.Retry(ctx, startBackoff, func(ctx context.Context) error {
		partitions, err = prepareTopics(ctx, cfg, logger)
		if lifecycle.IsRetryable(err) {
			logger.Warn("kafka is not ready", "error", err)
		}
		return err
	})
	return partitions, err
}

// prepareTopics makes the topics that are missing and returns how many tasks
// there are. Nothing may run when the counts differ: equal nodes would meet in
// different tasks.
func prepareTopics(ctx context.Context, cfg Config, logger *slog.Logger) (partitions int, err error) {
	client, err := kafka.NewClient(cfg.Kafka, logger)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	partitioned := []string{record.Samples, record.Placements, record.Inventory, record.Facts, record.State}
	count := cfg.Partitions
	if count == 0 {
		count = defaultPartitions
		existing, err := kafka.CheckCoPartitioned(ctx, client, partitioned...)
		if err == nil {
			count = existing
		} else if !lifecycle.IsPermanent(err) {
			return 0, err
		}
	}
	if err := kafka.EnsureTopics(ctx, client, cfg.Kafka.Replicas, topicSpecs(count)...); err != nil {
		return 0, err
	}
	if err := kafka.CheckMessageBytes(ctx, client, map[string]int{
		record.Facts: record.BatchBytes(record.Facts), record.Corrections: record.BatchBytes(record.Corrections),
	}); err != nil {
		return 0, err
	}
	// Not before: the topics may have been made by hand, or by an earlier version,
	// without these.
	return kafka.CheckCoPartitioned(ctx, client, append(partitioned, record.Corrections, record.History)...)
}

func topicSpecs(partitions int) []kafka.TopicSpec {
	var specs []kafka.TopicSpec
	for _, t := range record.Topics() {
		n := int32(partitions)
		if t.Single {
			n = 1
		}
		specs = append(specs, kafka.TopicSpec{Name: t.Name, Partitions: n, Configs: t.Configs()})
	}
	return specs
}

// Errors that end an epoch.
var (
	// errFenced says that somebody else has opened the task.
	errFenced = errors.New("task was opened by another processor")
	// errStateMismatch says that stored state does not belong to this system.
	errStateMismatch = errors.New("stored state does not fit")
)

var _ core = (*engine.Engine)(nil)
