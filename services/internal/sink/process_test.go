package sink_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/secret"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
)

// Names of the variables that turn the test binary into a sink.
const (
	envBroker   = "SINKTEST_BROKER"
	envUser     = "SINKTEST_USER"
	envPassword = "SINKTEST_PASSWORD"
	envStore    = "SINKTEST_STORE"
	envStop     = "SINKTEST_STOP" // token of the ledger row that is never written
)

// stopping is a store that says when it is asked for a certain ledger row, and
// never answers.
type stopping struct {
	sink.Store
	token string
}

func (s stopping) InsertLedger(ctx context.Context, token string, columns []string, values []any) error {
	if token == s.token {
		fmt.Println("reached", token)
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Store.InsertLedger(ctx, token, columns, values)
}

// playSink runs a sink until it is killed.
func playSink() int {
	client, err := clickhouse.Open(sinktest.StoreConfig(os.Getenv(envStore)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cfg := sink.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	cfg.Group = fmt.Sprint("killed-", os.Getpid()) // else the next one waits until the group has missed this one
	broker := kafka.Config{Brokers: []string{os.Getenv(envBroker)}, User: os.Getenv(envUser), Password: secret.Password(os.Getenv(envPassword))}
	err = sink.Run(context.Background(), cfg, sink.Settings{Kafka: broker, Store: stopping{sink.ClickHouse{Client: client}, os.Getenv(envStop)}})
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestKilledBetweenPartsAndLedger kills sinks, one process after the other, when
// the parts of a step are in the table and its ledger row is not.
func TestKilledBetweenPartsAndLedger(t *testing.T) {
	kafkatest.EachFresh(t, testKilledBetweenPartsAndLedger)
}

func testKilledBetweenPartsAndLedger(t *testing.T, b *kafkatest.Broker) {
	server := chservertest.Start(t, t.TempDir())
	client := sinktest.Client(t, server)
	sinktest.Topics(t, b, 1)
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	log.Step(10)
	log.Step(40, 5)
	log.Step(7)
	for _, tt := range []struct{ stop, rows, steps string }{
		{"0/1/2/ledger", "55", "1"},
		{"0/1/2/ledger", "55", "1"}, // the parts come again, and the table knows them
		{"0/1/3/ledger", "62", "2"},
	} {
		kill(t, b, server, tt.stop)
		if got := query(t, client, "SELECT (SELECT count() FROM facts), (SELECT count() FROM ledger)"); got[0] != tt.rows || got[1] != tt.steps {
			t.Fatalf("killed at %s: %s rows and %s steps, want %s and %s", tt.stop, got[0], got[1], tt.rows, tt.steps)
		}
	}
	sinktest.Start(t, b, sink.ClickHouse{Client: client})
	log.Step(3)
	await(t, client, log)
}

// kill runs a sink in a process of its own and kills it when it is about to
// write a ledger row.
func kill(t *testing.T, b *kafkatest.Broker, server *chservertest.Server, stop string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), envBroker+"="+b.Config.Brokers[0], envUser+"="+b.Config.User, envPassword+"="+b.Config.Password.Reveal(),
		envStore+"="+server.Addr, envStop+"="+stop)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "reached "+stop) {
		t.Errorf("sink said %q (%v), want that it reached %s", line, err, stop)
	}
	_ = cmd.Process.Kill() // SIGKILL; it may have ended by itself
	_ = cmd.Wait()         // says no more than the signal's name
}
