package process

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// TestMalformed publishes what cannot be read between what can.
func TestMalformed(t *testing.T) {
	b := kafkatest.InProcess(t)
	r := newRig(t, b, 1)
	garbage := []byte{0xff, 0xff, 0xff}
	r.publish(20)
	r.produce(record.Samples, "node-1", record.TypeSamples, garbage)
	r.produce(record.Samples, "node-1", record.TypeSeal, garbage)
	r.produce(record.Samples, "node-1", "somebody.elses.v1", []byte("hello"))
	r.produce(record.Samples, "node-1", record.TypeSamples, make([]byte, record.MaxRecordBytes+1))
	r.produce(record.Placements, "node-1", record.TypePlacement, garbage)
	r.produce(record.Inventory, "node-1", record.TypeDevice, garbage)
	r.produce(record.Rates, "", record.TypeRate, garbage)
	r.produce(record.Corrections, "node-1", record.TypeCorrection, garbage, record.CorrectionID{Run: "run", Sequence: 1}.Headers()...)
	r.produce(record.Corrections, "node-1", record.TypeReconciliation, garbage) // of no run
	r.publish(20)
	p := r.startProcess(r.cfg)
	addr := <-p.addr
	r.check()
	status := string(get(t, addr, "/status", http.StatusOK))
	if !strings.Contains(status, `"too_large":1,"unparsable":8`) {
		t.Errorf("status counts otherwise: %s", status)
	}
	p.stop(t)
	letters := readLetters(r)
	got := map[string]int{}
	for _, l := range letters {
		if l.letter.Reason != telemetry.Late { // the tally's letters about seals
			got[l.id]++
			if l.letter.Count != 1 || l.letter.Detail == "" || len(l.letter.Payload) == 0 || len(l.letter.Payload) > maxLetterPayload {
				t.Errorf("letter %s says %+v", l.id, l.letter)
			}
		}
	}
	if len(got) != 9 {
		t.Errorf("got dead letters %v, want 9", got)
	}

	// A recovery reads the same records again and says nothing.
	trimState(r)
	p = r.startProcess(r.cfg)
	r.publish(20)
	r.check()
	p.stop(t)
	repeated := 0
	for _, l := range readLetters(r)[len(letters):] {
		if l.letter.Reason != telemetry.Late {
			repeated++
		}
	}
	if repeated != 0 {
		t.Errorf("%d dead letters were repeated", repeated)
	}
}

type readLetter struct {
	id     string
	letter record.DeadLetter
}

func readLetters(r *rig) []readLetter {
	r.t.Helper()
	var out []readLetter
	readAll(r, record.DeadLetters, func(rec *kgo.Record) {
		letter, err := record.DecodeDeadLetter(rec.Value)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, h := range rec.Headers {
			if h.Key == "ce_id" {
				out = append(out, readLetter{string(h.Value), letter})
			}
		}
	})
	return out
}

func readAll(r *rig, topic string, fn func(*kgo.Record)) {
	r.t.Helper()
	starts, err := kafka.StartOffsets(r.t.Context(), r.client, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	ends, err := kafka.EndOffsets(r.t.Context(), r.client, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	reader, err := kafka.NewReader(r.cfg.Kafka, kafkatest.Logger(r.t), topic, 0, starts[topic][0])
	if err != nil {
		r.t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.ReadTo(r.t.Context(), ends[topic][0], func(rec *kgo.Record) error { fn(rec); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

// trimState leaves the task nothing but its last manifest, which is torn then.
func trimState(r *rig) { deleteBelow(r, record.State, 1) }

// deleteBelow deletes all but the last keep records of partition 0.
func deleteBelow(r *rig, topic string, keep int64) {
	r.t.Helper()
	ends, err := kafka.EndOffsets(r.t.Context(), r.client, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	var to kadm.Offsets
	to.Add(kadm.Offset{Topic: topic, At: ends[topic][0] - keep, LeaderEpoch: -1})
	deleted, err := kadm.NewClient(r.client).DeleteRecords(r.t.Context(), to)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := deleted.Error(); err != nil {
		r.t.Fatal(err)
	}
}

// TestTornCheckpoints puts wrecks behind a good checkpoint.
func TestTornCheckpoints(t *testing.T) {
	b := kafkatest.InProcess(t)
	r := newRig(t, b, 1)
	r.publish(50)
	p := r.startProcess(r.cfg)
	r.check()
	p.stop(t)
	var good *kgo.Record
	readAll(r, record.State, func(rec *kgo.Record) { good = rec })
	m, err := record.DecodeManifest(good.Value)
	if err != nil {
		t.Fatal(err)
	}
	for _, wreck := range []func(m *record.Manifest){
		func(m *record.Manifest) { m.Checkpoint++ }, // no chunks
		func(m *record.Manifest) { m.Chunks++ },     // one is missing
		func(m *record.Manifest) { m.Checksum++ },   // damaged
		func(m *record.Manifest) { m.Version++ },    // another program's
	} {
		torn := m
		torn.Step += 10
		wreck(&torn)
		r.produce(record.State, "", record.TypeManifest, torn.Append(nil))
	}
	r.produce(record.State, "", record.TypeManifest, []byte{0xff})
	r.produce(record.State, "", record.TypeChunk, []byte("without a place"))

	s := openSession(t, r)
	if got := s.log.Step; got != m.Step || s.replayed != 0 {
		t.Errorf("opened at step %d and replayed %d, want step %d alone", got, s.replayed, m.Step)
	}
	s.close()
	p = r.startProcess(r.cfg)
	r.publish(20)
	r.check()
	p.stop(t)
}

// openSession opens the task without running it.
func openSession(t *testing.T, r *rig) *session {
	t.Helper()
	return openWith(t, r.environment(r.cfg))
}

// TestStaysDown makes a task impossible to open and looks for the reason.
func TestStaysDown(t *testing.T) {
	for _, c := range []struct {
		name  string
		wreck func(r *rig)
		want  string
	}{
		{"samples gone", func(r *rig) { trimState(r); deleteBelow(r, record.Samples, 1) }, "input that is needed to recover is gone"},
		{"facts gone", func(r *rig) { deleteBelow(r, record.Facts, 1) }, "stored state does not fit"},
		{"facts gone behind the checkpoint", func(r *rig) {
			for range 20 {
				r.produce(record.Facts, "", "noise", nil)
			}
			deleteBelow(r, record.Facts, 1)
		}, "stored state does not fit"},
		{"samples not yet read gone", func(r *rig) { r.publish(60); deleteBelow(r, record.Samples, 1) }, "are gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, kafkatest.InProcess(t), 1)
			r.publish(40)
			p := r.startProcess(r.cfg)
			r.check()
			p.stop(t)
			if c.name == "facts gone" {
				trimState(r)
			}
			c.wreck(r)
			env := r.environment(r.cfg)
			watch := downWatch{kafkatest.Logger(t).Handler(), make(chan string, 1)}
			env.set.Logger = slog.New(watch)
			task := startTask(env, 0)
			if got := <-watch.errs; !strings.Contains(got, c.want) {
				t.Errorf("got error %q, want one with %q", got, c.want)
			}
			if got := task.status.Load(); got.State != StateDown || got.Error == "" {
				t.Errorf("got status %+v", got)
			}
			task.end(false)
			<-task.done
		})
	}
}

// downWatch passes on the errors that tasks go down with.
type downWatch struct {
	slog.Handler
	errs chan string
}

func (w downWatch) WithAttrs([]slog.Attr) slog.Handler { return w }

func (w downWatch) Handle(_ context.Context, r slog.Record) error {
	if r.Message == messageDown {
		r.Attrs(func(a slog.Attr) bool {
			w.errs <- a.Value.String()
			return false
		})
	}
	return nil
}

func TestStoredPartitionCount(t *testing.T) {
	r := newRig(t, kafkatest.InProcess(t), 1)
	s := openSession(t, r)
	s.close()
	env := r.environment(r.cfg)
	env.partitions = 2
	task := &task{env: env, logger: kafkatest.Logger(t)}
	task.status.Store(&TaskStatus{})
	_, err := task.open(t.Context())
	if err == nil || !strings.Contains(err.Error(), "written with 1 partitions, the topics have 2") {
		t.Errorf("got %v", err)
	}
}

// TestStoredDefinitions: facts that were made with one window are not gone on
// with by another.
func TestStoredDefinitions(t *testing.T) {
	r := newRig(t, kafkatest.InProcess(t), 1)
	s := openSession(t, r)
	s.close()
	env := r.environment(r.cfg)
	env.cfg.Window *= 2
	task := &task{env: env, logger: kafkatest.Logger(t)}
	task.status.Store(&TaskStatus{})
	_, err := task.open(t.Context())
	if err == nil || !lifecycle.IsPermanent(err) || !strings.Contains(err.Error(), "window=1m0s") || !strings.Contains(err.Error(), "window=2m0s") {
		t.Errorf("got %v", err)
	}
}

// TestStoredVersion: state of another version is not read, and the error says
// what to do.
func TestStoredVersion(t *testing.T) {
	r := newRig(t, kafkatest.InProcess(t), 1)
	m := record.Manifest{Version: stateVersion - 1, Chunks: 1}
	r.produce(record.State, "", record.TypeManifest, m.Append(nil))
	task := &task{env: r.environment(r.cfg), logger: kafkatest.Logger(t)}
	task.status.Store(&TaskStatus{})
	_, err := task.open(t.Context())
	for _, want := range []string{fmt.Sprint(stateVersion - 1), fmt.Sprint(stateVersion), "version of the program that wrote it", "new data folder", "replay"} {
		if err == nil || !lifecycle.IsPermanent(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one that says %q", err, want)
		}
	}
}

// TestCommitWaitsForParts: where a part is refused its step does not count.
func TestCommitWaitsForParts(t *testing.T) {
	r := newRig(t, kafkatest.InProcess(t), 1)
	s := openSession(t, r)
	defer s.close()
	s.producer.Close()
	s.producer = r.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(2<<10)) // a commit fits, no part does
	r.publishSamples("node-1", 3)
	records, err := s.inputs.samples.Poll(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.step(t.Context(), batch{records: records}); err == nil || !strings.Contains(err.Error(), "append parts") {
		t.Errorf("got error %v", err)
	}
	ends, err := kafka.EndOffsets(t.Context(), r.client, record.Facts)
	if err != nil {
		t.Fatal(err)
	}
	if got := ends[record.Facts][0]; got != s.log.Next {
		t.Errorf("the log ends at %d, want %d: behind the open", got, s.log.Next)
	}
}

// TestFenced opens a task under a running session's feet.
func TestFenced(t *testing.T) {
	r := newRig(t, kafkatest.InProcess(t), 1)
	old := openSession(t, r)
	defer old.close()
	young := openSession(t, r)
	defer young.close()
	r.publishSamples("node-1", 3)
	step := func(s *session) error {
		records, err := s.inputs.samples.Poll(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return s.step(t.Context(), batch{records: records})
	}
	if err := step(old); err == nil || !strings.Contains(err.Error(), errFenced.Error()) {
		t.Errorf("got error %v, want %v", err, errFenced)
	}
	if err := step(young); err != nil {
		t.Errorf("the owner's step: %v", err)
	}
	r.check()
}
