package engine_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// attic is an archive in memory.
type attic struct {
	t        testing.TB
	records  [][]byte
	from     int64 // of the records before it nothing is kept
	recalled int
	broken   error
}

// Recall implements engine.Archive. What it returned before is overwritten.
func (a *attic) Recall(p engine.Place) ([]byte, error) {
	a.recalled++
	if a.broken != nil {
		return nil, a.broken
	}
	if p.Offset < a.from {
		a.t.Errorf("recalled from offset %d, what is before %d may be deleted", p.Offset, a.from)
	}
	return slices.Clone(a.records[p.Offset][p.At : p.At+p.Size]), nil
}

// evict moves an engine's history here, what lies before the offset carry again. All is
// let go of, or some stays at hand.
func (a *attic) evict(e *engine.Engine, limit int, carry int64) {
	a.t.Helper()
	a.evictBut(e, limit, carry, len(a.records)%2*1000)
}

// evictBut keeps the nodes' last blocks, if they have no more than warm bytes.
func (a *attic) evictBut(e *engine.Engine, limit int, carry int64, warm int) {
	a.t.Helper()
	var offsets []int64
	v, err := e.Evict(limit, carry, func(record []byte) error {
		offsets = append(offsets, int64(len(a.records)))
		a.records = append(a.records, record)
		return nil
	})
	if err != nil {
		a.t.Fatal(err)
	}
	v.Placed(offsets, warm)
	if got := e.Packed(); got != 0 {
		a.t.Errorf("%d bytes are said to wait right after an eviction", got)
	}
	if oldest, ok := e.OldestPlace(); ok && oldest < carry {
		a.t.Errorf("a block lies at offset %d, all before %d should have been carried on", oldest, carry)
	}
	a.from = max(a.from, carry)
}

// TestHistoryMayLieAnywhere runs estates twice: with all history in memory, and
// with history that is evicted, carried on and restored at random. Each step gives
// the same rows.
func TestHistoryMayLieAnywhere(t *testing.T) {
	recalled, carried := 0, int64(0)
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 61))
		cfg := engine.DefaultConfig()
		events := newEstate(seed, 75*60*second).events(delivery{seed: seed, packs: 1 + r.IntN(40), dimsLate: seed%2 == 0, jitter: int64(r.IntN(12)) * 60 * second})
		plain, e, a := engine.New(cfg), engine.New(cfg), &attic{t: t}
		e.UseArchive(a)
		for i := range events {
			events[i].apply(plain)
			events[i].apply(e)
			if r.IntN(8) != 0 {
				continue
			}
			want, got := plain.EndStep(), e.EndStep()
			if !slices.Equal(got.Rows, want.Rows) || got.Counts != want.Counts {
				t.Fatalf("seed %d: event %d: a step gives other rows or counts", seed, i)
			}
			if err := e.Err(); err != nil {
				t.Fatal(err)
			}
			if r.IntN(6) == 0 {
				carry := int64(0)
				if len(a.records) > 3 && r.IntN(3) == 0 {
					carry = int64(len(a.records) - r.IntN(3))
				}
				a.evict(e, 1+r.IntN(3000), carry)
				carried = max(carried, carry)
			}
			if r.IntN(6) == 0 {
				state := snapshot(t, e)
				e = restored(t, cfg, state)
				e.UseArchive(a)
				if again := snapshot(t, e); !bytes.Equal(bytes.Join(again, nil), bytes.Join(state, nil)) {
					t.Fatalf("seed %d: a restored engine's snapshot differs", seed)
				}
			}
		}
		recalled += a.recalled
	}
	if recalled == 0 || carried == 0 {
		t.Errorf("%d blocks were recalled, records up to %d left behind: the test shows nothing", recalled, carried)
	}
}

// evicted returns an engine all of whose history lies in an archive, and what
// makes it recall some.
func evicted(t *testing.T) (*engine.Engine, *attic, func()) {
	e := restored(t, engine.DefaultConfig(), [][]byte{stateOf(t, 1)})
	a := &attic{t: t}
	a.evict(e, 1<<20, 0)
	e = restored(t, engine.DefaultConfig(), snapshot(t, e)) // none is in memory
	if len(a.records) == 0 {
		t.Fatal("there is no history to evict")
	}
	e.UseArchive(a)
	return e, a, func() {
		for _, dim := range newEstate(1, 20*60*second).dims {
			if d, ok := dim.(telemetry.Device); ok {
				d.Region += "?" // changes all that ever was
				e.ApplyDevice(&d)
			}
		}
		e.EndStep()
	}
}

func TestEngineWithoutItsHistoryStops(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(*engine.Engine, *attic)
		want  error
	}{
		{"history is gone", func(_ *engine.Engine, a *attic) { a.broken = errGone }, errGone},
		{"a record of something else", func(_ *engine.Engine, a *attic) { a.records[0][7]++ }, engine.ErrState},
		{"no archive", func(e *engine.Engine, _ *attic) { e.UseArchive(nil) }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, a, recall := evicted(t)
			tc.spoil(e, a)
			recall()
			err := e.Err()
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Fatalf("the engine says %v, want %v", err, tc.want)
			}
			if got := e.Snapshot(512, func([]byte) error { return nil }); !errors.Is(got, err) {
				t.Errorf("a snapshot gives %v, want %v", got, err)
			}
			if _, got := e.Evict(512, 0, func([]byte) error { return nil }); !errors.Is(got, err) {
				t.Errorf("an eviction gives %v, want %v", got, err)
			}
		})
	}
	e, _, recall := evicted(t)
	if recall(); e.Err() != nil {
		t.Errorf("nothing was spoilt, and the engine says %v", e.Err())
	}
}

var errGone = errors.New("gone")

// TestLastBlocksStayAtHand, but not where they are too much.
func TestLastBlocksStayAtHand(t *testing.T) {
	recalls := map[int]int{}
	for _, warm := range []int{0, 1 << 20} {
		e := restored(t, engine.DefaultConfig(), [][]byte{stateOf(t, 1)})
		a := &attic{t: t}
		e.UseArchive(a)
		a.evictBut(e, 1<<20, 0, warm)
		for _, dim := range newEstate(1, 20*60*second).dims {
			if d, ok := dim.(telemetry.Device); ok {
				d.Region += "?"
				e.ApplyDevice(&d)
			}
		}
		e.EndStep()
		if e.Err() != nil {
			t.Fatal(e.Err())
		}
		recalls[warm] = a.recalled
	}
	if recalls[1<<20] == 0 || recalls[0] <= recalls[1<<20] {
		t.Errorf("%d blocks were recalled where the last ones stay at hand, %d where none does", recalls[1<<20], recalls[0])
	}
}

// TestEvictionThatFailsChangesNothing: history that never came to lie anywhere
// is still in memory.
func TestEvictionThatFailsChangesNothing(t *testing.T) {
	e := restored(t, engine.DefaultConfig(), [][]byte{stateOf(t, 1)})
	before := snapshot(t, e)
	if _, err := e.Evict(100, 0, func([]byte) error { return errGone }); !errors.Is(err, errGone) {
		t.Fatalf("got %v, want %v", err, errGone)
	}
	if _, ok := e.OldestPlace(); ok {
		t.Error("a block lies somewhere")
	}
	if !bytes.Equal(bytes.Join(before, nil), bytes.Join(snapshot(t, e), nil)) {
		t.Error("the state has changed")
	}
}
