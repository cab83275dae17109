package process

import (
	"fmt"

	"github.com/ntegral/ntegral/schemas/fact"
)

// partEncoder cuts rows into parts: of one day, at most fact.MaxRows rows and
// fact.MaxBytes bytes. How many rows fit depends on their strings, so it learns
// from the part before.
type partEncoder struct {
	builder  *fact.Builder
	rowBytes int // of the part before; 0: not known
}

const (
	nsPerDay = 24 * 60 * 60 * 1_000_000_000
	// guessedRowBytes is about what a row takes: 16 bytes a decimal, four an
	// entry of a dictionary.
	guessedRowBytes = 500
)

// encode returns the parts of rows, in order, and the sums over all of them. It
// reorders nothing: a change of day ends a part.
func (e *partEncoder) encode(rows []fact.Row) (parts [][]byte, sums []int64, err error) {
	var total fact.Sums
	for len(rows) > 0 {
		n := min(len(rows), e.fitting())
		for i := 1; i < n; i++ {
			if day(&rows[i]) != day(&rows[0]) {
				n = i
			}
		}
		part, sum, err := e.builder.Encode(rows[:n])
		if err != nil {
			return nil, nil, fmt.Errorf("encode part: %w", err)
		}
		e.rowBytes = len(part)/n + 1
		if len(part) > fact.MaxBytes {
			if n == 1 {
				return nil, nil, fmt.Errorf("encode part: a row takes %d bytes, at most %d", len(part), fact.MaxBytes)
			}
			continue // with fewer rows, as just learned
		}
		parts = append(parts, part)
		total.Add(&sum)
		rows = rows[n:]
	}
	return parts, total[:], nil
}

// fitting is how many rows to try, with some room for larger ones.
func (e *partEncoder) fitting() int {
	size := e.rowBytes
	if size == 0 {
		size = guessedRowBytes
	}
	return max(1, min(fact.MaxRows, fact.MaxBytes*9/10/size))
}

// day numbers days from the epoch; windows before it count down.
func day(r *fact.Row) int64 {
	d := r.WindowStart / nsPerDay
	if r.WindowStart%nsPerDay < 0 {
		d--
	}
	return d
}
