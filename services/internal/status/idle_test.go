package status_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/status"
	"github.com/ntegral/ntegral/services/internal/system"
)

// join makes a plain consumer the one member of a group, which has both tasks
// when join returns: it stands for any member, the process that answers or not.
func join(t *testing.T, b *kafkatest.Broker, group, topic string) *kgo.Client {
	t.Helper()
	given := make(chan int, 16)
	client := b.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { given <- len(ps[topic]) }))
	client.PauseFetchTopics(topic)
	for tasks := 0; tasks < 2; {
		select {
		case n := <-given:
			tasks += n
		case <-time.After(30 * time.Second):
			t.Fatalf("group %s gave its member %d tasks, want 2", group, tasks)
		}
	}
	return client
}

// counted serves a status that changes after some questions.
func counted(t *testing.T, before, after string, questions int64) (addr string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) <= questions {
			_, _ = io.WriteString(w, before)
			return
		}
		_, _ = io.WriteString(w, after)
	})
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), asked
}

// TestIdle gives the tasks to members, and lets the processes that answer say on
// which of them they work.
func TestIdle(t *testing.T) {
	kafkatest.EachFresh(t, func(t *testing.T, b *kafkatest.Broker) {
		sinktest.Topics(t, b, 2)
		processGroup, sinkGroup := b.Kind+".idle.process", b.Kind+".idle.sink"
		join(t, b, processGroup, record.Samples)
		member, _ := join(t, b, sinkGroup, record.Facts).GroupMetadata()
		sys, err := system.Create(t.TempDir(), system.Config{})
		if err != nil {
			t.Fatal(err)
		}
		supervisor(t, sys, startTime(t), `{"name":"process","state":"ready"},{"name":"sink","state":"ready"}`)
		const both, first, none = `{"tasks":[{"task":0,"state":"running"},{"task":1,"state":"running"}]}`, `{"tasks":[{"task":0,"state":"running"}]}`, `{"tasks":[]}`
		for _, tt := range []struct {
			name          string
			process, sink string
			questions     int64 // after which the sink lists both
			elsewhere     bool
			patience      time.Duration
			want          []string
			asked         int64 // how often the sink is asked
		}{
			{name: "sound", process: both, sink: both, patience: time.Hour, asked: 2},
			{name: "sink has one of two", process: both, sink: first, questions: 1 << 62, patience: 1, asked: 3, want: []string{
				"sink: nobody works on task 1: group " + sinkGroup + " has given it to member " + member + ", and the sink that answers does not work on it",
			}},
			{name: "neither has any", process: none, sink: none, questions: 1 << 62, patience: 1, asked: 3, want: []string{
				"processor: nobody works on task 0, 1: group " + processGroup, "sink: nobody works on task 0, 1: group " + sinkGroup,
			}},
			{name: "on their way", process: both, sink: none, questions: 3, patience: time.Hour, asked: 4},
			{name: "parts elsewhere", process: none, sink: none, questions: 1 << 62, elsewhere: true, patience: 1, asked: 1},
		} {
			t.Run(tt.name, func(t *testing.T) {
				addr, asked := counted(t, tt.sink, both, tt.questions)
				s := status.Settings{
					Kafka: b.Config, Store: row(soundLedger), Process: service(t, tt.process, ""), Sink: addr,
					ProcessGroup: processGroup, SinkGroup: sinkGroup, Patience: tt.patience, System: &sys,
				}
				if tt.elsewhere {
					s.System = nil
				}
				checkProblems(t, status.Collect(t.Context(), s), tt.want)
				if got := asked.Load(); got != tt.asked {
					t.Errorf("the sink was asked %d times, want %d", got, tt.asked)
				}
			})
		}
	})
}

// TestWaitingElsewhere lets records wait for tasks that groups have given to
// members of which only what they told their groups is known.
func TestWaitingElsewhere(t *testing.T) {
	kafkatest.EachFresh(t, func(t *testing.T, b *kafkatest.Broker) {
		sinktest.Topics(t, b, 2)
		s := status.Settings{
			Kafka: b.Config, Store: row(soundLedger), ProcessGroup: b.Kind + ".lag.process", SinkGroup: b.Kind + ".lag.sink",
			Process: service(t, `{"tasks":[{"task":0,"state":"running"}]}`, ""), Sink: service(t, `{"tasks":[{"task":0,"state":"running"}]}`, ""),
			Config: status.Config{MaxLag: time.Minute}, Clock: func() time.Time { return time.Now().Add(time.Hour) },
		}
		processor, sink := join(t, b, s.ProcessGroup, record.Samples), join(t, b, s.SinkGroup, record.Facts)
		producer := sinktest.Producer(t, b)
		tell := func(member *kgo.Client, topic string, next int64) {
			t.Helper()
			var told error
			member.CommitOffsetsSync(t.Context(), map[string]map[int32]kgo.EpochOffset{topic: {1: {Epoch: -1, Offset: next}}},
				func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, res *kmsg.OffsetCommitResponse, err error) {
					told = err
					if err == nil {
						told = kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode)
					}
				})
			if told != nil {
				t.Fatal(told)
			}
		}
		behind := []string{"processor: task 1 is behind: its next record has waited for ", "sink: task 1 is behind: its next record has waited for "}
		check := func(want ...string) {
			t.Helper()
			checkProblems(t, status.Collect(t.Context(), s), want)
		}

		log := sinktest.NewLog(t, producer, 1)
		check() // an open log, and no step
		log.Step(3)
		sinktest.Produce(t, producer, record.Samples, 1, []byte("x"))
		check(behind...) // nobody has told anything
		tell(processor, record.Samples, 1)
		tell(sink, record.Facts, 3)
		log.Open()
		check() // a new owner's log without a step
		sinktest.Produce(t, producer, record.Samples, 1, []byte("x"))
		check(behind[0])
		log.Step(3)
		check(behind...)
	})
}
