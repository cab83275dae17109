package process

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

func TestRun(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRig(t, b, 2)
		r.publish(100)
		p := r.startProcess(r.cfg)
		addr := <-p.addr
		r.publish(100)
		r.check()
		checkStatus(t, addr, r.partitions)
		p.stop(t)

		// A second processor goes on where the first has stopped.
		r.publish(50)
		p = r.startProcess(r.cfg)
		r.publish(50)
		r.check()
		p.stop(t)
		for task := range int32(r.partitions) {
			steps := r.follow(task)
			if got := steps[len(steps)-1].Commit.Epoch; got != 2 {
				t.Errorf("task %d is in epoch %d, want 2", task, got)
			}
		}
	})
}

// notices closes seen at the first record with its text.
type notices struct {
	slog.Handler
	text string
	once *sync.Once
	seen chan struct{}
}

func (n notices) Enabled(context.Context, slog.Level) bool { return true }

func (n notices) Handle(_ context.Context, r slog.Record) error {
	if r.Message == n.text {
		n.once.Do(func() { close(n.seen) })
	}
	return nil
}

func (n notices) WithAttrs([]slog.Attr) slog.Handler { return n }

// TestStartsBeforeItsBroker: a processor waits for a broker that is not there.
func TestStartsBeforeItsBroker(t *testing.T) {
	b := kafkatest.Spawn(t)
	r := newRig(t, b, 2)
	r.publish(50)
	b.Kill(t)
	n := notices{text: "kafka is not ready", once: new(sync.Once), seen: make(chan struct{})}
	p := r.startLogging(r.cfg, slog.New(n))
	<-n.seen
	b.Start(t)
	<-p.addr
	r.publish(50)
	r.check()
	p.stop(t)
}

// TestNameTaken: a processor whose name in the group another has ends, and does
// not ask for it for ever; the other goes on.
func TestNameTaken(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRig(t, b, 2)
		r.cfg.InstanceID = "one"
		r.publish(50)
		first := r.startProcess(r.cfg)
		<-first.addr
		r.check()
		second := r.startProcess(r.cfg)
		err := <-first.done
		close(first.done)
		if !errors.Is(err, kerr.FencedInstanceID) {
			t.Errorf("the first ended with %v, want that it is fenced", err)
		}
		r.publish(50)
		r.check()
		second.stop(t)
	})
}

func checkStatus(t *testing.T, addr string, partitions int) {
	t.Helper()
	var status struct{ Tasks []statusJSON }
	if err := json.Unmarshal(get(t, addr, "/status", http.StatusOK), &status); err != nil {
		t.Fatal(err)
	}
	if len(status.Tasks) != partitions {
		t.Fatalf("status shows %d tasks, want %d", len(status.Tasks), partitions)
	}
	for _, s := range status.Tasks {
		if s.State != StateRunning || s.Epoch != 1 || s.Inputs.Samples == 0 || s.Readings == 0 || s.Watermark == nil {
			t.Errorf("status shows %+v", s)
		}
	}
	text := string(get(t, addr, "/metrics", http.StatusOK))
	for _, want := range []string{
		`ntegral_process_readings_accepted_total{task="0"}`, `ntegral_process_steps_total{task="1"}`,
		`ntegral_process_residual_energy_joules{task="0"} 0`, "ntegral_process_opens_total 2", "ntegral_process_step_duration_seconds_count",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	get(t, addr, "/healthz", http.StatusOK)
}

func get(t *testing.T, addr, path string, want int) []byte {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != want {
		t.Fatalf("%s: status %d, want %d: %s", path, resp.StatusCode, want, body)
	}
	return body
}

func TestRebalance(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRig(t, b, 4)
		r.publish(60)
		first := r.startProcess(r.cfg)
		r.check()
		second := r.startProcess(r.cfg)
		r.publish(100)
		r.check()
		first.stop(t)
		r.publish(60)
		r.check()
		second.stop(t)
	})
}

func TestRefusesOtherPartitionCounts(t *testing.T) {
	b := kafkatest.InProcess(t)
	r := newRig(t, b, 2)
	for _, c := range []struct {
		name string
		do   func(cfg *Config)
		want string
	}{
		{"configured", func(cfg *Config) { cfg.Partitions = 3 }, "has 2 partitions, want 3"},
		{"invalid", func(cfg *Config) { cfg.StepBytes = 0; cfg.Group = "" }, "step bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := r.cfg
			c.do(&cfg)
			err := run(t.Context(), cfg, Settings{}, tallyFactory{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !lifecycle.IsPermanent(err) {
				t.Errorf("got error %v, want a permanent one with %q", err, c.want)
			}
		})
	}
}

func TestTrimsOldCheckpoints(t *testing.T) {
	b := kafkatest.InProcess(t)
	r := newRig(t, b, 1)
	for range 4 {
		p := r.startProcess(r.cfg)
		r.publish(20)
		r.check()
		p.stop(t)
	}
	starts, err := kafka.StartOffsets(t.Context(), r.client, record.State)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := kafka.EndOffsets(t.Context(), r.client, record.State)
	if err != nil {
		t.Fatal(err)
	}
	// Two checkpoints of a header, one chunk and a manifest each.
	if got := ends[record.State][0] - starts[record.State][0]; starts[record.State][0] == 0 || got != 6 {
		t.Errorf("the state topic holds %d records from %d, want 6", got, starts[record.State][0])
	}
}
