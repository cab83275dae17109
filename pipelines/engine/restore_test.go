package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// stateOf returns a snapshot in the middle of an estate's events.
func stateOf(t testing.TB, seed uint64) []byte {
	s := newEstate(seed, 20*60*second)
	events := s.events(delivery{seed: seed, packs: 30})
	e := engine.New(engine.DefaultConfig())
	for i := range events[:len(events)-1] {
		events[i].apply(e)
	}
	e.EndStep()
	return bytes.Join(snapshot(t, e), nil)
}

// archivedStateOf is stateOf with history that lies elsewhere.
func archivedStateOf(t testing.TB, seed uint64) []byte {
	e := restored(t, engine.DefaultConfig(), [][]byte{stateOf(t, seed)})
	(&attic{t: t}).evict(e, 1000, 0)
	return bytes.Join(snapshot(t, e), nil)
}

// cut divides a state into chunks.
func cut(state []byte, size int) [][]byte {
	return slices.Collect(slices.Chunk(state, max(1, size)))
}

func TestRestoreRefusesBrokenState(t *testing.T) {
	state := stateOf(t, 1)
	node := append([]byte{3, 12, 1, 'n'}, make([]byte, 10)...) // its times and no islands
	after := func(entries ...byte) []byte { return slices.Concat(node, entries) }
	if _, err := engine.Restore(engine.DefaultConfig(), chunkReader(cut(after(8, 0), 7))); err != nil {
		t.Fatalf("the node that entries below belong to is broken itself: %v", err)
	}
	// counters are entry 9 with one series, of the first count, and the end.
	counters := func(series ...byte) []byte {
		payload := slices.Concat([]byte{0}, series, make([]byte, meter.NumCounts-1))
		return slices.Concat([]byte{9, byte(len(payload))}, payload, []byte{8, 0})
	}
	deviceEntry := func(k telemetry.Kind) []byte {
		row := record.AppendDevice(nil, &telemetry.Device{Node: "n", Kind: k})
		payload := slices.Concat([]byte{byte(len(row))}, row, make([]byte, 6))
		return slices.Concat([]byte{4, byte(len(payload))}, payload, []byte{8, 0})
	}
	if _, err := engine.Restore(engine.DefaultConfig(), chunkReader(cut(after(deviceEntry(telemetry.KindWall)...), 7))); err != nil {
		t.Fatalf("the node that is an instance below is broken itself: %v", err)
	}
	for _, sound := range [][]byte{{4, 2, 0, 0, 1, 1, 0, 0}, {2, 2, 0, 1, 0}, {2, 2, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0}} {
		if _, err := engine.Restore(engine.DefaultConfig(), chunkReader(cut(after(counters(sound...)...), 7))); err != nil {
			t.Fatalf("what entries below are like is broken itself: %v", err)
		}
	}
	for _, tc := range []struct {
		name  string
		state []byte
	}{
		{"empty", nil},
		{"cut short", state[:len(state)-1]},
		{"cut in the middle", state[:len(state)/2]},
		{"unknown entry", []byte{99, 0}},
		{"device without node", []byte{4, 0}},
		{"size beyond the end", []byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f}},
		{"endless number", bytes.Repeat([]byte{0xff}, 30)},
		{"node without its times", []byte{3, 2, 1, 'n'}},
		{"history of a device that is not there", after(7, 8, 0, 0, 5, 2, 2, 0, 1, 0, 8, 0)},
		{"history that ends early", after(7, 6, 0, 0, 3, 2, 2, 0, 8, 0)},
		{"history at a place of no size", after(10, 6, 0, 0, 0, 0, 0, 0, 8, 0)},
		{"history at a place cut short", after(10, 5, 0, 0, 0, 0, 1, 8, 0)},
		{"placement without node's name", after(6, 0)},
		{"counter with two readings at one time", after(counters(4, 2, 1, 0, 1, 1, 0, 0)...)},
		{"counter with a negative reading", after(counters(2, 2, 1, 1, 0)...)},
		{"counter with a negative second reading", after(counters(4, 2, 0, 1, 1, 1, 1, 0)...)},
		{"counter on times that are not there", after(counters(3, 0, 1, 0)...)},
		{"counter of a strange scale", after(counters(4, 2, 0, 0, 3, 1, 0, 0)...)},
		{"counter of three bytes", after(counters(2, 2, 0, 1, 3, 0, 0, 0)...)},
		{"counter of eight bytes from a base", after(counters(2, 2, 2, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0)...)},
		{"counter on times of the node before", slices.Concat(after(counters(4, 2, 0, 0, 1, 1, 0, 0)...)[:len(node)+17], after(counters(5, 0, 1, 0)...))},
		{"node that is an instance", after(deviceEntry(telemetry.KindMIG)...)},
		{"counter with more times than bytes", after(counters(200, 1, 2)...)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := engine.Restore(engine.DefaultConfig(), chunkReader(cut(tc.state, 7))); !errors.Is(err, engine.ErrState) {
				t.Errorf("got %v, want ErrState", err)
			}
		})
	}
}

// stateWithBoth has history in memory and elsewhere.
func stateWithBoth(t *testing.T) []byte {
	e := restored(t, engine.DefaultConfig(), [][]byte{archivedStateOf(t, 1)})
	events := newEstate(1, 20*60*second).events(delivery{seed: 1, packs: 30})
	events[len(events)-1].apply(e)
	e.EndStep()
	return bytes.Join(snapshot(t, e), nil)
}

// TestStateVersionNamesTheEncoding reads a snapshot that an earlier build has
// written. Where it fails, the encoding has changed: then StateVersion must, too,
// so that such state is refused by name, and -update writes the file of the new one.
func TestStateVersionNamesTheEncoding(t *testing.T) {
	file := filepath.Join("testdata", fmt.Sprintf("state-%d.bin", engine.StateVersion))
	if *update && os.Getenv("CI") == "" {
		if err := os.WriteFile(file, stateWithBoth(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	state, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Restore(engine.DefaultConfig(), chunkReader(cut(state, 512)))
	if err != nil {
		t.Fatalf("restore what version %d has written: %v", engine.StateVersion, err)
	}
	if again := bytes.Join(snapshot(t, e), nil); !bytes.Equal(again, state) {
		t.Error("what was restored is written otherwise")
	}
}

func TestRestorePassesOnReadErrors(t *testing.T) {
	want := errors.New("no more")
	if _, err := engine.Restore(engine.DefaultConfig(), func() ([]byte, error) { return nil, want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestSnapshotStopsAtAnError(t *testing.T) {
	state := stateOf(t, 1)
	e := restored(t, engine.DefaultConfig(), [][]byte{state})
	want, calls := errors.New("full"), 0
	err := e.Snapshot(64, func([]byte) error { calls++; return want })
	if !errors.Is(err, want) || calls != 1 {
		t.Errorf("got %v after %d calls, want %v after 1", err, calls, want)
	}
}

// FuzzRestore: no input panics or allocates beyond its size, and what is
// restored writes a state that is restored as itself.
func FuzzRestore(f *testing.F) {
	small := engine.New(engine.DefaultConfig())
	for _, v := range newEstate(1, 4*60*second).events(delivery{packs: 30, dimsLate: true}) {
		v.apply(small)
		small.EndStep() // windows close one by one, so that there is history
	}
	f.Add(bytes.Join(snapshot(f, small), nil), uint16(100))
	(&attic{t: f}).evict(small, 500, 0)
	f.Add(bytes.Join(snapshot(f, small), nil), uint16(100))
	f.Add([]byte{8, 0}, uint16(1))
	f.Fuzz(func(t *testing.T, state []byte, chunk uint16) {
		if len(state) > 1<<16 {
			return
		}
		chunks := cut(state, max(int(chunk), len(state)/50))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		e, err := engine.Restore(engine.DefaultConfig(), chunkReader(chunks))
		runtime.ReadMemStats(&after)
		// Chunks that do not hold a whole entry are put together anew, each.
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+len(state)*(256+len(chunks))); got > most {
			t.Fatalf("%d bytes allocated for %d", got, len(state))
		}
		if err != nil {
			return
		}
		again := snapshot(t, e)
		if third := snapshot(t, restored(t, engine.DefaultConfig(), again)); !bytes.Equal(bytes.Join(again, nil), bytes.Join(third, nil)) {
			t.Fatal("a state is not restored as itself")
		}
	})
}
