// Package kafkatest runs tests against both kinds of broker: the embedded one
// and Apache Kafka.
//
//	func TestX(t *testing.T) {
//		kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) { ... b.Config ... })
//	}
//
// The embedded broker of a test is its own, runs inside the test's process on a
// folder of its own, and can be stopped and started again. Apache Kafka is
// started once for a test binary, by deploy/scripts/kafka.sh, and shared by its
// tests: use Topic for names, or call DeleteTopics first where the names are
// fixed, and do not run such tests in parallel. Without Java or its jars the
// sub-test is skipped with one line; where the environment has CI, it fails.
// Tests that are to be short (-short) have the embedded one alone.
//
// Kill needs a process to kill. Spawn runs the embedded broker in a process of
// its own, a copy of the test binary, for which TestMain must call Main.
//
// Nothing outlives the test binary, however it ends: a watcher holds the other
// end of a pipe and puts Apache Kafka away when the pipe closes.
package kafkatest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/system"
)

// Kinds of broker.
const (
	Embedded = "embedded"
	Apache   = "apache"
)

// Broker is a running broker.
type Broker struct {
	Kind   string
	Config kafka.Config // how to connect to it

	stop  func(t testing.TB) // nil where it cannot be stopped
	start func(t testing.TB)
	kill  func(t testing.TB) // nil where it cannot be killed
}

// Each runs fn as a sub-test against each kind of broker, with -short against
// the embedded one.
func Each(t *testing.T, fn func(t *testing.T, b *Broker)) {
	t.Helper()
	kinds := []string{Embedded, Apache}
	if testing.Short() {
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { fn(t, start(t, kind)) })
	}
}

// EachFresh is Each for tests of the product's topics, whose names are fixed:
// the broker has none when fn begins.
func EachFresh(t *testing.T, fn func(t *testing.T, b *Broker)) {
	t.Helper()
	Each(t, func(t *testing.T, b *Broker) {
		if b.Kind == Apache {
			b.DeleteTopics(t)
		}
		fn(t, b)
	})
}

func start(t *testing.T, kind string) *Broker {
	if kind == Apache {
		return Real(t)
	}
	return InProcess(t)
}

// Brokers returns one running broker of each kind that is there; it skips or
// fails nothing for a missing one unless CI is set.
func Brokers(t *testing.T) []*Broker {
	t.Helper()
	brokers := []*Broker{InProcess(t)}
	if missing := missingParts(); missing == "" {
		brokers = append(brokers, Real(t))
	} else {
		absent(t.Errorf, t.Logf, missing)
	}
	return brokers
}

// CanRestart says whether Stop and Start work.
func (b *Broker) CanRestart() bool { return b.stop != nil }

// Stop ends the broker in good order.
func (b *Broker) Stop(t testing.TB) { t.Helper(); b.stop(t) }

// Start starts a stopped or killed broker again, on the same folder and port.
func (b *Broker) Start(t testing.TB) { t.Helper(); b.start(t) }

// CanKill says whether Kill works.
func (b *Broker) CanKill() bool { return b.kill != nil }

// Kill ends the broker with SIGKILL.
func (b *Broker) Kill(t testing.TB) { t.Helper(); b.kill(t) }

// Client returns a client that is closed with the test.
func (b *Broker) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kafka.NewClient(b.Config, Logger(t), opts...)
	if err != nil {
		t.Fatalf("make client: %v", err)
	}
	t.Cleanup(client.Close)
	return client
}

// Topic makes a topic with a name that is new and that is deleted with the test.
func (b *Broker) Topic(t testing.TB, partitions int32) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	client := b.Client(t)
	err := kafka.EnsureTopics(t.Context(), client, 1, kafka.TopicSpec{
		Name: name, Partitions: partitions,
		Configs: map[string]string{"retention.ms": "3600000", "retention.bytes": "1073741824"},
	})
	if err != nil {
		t.Fatalf("make topic: %v", err)
	}
	if b.Kind == Apache {
		t.Cleanup(func() { deleteTopics(t, client, name) })
	}
	return name
}

// DeleteTopics deletes every topic of the broker and waits until they are gone,
// for tests whose topics have fixed names.
func (b *Broker) DeleteTopics(t testing.TB) {
	t.Helper()
	client := b.Client(t)
	listed, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatalf("list topics: %v", err)
	}
	if names := listed.Names(); len(names) > 0 {
		deleteTopics(t, client, names...)
	}
}

func deleteTopics(t testing.TB, client *kgo.Client, names ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // the test's own has ended in a cleanup
	defer cancel()
	admin := kadm.NewClient(client)
	if _, err := admin.DeleteTopics(ctx, names...); err != nil {
		t.Errorf("delete topics: %v", err)
	}
	for ctx.Err() == nil {
		listed, err := admin.ListTopics(ctx, names...)
		if err == nil && !slices.ContainsFunc(names, listed.Has) {
			return
		}
	}
	t.Errorf("delete topics: %v still there", names)
}

// Logger writes the warnings of the code under test to the test's log.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// freePort returns a port of loopback that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	ports, err := system.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}

// absent reports a missing part of the test's surroundings: as a failure where CI
// is set, else by say.
func absent(fail, say func(format string, args ...any), what string) {
	if os.Getenv("CI") != "" {
		fail("%s, and CI is set", what)
		return
	}
	say("%s", what)
}
