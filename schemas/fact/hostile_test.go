package fact_test

import (
	"math/rand/v2"
	"runtime"
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

// TestTruncatedPartsAreRefused cuts a good part everywhere but at its end-of-stream mark.
func TestTruncatedPartsAreRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	b := fact.NewBuilder()
	want := randomRows(r, 5)
	good, _, err := b.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(good); n += 7 {
		if rows, err := fact.Decode(good[:n], memory.NewGoAllocator()); err == nil && len(rows) == len(want) && n < len(good)-8 {
			t.Errorf("%d of %d bytes: decoded whole", n, len(good))
		}
	}
}
