package kafkaserver_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/kafkaserver"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/system"
)

func TestValidate(t *testing.T) {
	ok := kafkaserver.Config{Dir: "/x", Listen: "127.0.0.1:9092"}
	for _, tc := range []struct {
		name string
		edit func(*kafkaserver.Config)
		want string // empty: valid
	}{
		{"loopback without password", func(*kafkaserver.Config) {}, ""},
		{"loopback by name", func(c *kafkaserver.Config) { c.Listen = "localhost:9092" }, ""},
		{"outside without password", func(c *kafkaserver.Config) { c.Listen = "10.0.0.1:9092" }, "a user and a password are needed"},
		{"outside with password", func(c *kafkaserver.Config) { c.Listen, c.User, c.Password = "10.0.0.1:9092", "u", "p" }, ""},
		{"everywhere", func(c *kafkaserver.Config) { c.Listen, c.User, c.Password = ":9092", "u", "p" }, "advertise: needed"},
		{"everywhere, advertised", func(c *kafkaserver.Config) {
			c.Listen, c.User, c.Password, c.Advertise = "0.0.0.0:9092", "u", "p", "box"
		}, ""},
		{"user alone", func(c *kafkaserver.Config) { c.User = "u" }, "both or neither"},
		{"port 0", func(c *kafkaserver.Config) { c.Listen = "127.0.0.1:0" }, "must be fixed"},
		{"no port", func(c *kafkaserver.Config) { c.Listen = "127.0.0.1" }, "not host:port"},
		{"no dir", func(c *kafkaserver.Config) { c.Dir = "" }, "none given"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := ok
			tc.edit(&c)
			err := c.Validate()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// run starts a broker and returns how to end it.
func run(t *testing.T, cfg kafkaserver.Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- kafkaserver.Run(ctx, cfg, kafkaserver.Settings{Logger: kafkatest.Logger(t), Ready: func(string) { close(ready) }})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("run: %v", err)
	}
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("end: %v", err)
		}
	}
}

func serverConfig(t *testing.T) kafkaserver.Config {
	t.Helper()
	ports, err := system.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return kafkaserver.Config{Dir: filepath.Join(t.TempDir(), "kafka"), Listen: system.Loopback(ports[0])}
}

func client(t *testing.T, cfg kafka.Config) *kgo.Client {
	t.Helper()
	c, err := kafka.NewClient(cfg, kafkatest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestTwoBrokersOnOneFolder(t *testing.T) {
	cfg := serverConfig(t)
	stop := run(t, cfg)
	defer stop()
	err := kafkaserver.Run(t.Context(), cfg, kafkaserver.Settings{})
	held, ok := errors.AsType[*lifecycle.HeldError](err)
	if !ok || held.PID == 0 || !lifecycle.IsPermanent(err) {
		t.Errorf("got %v, want the holder's process number", err)
	}
}

func TestChangedPasswordIsTaken(t *testing.T) {
	cfg := serverConfig(t)
	for _, password := range []kafka.Secret{"first", "second"} {
		cfg.User, cfg.Password = "ntegral", password
		stop := run(t, cfg)
		for _, mechanism := range []string{kafka.MechanismScramSHA256, kafka.MechanismScramSHA512} {
			c := client(t, kafka.Config{Brokers: []string{cfg.Listen}, User: "ntegral", Password: password, Mechanism: mechanism})
			if _, err := kafka.EndOffsets(t.Context(), c); err != nil {
				t.Errorf("%s password by %s: %v", password.Reveal(), mechanism, err)
			}
		}
		stop()
	}
}

func TestAdvertisedAddress(t *testing.T) {
	cfg := serverConfig(t)
	cfg.Advertise = "localhost"
	stop := run(t, cfg)
	defer stop()
	brokers, err := kadm.NewClient(client(t, kafka.Config{Brokers: []string{cfg.Listen}})).ListBrokers(t.Context())
	if err != nil || len(brokers) != 1 || brokers[0].Host != "localhost" {
		t.Errorf("got %+v, %v, want localhost", brokers, err)
	}
}

// TestOffsetsAreNotGivenOutAgain holds the reason for the broker's own retention
// and for the cut of delete requests: an emptied partition would start at 0.
func TestOffsetsAreNotGivenOutAgain(t *testing.T) {
	b := kafkatest.Spawn(t)
	topic := b.Topic(t, 1)
	c := b.Client(t)
	for i := range 20 {
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(strconv.Itoa(i))}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	var all kadm.Offsets
	all.Add(kadm.Offset{Topic: topic, At: -1}) // to the end, past kafka.Trim
	deleted, err := kadm.NewClient(c).DeleteRecords(t.Context(), all)
	if err = errors.Join(err, deleted.Error()); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(testing.TB){b.Kill, b.Stop} {
		end(t)
		b.Start(t)
		ends, err := kafka.EndOffsets(t.Context(), c, topic)
		if err != nil {
			t.Fatal(err)
		}
		if got := ends[topic][0]; got != 20 {
			t.Errorf("end after a restart: got %d, want 20", got)
		}
	}
}

func TestRetentionRemovesOldSegments(t *testing.T) {
	cfg := serverConfig(t)
	cfg.RetentionInterval = 5 * time.Millisecond
	stop := run(t, cfg)
	c := client(t, kafka.Config{Brokers: []string{cfg.Listen}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := kafka.EnsureTopics(ctx, c, 0, kafka.TopicSpec{Name: "small", Partitions: 1, Configs: map[string]string{
		"retention.ms": "-1", "retention.bytes": "20000", "segment.bytes": "5000",
	}})
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 400)
	for range 100 {
		_, _ = rand.Read(value) // never fails; random, so that it does not compress
		if err := c.ProduceSync(ctx, &kgo.Record{Topic: "small", Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for ctx.Err() == nil { // each round asks the broker, so this waits for it
		starts, err := kafka.StartOffsets(ctx, c, "small")
		if err != nil {
			t.Fatal(err)
		}
		if starts["small"][0] > 0 {
			break
		}
	}
	if ctx.Err() != nil {
		t.Fatal("nothing was removed")
	}
	stop()
}

// TestKilledUnderLoad kills the broker again and again while it is written to,
// and then reads everything: each acknowledged record must be there, at the
// offset of its acknowledgement or, where a retry doubled it, at another one too.
func TestKilledUnderLoad(t *testing.T) {
	b := kafkatest.Spawn(t)
	topic := b.Topic(t, 1)
	c := b.Client(t, kgo.ProducerLinger(0))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var sent int64
	var acked, lost atomic.Int64
	progress := make(chan struct{}, 1)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			sent++
			rec := &kgo.Record{Topic: topic, Value: []byte(strconv.FormatInt(sent, 10))}
			c.Produce(ctx, rec, func(_ *kgo.Record, err error) {
				if err != nil {
					lost.Add(1)
					return
				}
				if acked.Add(1)%500 == 0 {
					select {
					case progress <- struct{}{}:
					default:
					}
				}
			})
		}
	}()
	const kills = 8
	for range kills {
		for range 3 { // some load between two kills
			select {
			case <-progress:
			case <-ctx.Done():
				t.Fatalf("no progress: %d acknowledged, %d given up, %d waiting\n%s",
					acked.Load(), lost.Load(), c.BufferedProduceRecords(), stacks())
			}
		}
		b.Kill(t)
		b.Start(t)
	}
	close(stop)
	<-stopped
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if lost.Load() != 0 {
		t.Errorf("%d records were given up", lost.Load())
	}
	doubled := readAll(t, ctx, b, topic, sent)
	t.Logf("%d kills, %d records acknowledged, %d stand twice", kills, acked.Load(), doubled)
}

// stacks are those of all goroutines: who waits for whom.
func stacks() []byte {
	buf := make([]byte, 1<<20)
	return buf[:runtime.Stack(buf, true)]
}

// readAll checks that the values 1 to last are there, first seen in order, and
// returns how many stand more than once.
func readAll(t *testing.T, ctx context.Context, b *kafkatest.Broker, topic string, last int64) (doubled int64) {
	t.Helper()
	r, err := kafka.NewReader(b.Config, kafkatest.Logger(t), topic, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ends, err := kafka.EndOffsets(ctx, r.Client(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var seen, offset int64
	err = r.ReadTo(ctx, ends[topic][0], func(rec *kgo.Record) error {
		if rec.Offset != offset {
			return fmt.Errorf("got offset %d, want %d", rec.Offset, offset)
		}
		offset++
		switch n, err := strconv.ParseInt(string(rec.Value), 10, 64); {
		case err != nil:
			return err
		case n <= seen:
			doubled++
		case n != seen+1:
			return fmt.Errorf("at offset %d: got record %d after %d", rec.Offset, n, seen)
		default:
			seen = n
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if seen != last {
		t.Errorf("got records up to %d, want %d", seen, last)
	}
	return doubled
}
