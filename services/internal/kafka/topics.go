package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// TopicSpec is a topic as the product wants it.
type TopicSpec struct {
	Name       string
	Partitions int32
	// Configs are topic settings by Kafka's names. Each topic must set
	// retention.ms and retention.bytes itself, because no broker's default
	// suits it and the embedded broker expires only what says so.
	Configs map[string]string
}

func (s TopicSpec) validate() error {
	var errs []error
	if s.Partitions < 1 {
		errs = append(errs, fmt.Errorf("topic %s: %d partitions", s.Name, s.Partitions))
	}
	for _, key := range []string{"retention.ms", "retention.bytes"} {
		if s.Configs[key] == "" {
			errs = append(errs, fmt.Errorf("topic %s: sets no %s", s.Name, key))
		}
	}
	return errors.Join(errs...)
}

// PartitionCountError says that a topic exists with another number of partitions
// than the product was configured for. Changing either would send the keys of
// old and new records to different partitions, so nothing may run.
type PartitionCountError struct {
	Topic     string
	Got, Want int
}

func (e *PartitionCountError) Error() string {
	return fmt.Sprintf("topic %s has %d partitions, want %d: start with the count it was made with", e.Topic, e.Got, e.Want)
}

// EnsureTopics makes those of specs that do not exist, with the given number of
// replicas (0: the broker's default), waits until all can be seen, and refuses
// when one has another number of partitions. Settings of existing topics are the
// operator's and stay as they are. Several processes may call it at the same time.
func EnsureTopics(ctx context.Context, client *kgo.Client, replicas int16, specs ...TopicSpec) error {
	var errs []error
	for _, s := range specs {
		errs = append(errs, s.validate())
	}
	if err := errors.Join(errs...); err != nil {
		return lifecycle.Permanent(fmt.Errorf("ensure topics: %w", err))
	}
	counts, err := partitionCounts(ctx, client, names(specs))
	if err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	for _, s := range specs {
		if _, exists := counts[s.Name]; exists {
			continue
		}
		// Where another process is faster, what it made must fit, too: see below.
		if err := create(ctx, client, replicas, s); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	if counts, err = awaitTopics(ctx, client, names(specs)); err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	for _, s := range specs {
		if got := counts[s.Name]; got != int(s.Partitions) {
			errs = append(errs, lifecycle.Permanent(&PartitionCountError{Topic: s.Name, Got: got, Want: int(s.Partitions)}))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	return nil
}

// awaitTopics waits until the broker shows topics that were just made.
func awaitTopics(ctx context.Context, client *kgo.Client, topics []string) (map[string]int, error) {
	backoff := lifecycle.Backoff{Min: 10 * time.Millisecond, Max: time.Second}
	for {
		counts, err := partitionCounts(ctx, client, topics)
		if err != nil || len(counts) == len(topics) {
			return counts, err
		}
		if err := lifecycle.Wait(ctx, backoff.Next()); err != nil {
			return nil, fmt.Errorf("wait for topics: %w", err)
		}
	}
}

func create(ctx context.Context, client *kgo.Client, replicas int16, s TopicSpec) error {
	if replicas == 0 {
		replicas = -1 // the protocol's way to ask for the default
	}
	configs := make(map[string]*string, len(s.Configs))
	for k, v := range s.Configs {
		configs[k] = &v
	}
	made, err := kadm.NewClient(client).CreateTopic(ctx, s.Partitions, replicas, configs, s.Name)
	if err = errors.Join(err, made.Err); err != nil {
		if made.ErrMessage != "" {
			err = fmt.Errorf("%w: %s", err, made.ErrMessage)
		}
		return Classify(fmt.Errorf("create topic %s: %w", s.Name, err))
	}
	return nil
}

// CheckMessageBytes returns an error where a topic takes no batches of so many bytes:
// the first one that is larger would stop who writes it. A broker that does not tell
// its settings is not asked again.
func CheckMessageBytes(ctx context.Context, client *kgo.Client, needs map[string]int) error {
	configs, err := kadm.NewClient(client).DescribeTopicConfigs(ctx, slices.Sorted(maps.Keys(needs))...)
	if err != nil {
		return Classify(fmt.Errorf("describe topics: %w", err))
	}
	var errs []error
	for _, topic := range configs {
		for _, c := range topic.Configs {
			if c.Key != messageBytes || c.Value == nil {
				continue
			}
			if n, err := strconv.Atoi(*c.Value); err == nil && n < needs[topic.Name] {
				errs = append(errs, fmt.Errorf("topic %s takes batches of %d bytes: set its %s to %d or more", topic.Name, n, messageBytes, needs[topic.Name]))
			}
		}
	}
	return lifecycle.Permanent(errors.Join(errs...))
}

const messageBytes = "max.message.bytes"

// CoPartitionError says that topics which must have equally many partitions have not.
type CoPartitionError struct {
	Counts  string // of each topic
	Missing bool   // some do not exist; they may be about to be made
}

func (e *CoPartitionError) Error() string {
	return "check co-partitioned topics: partition counts differ or are 0: " + e.Counts
}

// CheckCoPartitioned returns an error unless topics all exist and have the same
// number of partitions; it returns that number.
func CheckCoPartitioned(ctx context.Context, client *kgo.Client, topics ...string) (int, error) {
	counts, err := partitionCounts(ctx, client, topics)
	if err != nil {
		return 0, fmt.Errorf("check co-partitioned topics: %w", err)
	}
	var seen []string
	distinct := make(map[int]bool)
	for _, t := range topics {
		distinct[counts[t]] = true
		seen = append(seen, fmt.Sprintf("%s %d", t, counts[t]))
	}
	if len(distinct) != 1 || distinct[0] {
		return 0, lifecycle.Permanent(&CoPartitionError{Counts: strings.Join(seen, ", "), Missing: distinct[0]})
	}
	return counts[topics[0]], nil
}

// partitionCounts leaves out the topics that do not exist. It asks the broker
// itself, because the client's cached answer may be older than a topic.
func partitionCounts(ctx context.Context, client *kgo.Client, topics []string) (map[string]int, error) {
	if len(topics) == 0 {
		return nil, nil // no names would mean all topics
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, t := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(t)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, Classify(fmt.Errorf("list topics: %w", err))
	}
	counts := make(map[string]int)
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
		case err != nil:
			return nil, Classify(fmt.Errorf("list topic %s: %w", *t.Topic, err))
		default:
			counts[*t.Topic] = len(t.Partitions)
		}
	}
	return counts, nil
}

func names(specs []TopicSpec) []string {
	out := make([]string, 0, len(specs))
	for _, s := range specs {
		out = append(out, s.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
