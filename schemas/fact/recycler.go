package fact

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// recycler hands out memory that was freed before, by powers of two. A builder
// needs the same columns for each part, and new memory for them, cleared and
// touched for the first time, was a quarter of the time of encoding.
type recycler struct {
	memory.Allocator
	free [maxRecycled + 1][][]byte // by the logarithm of their capacity
}

// maxRecycled is the logarithm of the largest piece that is kept: a column of
// decimals of the largest part.
const maxRecycled = 18

func class(size int) int { return bits.Len(uint(max(size, 64) - 1)) }

// Allocate returns size bytes of zeros.
func (r *recycler) Allocate(size int) []byte {
	k := class(size)
	if k > maxRecycled {
		return r.Allocator.Allocate(size)
	}
	if n := len(r.free[k]); n > 0 {
		b := r.free[k][n-1]
		r.free[k] = r.free[k][:n-1]
		b = b[:size]
		clear(b)
		return b
	}
	return r.Allocator.Allocate(1 << k)[:size]
}

// Reallocate returns b with another size; what it gains is zeros.
func (r *recycler) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		if size > len(b) {
			clear(b[len(b):size])
		}
		return b[:size]
	}
	moved := r.Allocate(size)
	copy(moved, b)
	r.Free(b)
	return moved
}

// Free takes b back.
func (r *recycler) Free(b []byte) {
	k := class(cap(b))
	if k > maxRecycled || cap(b) != 1<<k {
		r.Allocator.Free(b)
		return
	}
	r.free[k] = append(r.free[k], b)
}

// drain gives all memory back.
func (r *recycler) drain() {
	for k := range r.free {
		for _, b := range r.free[k] {
			r.Allocator.Free(b[:1<<k])
		}
		r.free[k] = nil
	}
}
