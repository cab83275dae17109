package fact_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/ntegral/ntegral/schemas/fact"
)

// TestBrokenPartsCostLittle breaks single bytes of good parts. Lengths inside
// Arrow's metadata are what the library allocates by, and a process that is
// told to allocate terabytes ends, whoever recovers.
func TestBrokenPartsCostLittle(t *testing.T) {
	const limit = 32 << 20
	r := rand.New(rand.NewPCG(7, 8))
	b := fact.NewBuilder()
	good, _, err := b.Encode(randomRows(r, 3))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	broken := make([]byte, len(good))
	for range 4000 {
		copy(broken, good)
		at := r.IntN(len(broken))
		broken[at] = byte(r.Uint32())
		runtime.ReadMemStats(&before)
		_, _ = fact.Decode(broken, memory.NewGoAllocator())
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > limit {
			t.Fatalf("byte %d = %d: decoding %d bytes allocated %d", at, broken[at], len(broken), took)
		}
	}
}

// TestDecodeRefusesLargeParts holds the bound on the input itself.
func TestDecodeRefusesLargeParts(t *testing.T) {
	if _, err := fact.Decode(make([]byte, fact.MaxBytes+1), memory.NewGoAllocator()); err == nil {
		t.Error("a part above the limit was decoded")
	}
}

// TestTruncatedPartsAreRefused cuts a good part everywhere, and adds to it.
func TestTruncatedPartsAreRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	b := fact.NewBuilder()
	good, _, err := b.Encode(randomRows(r, 5))
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := fact.Decode(good[:n], memory.NewGoAllocator()); !errors.Is(err, fact.ErrMalformed) {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
		if err := fact.Check(good[:n]); !errors.Is(err, fact.ErrMalformed) {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	for _, more := range [][]byte{{0}, good} {
		if _, err := fact.Decode(append(slices.Clone(good), more...), memory.NewGoAllocator()); !errors.Is(err, fact.ErrMalformed) {
			t.Errorf("%d bytes more: %v", len(more), err)
		}
	}
	if err := fact.Check(good); err != nil {
		t.Error(err)
	}
}
