package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
)

// A broker that goes away and comes back in the middle costs time only.
func TestReplayOutlivesTheBroker(t *testing.T) {
	b := startBroker(t)
	cfg := configOf(fleet(t, 5, 300))
	cfg.ChunkRows = 500
	restarted := make(chan struct{})
	cut := killAt(8, func() {
		go func() {
			defer close(restarted)
			b.Stop(t)
			b.Start(t)
		}()
	})
	var out bytes.Buffer
	if err := runWith(t.Context(), cfg, settings(t, b, &out), kgo.WithHooks(cut)); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	<-restarted
	c := readContents(t, b)
	distinct := make(map[string]bool)
	for _, r := range c.readings {
		distinct[r] = true
	}
	if got, want := len(distinct), 5*300*2; got != want {
		t.Errorf("%d distinct readings, want %d", got, want)
	}
}

// flaky is a store that is away at first and then lags.
type flaky struct {
	ends
	asked int
}

func (f *flaky) Offsets(ctx context.Context) (map[int32]record.Offsets, error) {
	f.asked++
	if f.asked == 1 {
		return nil, errors.New("connection refused")
	}
	offsets, err := f.ends.Offsets(ctx)
	if f.asked < 4 {
		for p, o := range offsets {
			o.Samples--
			offsets[p] = o
		}
	}
	return offsets, err
}

func TestReplayWaitsForTheStore(t *testing.T) {
	b := startBroker(t)
	var out bytes.Buffer
	s := settings(t, b, &out)
	store := &flaky{ends: ends{t, b}}
	s.Ledger = store
	if err := Run(t.Context(), configOf(fleet(t, 2, 20)), s); err != nil {
		t.Fatal(err)
	}
	if store.asked != 4 {
		t.Errorf("asked %d times, want 4: until nothing is missing", store.asked)
	}
}

// A second replay waits for the lock and then finds that all is done.
func TestReplaysOfOneDirectoryTakeTurns(t *testing.T) {
	b := startBroker(t)
	cfg := configOf(fleet(t, 2, 20))
	dir, err := openDirectory(cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := dir.lock(t.Context(), func() { t.Error("nobody holds the lock yet") })
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{})
	done := make(chan error)
	go func() {
		again, err := dir.lock(t.Context(), func() { close(waiting) })
		if err == nil {
			err = again()
		}
		done <- err
	}()
	<-waiting
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := Run(t.Context(), cfg, settings(t, b, &out)); err != nil {
		t.Error(err)
	}
}

// A directory is known by its content, compressed or not, and by its shift.
func TestDigest(t *testing.T) {
	plain := fleet(t, 1, 10)
	zipped := t.TempDir()
	names, err := os.ReadDir(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		data, err := os.ReadFile(filepath.Join(plain, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(zipped, n.Name()+".gz"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, b, shifted, other := digestOf(t, plain, ""), digestOf(t, zipped, ""), digestOf(t, plain, "2026-01-01T00:00:00Z"), digestOf(t, fleet(t, 1, 11), "")
	if a != b {
		t.Errorf("digest %s of compressed files, want %s", b, a)
	}
	if a == shifted || a == other {
		t.Errorf("digests %s, %s, %s, want three", a, shifted, other)
	}
}

func digestOf(t *testing.T, path, at string) string {
	t.Helper()
	d, err := openDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := d.digest(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func TestParseSpeed(t *testing.T) {
	for _, tc := range []struct {
		text string
		want float64
		bad  bool
	}{{"max", 0, false}, {"", 0, false}, {"1", 1, false}, {"0.5", 0.5, false}, {"60", 60, false}, {"0", 0, true}, {"-1", 0, true}, {"fast", 0, true}, {"2x", 0, true}, {"NaN", 0, true}, {"Inf", 0, true}} {
		got, err := ParseSpeed(tc.text)
		if (err != nil) != tc.bad || got != tc.want {
			t.Errorf("ParseSpeed(%q) = %v, %v, want %v", tc.text, got, err, tc.want)
		}
	}
}
