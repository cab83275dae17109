package kafka_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

func spec(name string, partitions int32) kafka.TopicSpec {
	return kafka.TopicSpec{Name: name, Partitions: partitions, Configs: map[string]string{
		"retention.ms": "86400000", "retention.bytes": "1000000", "max.message.bytes": "2000000",
	}}
}

func TestEnsureTopics(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		x, y := "x-"+rand.Text(), "y-"+rand.Text()
		ctx := t.Context()
		if err := kafka.EnsureTopics(ctx, client, 0, spec(x, 3), spec(y, 3)); err != nil {
			t.Fatalf("first time: %v", err)
		}
		if err := kafka.EnsureTopics(ctx, client, 0, spec(x, 3), spec(y, 3)); err != nil {
			t.Errorf("second time: %v", err)
		}
		if got, err := kafka.CheckCoPartitioned(ctx, client, x, y); err != nil || got != 3 {
			t.Errorf("co-partitioned: got %d, %v, want 3", got, err)
		}
		configs, err := kadm.NewClient(client).DescribeTopicConfigs(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		set := map[string]string{}
		for _, c := range configs[0].Configs {
			set[c.Key] = c.MaybeValue()
		}
		for key, want := range spec(x, 3).Configs {
			if set[key] != want {
				t.Errorf("%s: got %q, want %q", key, set[key], want)
			}
		}
	})
}

func TestEnsureTopicsRefusesAnotherCount(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		x, y := b.Topic(t, 2), b.Topic(t, 3)
		err := kafka.EnsureTopics(t.Context(), client, 0, spec(x, 4))
		count, ok := errors.AsType[*kafka.PartitionCountError](err)
		if !ok || count.Got != 2 || count.Want != 4 || !lifecycle.IsPermanent(err) {
			t.Errorf("got %v, want 2 partitions, want 4, permanent", err)
		}
		if _, err := kafka.CheckCoPartitioned(t.Context(), client, x, y); err == nil || !strings.Contains(err.Error(), x+" 2, "+y+" 3") {
			t.Errorf("co-partitioned: got %v, want both counts named", err)
		}
		if _, err := kafka.CheckCoPartitioned(t.Context(), client, "absent-"+rand.Text()); err == nil {
			t.Error("co-partitioned: a topic that does not exist passes")
		}
	})
}

func TestEnsureTopicsByManyAtOnce(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		name := "many-" + rand.Text()
		g, ctx := errgroup.WithContext(t.Context())
		for range 8 {
			g.Go(func() error { return kafka.EnsureTopics(ctx, client, 0, spec(name, 2)) })
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestEnsureTopicsWantsRetention(t *testing.T) {
	err := kafka.EnsureTopics(t.Context(), nil, 0, kafka.TopicSpec{Name: "x", Partitions: 1})
	for _, want := range []string{"sets no retention.ms", "sets no retention.bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

func TestOffsetsAndTrim(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		topic := b.Topic(t, 2)
		produce(t, client, topic, 1, 0, 10)
		check := func(when string, start, end int64) {
			t.Helper()
			starts, err := kafka.StartOffsets(t.Context(), client, topic)
			if err != nil {
				t.Fatal(err)
			}
			ends, err := kafka.EndOffsets(t.Context(), client, topic)
			if err != nil {
				t.Fatal(err)
			}
			if starts[topic][1] != start || ends[topic][1] != end || ends[topic][0] != 0 {
				t.Errorf("%s: got starts %v ends %v, want %d and %d", when, starts, ends, start, end)
			}
		}
		check("whole", 0, 10)
		for _, to := range []int64{4, 4, 2} {
			if err := kafka.Trim(t.Context(), client, topic, 1, to); err != nil {
				t.Fatal(err)
			}
			check("trimmed", 4, 10)
		}
		if err := kafka.Trim(t.Context(), client, topic, 1, 10); err != nil {
			t.Fatal(err)
		}
		check("trimmed to the end", 9, 10)
	})
}

func TestPasswordIsAsked(t *testing.T) {
	b := kafkatest.InProcess(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := kafka.EndOffsets(ctx, b.Client(t)); err != nil {
		t.Errorf("right password: %v", err)
	}
	// The embedded broker hangs up without a word, so the kind says nothing here.
	b.Config.Password = "wrong"
	if _, err := kafka.EndOffsets(ctx, b.Client(t)); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong password: got %v, want an error without it", err)
	}
	b.Config.User, b.Config.Password = "", ""
	if _, err := kafka.EndOffsets(ctx, b.Client(t)); err == nil {
		t.Error("no password: got in")
	}
}

// produce writes records with the numbers from first to last-1 as values.
func produce(t testing.TB, client *kgo.Client, topic string, partition int32, first, last int) {
	t.Helper()
	var records []*kgo.Record
	for i := first; i < last; i++ {
		records = append(records, &kgo.Record{Topic: topic, Key: keyOf(partition), Value: []byte(strconv.Itoa(i))})
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
}

// keyOf returns a key that the default partitioner puts into a partition of a
// topic of two.
func keyOf(partition int32) []byte {
	p := kgo.StickyKeyPartitioner(nil).ForTopic("")
	for i := 0; ; i++ {
		key := []byte(strconv.Itoa(i))
		if p.Partition(&kgo.Record{Key: key}, 2) == int(partition) {
			return key
		}
	}
}

func TestTopicsThatTakeTooLittle(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		small, large := spec("small-"+rand.Text(), 1), spec("large-"+rand.Text(), 1)
		large.Configs["max.message.bytes"] = "8000000"
		if err := kafka.EnsureTopics(t.Context(), client, 1, small, large); err != nil {
			t.Fatal(err)
		}
		err := kafka.CheckMessageBytes(t.Context(), client, map[string]int{small.Name: 4_000_000, large.Name: 4_000_000})
		if text := fmt.Sprint(err); !lifecycle.IsPermanent(err) || !strings.Contains(text, small.Name) || !strings.Contains(text, "max.message.bytes to 4000000") || strings.Contains(text, large.Name) {
			t.Errorf("got %v, want an error that says what to set for %s alone", err, small.Name)
		}
		if err := kafka.CheckMessageBytes(t.Context(), client, map[string]int{small.Name: 2_000_000, large.Name: 4_000_000}); err != nil {
			t.Errorf("topics that take enough: %v", err)
		}
	})
}
