package fact

import "github.com/apache/arrow/go/v17/arrow/memory"

// maxDecoded bounds what decoding one part may allocate in all. Ours take about
// twice their size; foreign columns may share one buffer, and the library
// copies it for each.
const maxDecoded = 16 << 20

// bounded is an allocator that panics beyond its budget; Decode recovers. It is
// the second line behind checkFraming.
type bounded struct {
	memory.Allocator
	left int
}

func (b *bounded) Allocate(size int) []byte {
	b.take(size)
	return b.Allocator.Allocate(size)
}

func (b *bounded) Reallocate(size int, old []byte) []byte {
	b.take(size - len(old))
	return b.Allocator.Reallocate(size, old)
}

func (b *bounded) take(size int) {
	if size > b.left {
		panic("more memory than a part may take")
	}
	b.left -= max(size, 0)
}
