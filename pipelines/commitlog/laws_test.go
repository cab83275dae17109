package commitlog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/pipelines/commitlog"
	"github.com/ntegral/ntegral/schemas/record"
)

// processor is one that follows the protocol for opening a task and writing
// its steps, and does not know what others do: it may be a zombie at any time.
type processor struct {
	id    string
	epoch uint64 // 0: has not opened
	own   int    // where its open record stands, -1: not written yet
	last  string // content of the step before, as it knows
	step  uint64
	parts []string // written of the step at hand
	size  int      // parts that the step at hand will have
}

// act appends p's next record to the log.
func (p *processor) act(r *rand.Rand, log []commitlog.Record) []commitlog.Record {
	add := func(rec commitlog.Record) []commitlog.Record {
		rec.Offset = int64(len(log))
		log = append(log, rec)
		if r.IntN(8) == 0 { // the producer's retry
			again := rec
			again.Offset = int64(len(log))
			log = append(log, again)
		}
		return log
	}
	switch {
	case p.own < 0:
		_, reader := read(log, commitlog.Position{})
		p.epoch, p.own = reader.Position().Epoch+1, len(log)
		return add(openRecord(p.epoch, p.id))
	case p.step == 0:
		// Read back up to its own open record, no further.
		steps, reader := read(log[:p.own+1], commitlog.Position{})
		if at := reader.Position(); at.Epoch != p.epoch || at.Owner != p.id {
			p.own = -1
			return log
		}
		p.step, p.last, p.parts, p.size = reader.Position().Step+1, "start", nil, r.IntN(4)
		if len(steps) > 0 {
			p.last = steps[len(steps)-1]
		}
		return log
	case len(p.parts) < p.size:
		// Parts say what they follow and who wrote them.
		content := fmt.Sprintf("%s/%d.%d<%d>", p.id, p.step, len(p.parts)+1, hash(p.last))
		p.parts = append(p.parts, content)
		return add(partRecord(p.epoch, p.step, uint32(len(p.parts)), content))
	}
	rows := uint64(r.IntN(1000))
	log = add(commitRecord(p.epoch, p.step, uint32(p.size), rows))
	p.last = fmt.Sprintf("%d:%s:%d", p.step, strings.Join(p.parts, "+"), rows)
	p.step, p.parts, p.size = p.step+1, nil, r.IntN(4)
	return log
}

func hash(s string) uint32 {
	h := uint32(2166136261)
	for _, c := range []byte(s) {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// TestInterleavedProcessors: whatever processors that follow the protocol do,
// in any order, with retries and zombies, the log is never broken, and every
// step that counts builds on the one that counts before it.
func TestInterleavedProcessors(t *testing.T) {
	counted := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 41))
		var log []commitlog.Record
		var all []*processor
		for range 150 {
			if len(all) == 0 || r.IntN(25) == 0 {
				all = append(all, &processor{id: fmt.Sprintf("p%d", len(all)), own: -1})
			}
			// Mostly the latest, else a zombie.
			k := len(all) - 1
			if r.IntN(3) == 0 {
				k = r.IntN(len(all))
			}
			log = all[k].act(r, log)
		}
		steps, _ := read(log, commitlog.Position{})
		if diff := slices.Compare(steps, model(log)); diff != 0 {
			t.Fatalf("seed %d: got %v, want %v", seed, steps, model(log))
		}
		last := "start"
		for i, step := range steps {
			if !strings.HasPrefix(step, fmt.Sprintf("%d:", i+1)) {
				t.Fatalf("seed %d: step %q at place %d", seed, step, i+1)
			}
			if strings.Contains(step, "<") && !strings.Contains(step, fmt.Sprintf("<%d>", hash(last))) {
				t.Fatalf("seed %d: step %q does not follow %q", seed, step, last)
			}
			last = step
		}
		counted += len(steps)
	}
	if counted < 1000 {
		t.Errorf("%d steps counted in all: the law has no matter", counted)
	}
}

// TestAnyLogAgainstTheModel reads logs of random records, that nobody who
// follows the protocol would write.
func TestAnyLogAgainstTheModel(t *testing.T) {
	broken := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 43))
		var words []string
		for range r.IntN(30) {
			epoch, step := 1+r.IntN(3), 1+r.IntN(3)
			switch r.IntN(5) {
			case 0:
				words = append(words, fmt.Sprintf("open:%d:%c", epoch, 'a'+rune(r.IntN(3))))
			case 1, 2:
				words = append(words, fmt.Sprintf("part:%d:%d:%d:v%d", epoch, step, 1+r.IntN(2), len(words)))
			default:
				words = append(words, fmt.Sprintf("commit:%d:%d:%d:%d", epoch, step, r.IntN(3), len(words)))
			}
		}
		log := logOf(strings.Join(words, " "))
		got, _ := read(log, commitlog.Position{})
		want := model(log)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v\n got %v\nwant %v", seed, words, got, want)
		}
		if len(got) > 0 && strings.HasPrefix(got[len(got)-1], "broken") {
			broken++
		}
	}
	if broken == 0 || broken == 3000 {
		t.Errorf("%d of 3000 logs are broken", broken)
	}
}

// model says, record by record and looking back over the whole log each time,
// which steps count.
func model(log []commitlog.Record) (steps []string) {
	done, doneAt := uint64(0), 0
	for i, rec := range log {
		if record.TypeOf(rec.Headers) != record.TypeCommit {
			continue
		}
		c, _ := record.DecodeCommit(rec.Value)
		began := opened(log[:i], c.Epoch)
		if began < 0 || c.Step <= done {
			continue
		}
		// Nobody writes parts of a step before the commit of the one before it.
		var parts []string
		for n := uint32(1); n <= c.Parts && c.Step == done+1; n++ {
			if v, ok := firstPart(log[max(began, doneAt):i], c.Epoch, c.Step, n); ok {
				parts = append(parts, v)
			}
		}
		if c.Step != done+1 || len(parts) != int(c.Parts) {
			return append(steps, fmt.Sprintf("broken@%d", i))
		}
		steps = append(steps, fmt.Sprintf("%d:%s:%d", c.Step, strings.Join(parts, "+"), c.Rows))
		done, doneAt = c.Step, i
	}
	return steps
}

// opened returns where the epoch began, -1 if it is not the highest by the end.
func opened(log []commitlog.Record, epoch uint64) int {
	began, highest := -1, uint64(0)
	for i, rec := range log {
		if record.TypeOf(rec.Headers) != record.TypeOpen {
			continue
		}
		if o, _ := record.DecodeOpen(rec.Value); o.Epoch > highest {
			highest, began = o.Epoch, i
		}
	}
	if highest != epoch {
		return -1
	}
	return began
}

func firstPart(log []commitlog.Record, epoch, step uint64, part uint32) (string, bool) {
	want := record.PartID{Task: 3, Epoch: epoch, Step: step, Part: part}
	for _, rec := range log {
		if record.TypeOf(rec.Headers) != record.TypePart {
			continue
		}
		if id, _ := record.PartIDOf(rec.Headers); id == want {
			return string(rec.Value), true
		}
	}
	return "", false
}

// FuzzReader: no record panics or takes memory beyond its size, and every error
// is one of the two kinds.
func FuzzReader(f *testing.F) {
	log := logOf("open:1:a part:1:1:1:x commit:1:1:1:1 commit:1:2:4294967295:1")
	for _, rec := range log {
		f.Add(record.TypeOf(rec.Headers), rec.Value, "1", "1", "1")
	}
	f.Fuzz(func(t *testing.T, kind string, value []byte, epoch, step, part string) {
		r := commitlog.NewReader(commitlog.Position{})
		headers := []record.Header{
			{Key: "ce_type", Value: []byte(kind)},
			{Key: "task", Value: []byte("3")},
			{Key: "epoch", Value: []byte(epoch)},
			{Key: "step", Value: []byte(step)},
			{Key: "part", Value: []byte(part)},
		}
		for i, rec := range append(slices.Clone(log[:2]), commitlog.Record{Offset: 2, Headers: headers, Value: value}, log[2], log[3]) {
			stepRead, err := r.Add(rec)
			if err != nil && !errors.Is(err, commitlog.ErrBroken) && !errors.Is(err, record.ErrMalformed) {
				t.Fatalf("record %d: %v", i, err)
			}
			if err != nil && stepRead != nil {
				t.Fatalf("record %d: a step and %v", i, err)
			}
			if got := r.Position().Next; got != rec.Offset+1 {
				t.Fatalf("record %d: stands at %d, want %d", i, got, rec.Offset+1)
			}
		}
	})
}
