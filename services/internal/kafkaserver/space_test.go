package kafkaserver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/kafkaserver"
	"github.com/ntegral/ntegral/services/internal/system/systemtest"
)

// begin starts a broker and returns how it ends; cancel tells it to.
func begin(t *testing.T, cfg kafkaserver.Config, set kafkaserver.Settings) (cancel func(), ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, end := make(chan struct{}), make(chan error, 1)
	set.Logger, set.Ready = kafkatest.Logger(t), func(string) { close(ready) }
	go func() { end <- kafkaserver.Run(ctx, cfg, set) }()
	select {
	case <-ready:
	case err := <-end:
		cancel()
		t.Fatalf("run: %v", err)
	}
	return cancel, end
}

// refusals counts what a client is refused, and tells of the first.
type refusals struct {
	first chan struct{}
	n     atomic.Int64
}

func (r *refusals) Level() kgo.LogLevel { return kgo.LogLevelDebug }

func (r *refusals) Log(_ kgo.LogLevel, _ string, keyvals ...any) {
	if strings.Contains(fmt.Sprint(keyvals...), "KAFKA_STORAGE_ERROR") && r.n.Add(1) == 1 {
		close(r.first)
	}
}

func topic(name string) kafka.TopicSpec {
	return kafka.TopicSpec{Name: name, Partitions: 1, Configs: map[string]string{"retention.ms": "-1", "retention.bytes": "-1"}}
}

func values(t *testing.T, cfg kafkaserver.Config, name string, n int) (out []string) {
	t.Helper()
	c := client(t, kafka.Config{Brokers: []string{cfg.Listen}})
	c.AddConsumeTopics(name)
	for len(out) < n {
		fetches := c.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", len(out), err)
		}
		for _, r := range fetches.Records() {
			out = append(out, string(r.Value[:min(8, len(r.Value))]))
		}
	}
	return out
}

// TestProducersWaitBelowTheReserve: a producer waits for space and loses
// nothing, a topic is not made in the meantime.
func TestProducersWaitBelowTheReserve(t *testing.T) {
	var free atomic.Int64
	free.Store(1000)
	cfg := serverConfig(t)
	cfg.ReserveBytes = 100
	cancel, ended := begin(t, cfg, kafkaserver.Settings{DiskFree: func(string) (int64, error) { return free.Load(), nil }})
	refused := &refusals{first: make(chan struct{})}
	c, err := kafka.NewClient(kafka.Config{Brokers: []string{cfg.Listen}}, nil, kgo.WithLogger(refused), kgo.DefaultProduceTopic("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := kafka.EnsureTopics(t.Context(), c, 1, topic("a")); err != nil {
		t.Fatal(err)
	}
	free.Store(99)
	var waits []chan error
	i := 0
	produce := func() {
		done := make(chan error, 1)
		c.Produce(t.Context(), kgo.StringRecord(fmt.Sprint(i)), func(_ *kgo.Record, err error) { done <- err })
		waits = append(waits, done)
		i++
	}
	for full := false; !full; { // the look at the disk may still be to come
		produce()
		select {
		case <-refused.first:
			full = true
		case err := <-waits[i-1]:
			if err != nil {
				t.Fatal(err)
			}
			waits = waits[:i]
			waits[i-1] <- nil
		}
	}
	produce()
	if err := kafka.EnsureTopics(t.Context(), c, 1, topic("b")); !errors.Is(err, kerr.KafkaStorageError) {
		t.Errorf("a topic on a full disk: %v", err)
	}
	free.Store(124) // not enough: it was short, so a quarter more must be free
	n := refused.n.Load()
	for refused.n.Load() == n {
		select {
		case <-t.Context().Done():
			t.Fatal("no further refusal")
		case <-time.After(time.Millisecond):
		}
	}
	free.Store(125)
	for j, w := range waits {
		if err := <-w; err != nil {
			t.Errorf("record %d: %v", j, err)
		}
	}
	if err := kafka.EnsureTopics(t.Context(), c, 1, topic("b")); err != nil {
		t.Errorf("a topic with space again: %v", err)
	}
	for j, v := range values(t, cfg, "a", i) {
		if v != fmt.Sprint(j) {
			t.Errorf("record %d is %q", j, v)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestFullDiskEndsTheBroker: without a reserve the disk can be filled. The broker
// then ends with an error, and what it acknowledged is there at its next start.
func TestFullDiskEndsTheBroker(t *testing.T) {
	cfg := serverConfig(t)
	disk := systemtest.SmallDisk(t, 4<<20)
	cfg.Dir = filepath.Join(disk, "kafka")
	cancel, ended := begin(t, cfg, kafkaserver.Settings{})
	defer cancel()
	c := client(t, kafka.Config{Brokers: []string{cfg.Listen}})
	if err := kafka.EnsureTopics(t.Context(), c, 1, topic("a")); err != nil {
		t.Fatal(err)
	}
	// The broker may end without an answer to the last record.
	producing, over := context.WithCancel(t.Context())
	how := make(chan error, 1)
	go func() {
		defer over()
		how <- <-ended
	}()
	acknowledged := 0
	for producing.Err() == nil {
		// Of a size that no page or index entry divides, so that the disk is full in the middle of something.
		value := append(fmt.Appendf(nil, "%08d", acknowledged), make([]byte, 50_001)...)
		if err := c.ProduceSync(producing, &kgo.Record{Topic: "a", Value: value}).FirstErr(); err != nil {
			break
		}
		acknowledged++
	}
	if err := <-how; err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("the broker ended with %v, want that the disk is full", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.Dir, "seq_windows.json")); err == nil {
		t.Error("sequence numbers were kept, one of them of a batch that was not stored")
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=16777216"); err != nil {
		t.Fatal(err)
	}
	stop, again := begin(t, cfg, kafkaserver.Settings{})
	if err := client(t, kafka.Config{Brokers: []string{cfg.Listen}}).ProduceSync(t.Context(), &kgo.Record{Topic: "a", Value: []byte("last")}).FirstErr(); err != nil {
		t.Errorf("produce with space again: %v", err)
	}
	got := values(t, cfg, "a", acknowledged+1)
	for i := range acknowledged {
		if want := fmt.Sprintf("%08d", i); got[i] != want {
			t.Fatalf("record %d of %d acknowledged is %s", i, acknowledged, got[i])
		}
	}
	stop()
	if err := <-again; err != nil {
		t.Error(err)
	}
}
