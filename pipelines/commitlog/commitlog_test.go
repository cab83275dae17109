package commitlog_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/record"
)

func openRecord(epoch uint64, id string) commitlog.Record {
	o := record.Open{Task: 3, Epoch: epoch, ID: id}
	return commitlog.Record{Headers: record.Envelope{Type: record.TypeOpen}.Headers(), Value: o.Append(nil)}
}

func partRecord(epoch, step uint64, part uint32, value string) commitlog.Record {
	id := record.PartID{Task: 3, Epoch: epoch, Step: step, Part: part}
	return commitlog.Record{Headers: append(record.Envelope{Type: record.TypePart}.Headers(), id.Headers()...), Value: []byte(value)}
}

func commitRecord(epoch, step uint64, parts uint32, rows uint64) commitlog.Record {
	c := record.Commit{Task: 3, Epoch: epoch, Step: step, Parts: parts, Rows: rows}
	return commitlog.Record{Headers: record.Envelope{Type: record.TypeCommit}.Headers(), Value: c.Append(nil)}
}

// logOf reads a log in short hand, one record a word: open:EPOCH:ID,
// part:EPOCH:STEP:PART:VALUE, commit:EPOCH:STEP:PARTS:ROWS; junk is a record
// without a type, bad-open, bad-part and bad-commit cannot be read.
func logOf(text string) []commitlog.Record {
	var log []commitlog.Record
	for _, word := range strings.Fields(text) {
		f := strings.Split(word, ":")
		n := func(i int) uint64 { v, _ := strconv.ParseUint(f[i], 10, 64); return v }
		var r commitlog.Record
		switch f[0] {
		case "open":
			r = openRecord(n(1), f[2])
		case "part":
			r = partRecord(n(1), n(2), uint32(n(3)), f[4])
		case "commit":
			r = commitRecord(n(1), n(2), uint32(n(3)), n(4))
		case "bad-open":
			r = commitlog.Record{Headers: record.Envelope{Type: record.TypeOpen}.Headers(), Value: []byte{0xff}}
		case "bad-part":
			r = commitlog.Record{Headers: record.Envelope{Type: record.TypePart}.Headers(), Value: []byte("x")}
		case "bad-commit":
			r = commitlog.Record{Headers: record.Envelope{Type: record.TypeCommit}.Headers(), Value: []byte{0xff}}
		}
		r.Offset = int64(len(log))
		log = append(log, r)
	}
	return log
}

// read returns what counts, in short hand, from a position on.
func read(log []commitlog.Record, from commitlog.Position) (steps []string, r *commitlog.Reader) {
	r = commitlog.NewReader(from)
	for _, rec := range log[from.Next:] {
		step, err := r.Add(rec)
		switch {
		case errors.Is(err, commitlog.ErrBroken):
			return append(steps, "broken@"+fmt.Sprint(rec.Offset)), r
		case errors.Is(err, record.ErrMalformed):
			steps = append(steps, "malformed@"+fmt.Sprint(rec.Offset))
		case err != nil:
			steps = append(steps, err.Error())
		case step != nil:
			var parts []string
			for _, p := range step.Parts {
				parts = append(parts, string(p))
			}
			steps = append(steps, fmt.Sprintf("%d:%s:%d", step.Commit.Step, strings.Join(parts, "+"), step.Commit.Rows))
		}
	}
	return steps, r
}

// TestRules has a case for every sentence of the package's comment.
func TestRules(t *testing.T) {
	for _, tc := range []struct {
		name, log string
		want      string
		ignored   uint64
	}{
		{name: "a step", log: "open:1:a part:1:1:1:x part:1:1:2:y commit:1:1:2:5", want: "1:x+y:5"},
		{name: "a step without rows", log: "open:1:a commit:1:1:0:0", want: "1::0"},
		{name: "steps in order", log: "open:1:a part:1:1:1:x commit:1:1:1:1 part:1:2:1:y commit:1:2:1:1", want: "1:x:1 2:y:1"},
		{name: "parts in any order", log: "open:1:a part:1:1:2:y part:1:1:1:x commit:1:1:2:2", want: "1:x+y:2"},
		{name: "before any open", log: "part:1:1:1:x commit:1:1:1:1 open:1:a", want: "", ignored: 2},
		{name: "without a commit nothing counts", log: "open:1:a part:1:1:1:x open:2:b commit:2:1:0:0", want: "1::0"},
		{name: "the new epoch does the step anew", log: "open:1:a part:1:1:1:x open:2:b part:2:1:1:y commit:2:1:1:1", want: "1:y:1"},
		{name: "zombie's commit", log: "open:1:a part:1:1:1:x open:2:b commit:1:1:1:1", want: "", ignored: 1},
		{name: "zombie's parts", log: "open:1:a open:2:b part:1:1:1:x part:2:1:1:y part:1:1:2:z commit:2:1:1:1", want: "1:y:1", ignored: 2},
		{name: "zombie's step beside the owner's", log: "open:1:a part:1:1:1:x open:2:b part:1:1:2:x commit:1:1:2:2 part:2:1:1:y commit:2:1:1:1 commit:1:2:0:0", want: "1:y:1", ignored: 3},
		{name: "two openers, the first wins", log: "open:1:a open:1:b part:1:1:1:x commit:1:1:1:1", want: "1:x:1", ignored: 1},
		{name: "opens again with what has been", log: "open:2:a open:1:b part:2:1:1:x commit:2:1:1:1", want: "1:x:1", ignored: 1},
		{name: "an open of its own epoch repeated keeps its parts", log: "open:1:a part:1:1:1:x open:1:a commit:1:1:1:1", want: "1:x:1", ignored: 1},
		{name: "epochs may leave gaps", log: "open:1:a open:9:b commit:9:1:0:0", want: "1::0"},
		{name: "an epoch that was never opened", log: "open:1:a part:2:1:1:x commit:2:1:1:1", want: "", ignored: 2},
		{name: "part twice, the first counts", log: "open:1:a part:1:1:1:x part:1:1:1:y commit:1:1:1:1", want: "1:x:1", ignored: 1},
		{name: "commit twice, the first counts", log: "open:1:a commit:1:1:0:0 commit:1:1:0:7", want: "1::0", ignored: 1},
		{name: "part of a step that counts already", log: "open:1:a part:1:1:1:x commit:1:1:1:1 part:1:1:1:x part:1:2:1:y commit:1:2:1:1", want: "1:x:1 2:y:1", ignored: 1},
		{name: "commit of an earlier step", log: "open:1:a commit:1:1:0:0 commit:1:2:0:0 commit:1:1:0:0", want: "1::0 2::0", ignored: 1},
		{name: "more parts than committed", log: "open:1:a part:1:1:1:x part:1:1:2:y commit:1:1:1:1 part:1:2:1:z commit:1:2:1:1", want: "1:x:1 2:z:1"},
		{name: "a part is missing", log: "open:1:a part:1:1:1:x part:1:1:3:z commit:1:1:2:2", want: "broken@3"},
		{name: "all parts are missing", log: "open:1:a commit:1:1:4294967295:1", want: "broken@1"},
		{name: "part zero is none", log: "open:1:a part:1:1:0:x commit:1:1:1:1", want: "broken@2"},
		{name: "parts of the epoch before do not count", log: "open:1:a part:1:1:1:x open:2:b commit:2:1:1:1", want: "broken@3"},
		{name: "a step is missing", log: "open:1:a commit:1:1:0:0 commit:1:3:0:0", want: "1::0 broken@2"},
		{name: "the log begins behind its start", log: "open:4:a commit:4:8:0:0", want: "broken@1"},
		{name: "steps go on over epochs", log: "open:1:a commit:1:1:0:0 open:2:b commit:2:2:0:0", want: "1::0 2::0"},
		{name: "malformed records are passed over", log: "junk open:1:a bad-open part:1:1:1:x bad-part bad-commit commit:1:1:1:1", want: "malformed@0 malformed@2 malformed@4 malformed@5 1:x:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := logOf(tc.log)
			got, r := read(log, commitlog.Position{})
			if diff := cmp.Diff(strings.Join(got, " "), tc.want); diff != "" {
				t.Errorf("got before want (-got +want):\n%s", diff)
			}
			if r.Ignored() != tc.ignored {
				t.Errorf("ignored %d, want %d", r.Ignored(), tc.ignored)
			}
		})
	}
}

// TestContinuesBehindAStep: what a reader that stored a step's After reads is
// what is left for one that read all.
func TestContinuesBehindAStep(t *testing.T) {
	log := logOf("open:1:a part:1:1:1:x commit:1:1:1:1 part:1:2:1:y open:2:b part:1:2:2:z part:2:2:1:w commit:2:2:1:1 commit:1:2:2:2 commit:2:3:0:0")
	all, _ := read(log, commitlog.Position{})
	if want := "1:x:1 2:w:1 3::0"; strings.Join(all, " ") != want {
		t.Fatalf("got %v, want %s", all, want)
	}
	r, steps := commitlog.NewReader(commitlog.Position{}), 0
	for _, rec := range log {
		step, err := r.Add(rec)
		if err != nil {
			t.Fatal(err)
		}
		if step == nil {
			continue
		}
		steps++
		if want := rec.Offset + 1; step.After.Next != want || step.Offset != rec.Offset {
			t.Errorf("step %d at %d continues from %d, want %d", steps, step.Offset, step.After.Next, want)
		}
		rest, _ := read(log, step.After)
		if diff := cmp.Diff(rest, all[steps:], cmp.Transformer("none", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("behind step %d: got before want (-got +want):\n%s", steps, diff)
		}
	}
	if got, want := r.Position(), (commitlog.Position{Epoch: 2, Owner: "b", Step: 3, Next: int64(len(log))}); got != want {
		t.Errorf("position %+v, want %+v", got, want)
	}
}
