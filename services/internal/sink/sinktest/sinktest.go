// Package sinktest gives tests a store, a log to write and a sink to run.
//
// A Log stands in for a processor: it opens epochs and commits steps with rows
// that it makes up, by the rules of package commitlog, and remembers what should
// arrive. Like a processor it is for one goroutine.
package sinktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/sink"
)

// Client opens the store of a test server.
func Client(t testing.TB, s *chservertest.Server) *clickhouse.Client {
	t.Helper()
	client, err := clickhouse.Open(StoreConfig(s.Addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// StoreConfig is how to reach a test server.
func StoreConfig(addr string) clickhouse.Config {
	return clickhouse.Config{
		Addresses: []string{addr}, Database: "ntegral", User: chserver.WriterUser, Password: chservertest.WriterPassword,
		Compression: "lz4", MaxConnections: 8, DialTimeout: 5 * time.Second, ReadTimeout: time.Minute,
	}
}

// Topics makes the product's topics with n tasks on a fresh broker.
func Topics(t testing.TB, b *kafkatest.Broker, n int32) {
	t.Helper()
	var specs []kafka.TopicSpec
	for _, topic := range record.Topics() {
		partitions := n
		if topic.Single {
			partitions = 1
		}
		specs = append(specs, kafka.TopicSpec{Name: topic.Name, Partitions: partitions, Configs: topic.Configs()})
	}
	if err := kafka.EnsureTopics(t.Context(), b.Client(t), 1, specs...); err != nil {
		t.Fatal(err)
	}
}

// Log writes the commit log of one task.
type Log struct {
	Task  int32
	Epoch uint64
	Last  uint64 // step
	Rows  uint64 // committed
	Sums  fact.Sums

	t       testing.TB
	client  *kgo.Client
	builder *fact.Builder
	random  *rand.Rand
}

// NewLog opens epoch 1 of a task.
func NewLog(t testing.TB, client *kgo.Client, task int32) *Log {
	l := &Log{
		Task: task, t: t, client: client, builder: fact.NewBuilder(),
		random: rand.New(rand.NewPCG(7, uint64(task))),
	}
	l.Open()
	return l
}

// Open begins the next epoch.
func (l *Log) Open() {
	l.t.Helper()
	l.Epoch++
	open := record.Open{Task: l.Task, Epoch: l.Epoch, ID: fmt.Sprintf("owner-%d", l.Epoch)}
	l.write(record.TypeOpen, nil, open.Append(nil))
}

// begin of the windows of made-up rows; two days are touched.
var begin = time.Date(2026, 3, 1, 23, 50, 0, 0, time.UTC)

// Nothing are the sums that made-up rows have none of, so that parts leave them out.
var Nothing = []fact.Column{fact.ConflictSeconds, fact.AssumedPUE, fact.InputTokens}

// MakeRows makes up n rows of the window that the step is about.
func (l *Log) MakeRows(step uint64, n int) []fact.Row {
	at := begin.Add(time.Duration(step) * time.Minute)
	rows := make([]fact.Row, n)
	for i := range rows {
		r := &rows[i]
		r.WindowStart, r.WindowLength = at.UnixNano(), int64(time.Minute)
		r.Node, r.Device = fmt.Sprintf("node-%d-%d", l.Task, i/8), fmt.Sprintf("GPU-%d", i%8)
		r.Workload, r.Team, r.Placement = "train", "vision", "pod-7"
		if i%3 == 0 {
			r.Workload, r.Team, r.Placement = "", "", ""
		}
		r.Cluster, r.Region, r.Currency, r.DeviceKind = "c1", "eu-north", "EUR", "gpu"
		for c := range r.Sums {
			if slices.Contains(Nothing, fact.Column(c)) {
				continue
			}
			r.Sums[c] = l.random.Int64N(2_000_000_000) - 500_000_000
		}
		r.Reason, r.RecordedAt = fact.ReasonClosed, recordedAt(step)
		r.Task, r.Epoch, r.Step = l.Task, l.Epoch, step
	}
	return rows
}

func recordedAt(step uint64) int64 {
	return begin.Add(24*time.Hour + time.Duration(step)*time.Second + 250*time.Millisecond).UnixNano()
}

// Step commits a step of parts with so many rows each.
func (l *Log) Step(rows ...int) {
	l.t.Helper()
	streams := make([][]byte, 0, len(rows))
	var sums fact.Sums
	total := uint64(0)
	for _, n := range rows {
		stream, s, err := l.builder.Encode(l.MakeRows(l.Last+1, n))
		if err != nil {
			l.t.Fatal(err)
		}
		streams = append(streams, stream)
		sums.Add(&s)
		total += uint64(n)
	}
	l.Commit(streams, total, sums)
}

// Commit writes parts as they are and makes their step count.
func (l *Log) Commit(streams [][]byte, rows uint64, sums fact.Sums) {
	l.t.Helper()
	step := l.Last + 1
	for i, stream := range streams {
		id := record.PartID{Task: l.Task, Epoch: l.Epoch, Step: step, Part: uint32(i + 1)}
		l.write(record.TypePart, id.Headers(), stream)
	}
	c := record.Commit{
		Task: l.Task, Epoch: l.Epoch, Step: step, Parts: uint32(len(streams)), Rows: rows, RecordedAt: recordedAt(step),
		Inputs: record.Offsets{Samples: int64(step) * 10}, Sums: sums[:], Counts: []int64{0, 2, 0, 1}, Readings: 100, Duplicates: 3,
		Watermark: begin.UnixNano(), RejectedEnergy: 1_500_000,
	}
	l.write(record.TypeCommit, nil, c.Append(nil))
	l.Last, l.Rows = step, l.Rows+rows
	l.Sums.Add(&sums)
}

// Part writes a part of the next step that is never committed.
func (l *Log) Part(epoch uint64, rows int) {
	l.t.Helper()
	stream, _, err := l.builder.Encode(l.MakeRows(l.Last+1, rows))
	if err != nil {
		l.t.Fatal(err)
	}
	id := record.PartID{Task: l.Task, Epoch: epoch, Step: l.Last + 1, Part: 1}
	l.write(record.TypePart, id.Headers(), stream)
}

// Write writes any record.
func (l *Log) Write(kind string, value []byte) {
	l.t.Helper()
	l.write(kind, nil, value)
}

func (l *Log) write(kind string, headers []record.Header, value []byte) {
	l.t.Helper()
	envelope := record.Envelope{ID: fmt.Sprintf("%d/%d/%s", l.Task, l.Last+1, kind), Source: "/test", Type: kind}
	rec := &kgo.Record{Topic: record.Facts, Partition: l.Task, Value: value}
	for _, h := range append(envelope.Headers(), headers...) {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := l.client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		l.t.Errorf("write %s: %v", kind, err)
	}
}

// Start runs a sink and returns its address and a function that stops it.
func Start(t testing.TB, b *kafkatest.Broker, store sink.Store) (addr string, stop func()) {
	t.Helper()
	cfg := sink.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- sink.Run(ctx, cfg, sink.Settings{Kafka: b.Config, Store: store, Logger: kafkatest.Logger(t), Ready: func(a string) { ready <- a }})
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil && !lifecycle.IsInterrupted(err) {
			t.Errorf("sink ended with %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case addr = <-ready:
	case err := <-done:
		t.Fatalf("sink: %v", err)
	}
	return addr, stop
}

// Producer returns a client that writes to the partition a record names.
func Producer(t testing.TB, b *kafkatest.Broker) *kgo.Client {
	t.Helper()
	return b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

// Produce writes one record to a partition.
func Produce(t testing.TB, client *kgo.Client, topic string, partition int32, value []byte) {
	t.Helper()
	rec := &kgo.Record{Topic: topic, Partition: partition, Value: value}
	if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
		t.Fatalf("write to %s/%d: %v", topic, partition, err)
	}
}
