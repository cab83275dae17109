package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/process"
)

// envChild makes the test binary a processor: its value is a childConfig.
const envChild = "NTEGRAL_TEST_RECONCILE_PROCESS"

type childConfig struct {
	Config   process.Config
	Password string // Config hides it
}

// child runs a processor until it is killed.
func child() int {
	var c childConfig
	if err := json.Unmarshal([]byte(os.Getenv(envChild)), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c.Config.Kafka.Password = kafka.Secret(c.Password)
	if err := process.Run(context.Background(), c.Config, process.Settings{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// spawnProcessor runs a processor in a process of its own and returns what
// kills it.
func (s *system) spawnProcessor() (kill func()) {
	s.t.Helper()
	cfg := s.cfg
	cfg.Group = fmt.Sprintf("test-%d", rand.Uint64())
	encoded, err := json.Marshal(childConfig{Config: cfg, Password: cfg.Kafka.Password.Reveal()})
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+string(encoded))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	killed := false
	kill = func() {
		if killed {
			return
		}
		killed = true
		_ = cmd.Process.Kill() // may have ended
		_ = cmd.Wait()         // says that it was killed
		if s.t.Failed() {
			s.t.Logf("processor:\n%s", stderr.String())
		}
	}
	s.t.Cleanup(kill)
	return kill
}

// TestKilledProcessor kills processors while a run's corrections come in: each
// of their rows must be in the store once.
func TestKilledProcessor(t *testing.T) {
	s := lateSystem(t, kafkatest.InProcess(t), false)
	want := promptSystem(t, kafkatest.InProcess(t)).report(time.Time{}, time.Time{})
	s.stop()
	s.cfg.CheckpointInterval = 50 * time.Millisecond
	r := s.newRun()
	r.perRecord = 3
	done := make(chan error, 1)
	go func() { done <- r.run(t.Context()) }()
	for kills := 0; ; kills++ {
		kill := s.spawnProcessor()
		// Ever longer: on a slow machine the first ones may not get to a step.
		life := time.NewTimer(500*time.Millisecond + rand.N(700*time.Millisecond) + time.Duration(kills)*100*time.Millisecond)
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-life.C:
			kill()
			continue
		}
		t.Logf("%d kills", kills)
		break
	}
	if r.report.Rows == 0 || r.report.Taken != r.report.Rows || !r.report.Complete() {
		t.Errorf("%+v", r.report)
	}
	if got := s.report(time.Time{}, time.Time{}); got != want {
		t.Errorf("reconciled:\n%s\nwant, as in order:\n%s", got, want)
	}
	s.verify()
}

// TestTwoRuns: of two runs at once the last one begun counts, and the other one
// says that it was refused. A run that was given up half done is finished by the
// next.
func TestTwoRuns(t *testing.T) {
	s := lateSystem(t, kafkatest.InProcess(t), false)
	want := promptSystem(t, kafkatest.InProcess(t)).report(time.Time{}, time.Time{})
	tasks := []int32{0, 1}

	half := s.newRun()
	half.perRecord, half.maxKept = 20, 15_000 // it breaks off at the first chunk that has more
	half.cfg.Chunk = 15 * time.Minute
	first := s.newRun()
	if err := first.begin(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	if err := half.run(t.Context()); err == nil || !strings.Contains(err.Error(), "--chunk") {
		t.Fatalf("a run with little memory: %v", err)
	}
	if half.report.Rows == 0 {
		t.Fatal("it means to have sent something")
	}
	second := s.newRun()
	if err := second.begin(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	if err := first.work(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	if r := first.report; r.Taken != 0 || r.Lost != r.Rows || !r.Superseded || r.Complete() || r.Rows == 0 {
		t.Errorf("the first of two runs: %+v", r)
	}
	checkLetters(t, first)
	if err := second.work(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	if r := second.report; r.Taken != r.Rows || !r.Complete() {
		t.Errorf("the second of two runs: %+v", r)
	}
	if got := s.report(time.Time{}, time.Time{}); got != want {
		t.Errorf("reconciled:\n%s\nwant, as in order:\n%s", got, want)
	}
	s.verify()
}

// checkLetters wants a dead letter for every row that was refused.
func checkLetters(t *testing.T, r *run) {
	t.Helper()
	ends, err := kafka.EndOffsets(t.Context(), r.client, record.DeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	said := int64(0)
	err = r.readFrom(t.Context(), record.DeadLetters, 0, 0, ends[record.DeadLetters][0], func(rec *kgo.Record) error {
		l, err := record.DecodeDeadLetter(rec.Value)
		if err == nil && l.Reason == telemetry.Superseded && l.Origin == record.Corrections {
			said += int64(l.Count)
		}
		return err
	})
	if err != nil || said != r.report.Lost {
		t.Errorf("dead letters tell of %d rows, %d were refused: %v", said, r.report.Lost, err)
	}
}

func (s *system) newRun() *run {
	s.t.Helper()
	cfg := DefaultConfig()
	cfg.From, cfg.To, cfg.Wait = time.Unix(0, start), time.Unix(0, start+length*minute), 2*time.Minute
	r, err := newRun(cfg, s.settings())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(r.close)
	return r
}
