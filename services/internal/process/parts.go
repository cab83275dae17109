package process

import (
	"fmt"

	"github.com/ntegral/ntegral/schemas/fact"
)

// partEncoder makes parts of the rows of a step as they come: of one day, at most
// fact.MaxRows rows and fact.MaxBytes bytes.
type partEncoder struct {
	builder *fact.Builder
	day     int64 // of the part at hand
}

const rowsAtOnce = 64 // are appended before it is asked whether the part is full

// add appends rows and calls put with each part that they fill. It reorders nothing:
// a change of day ends a part.
func (e *partEncoder) add(rows []fact.Row, put func(part []byte, sums *fact.Sums)) error {
	for len(rows) > 0 {
		have := e.builder.Rows()
		if have == 0 {
			e.day = rows[0].Day()
		}
		n := 0
		for n < min(len(rows), rowsAtOnce, fact.MaxRows-have) && rows[n].Day() == e.day {
			n++
		}
		if n == 0 || have > 0 && !e.builder.Fits(rows[:n]) {
			if err := e.finish(put); err != nil {
				return err
			}
			continue
		}
		e.builder.Append(rows[:n])
		rows = rows[n:]
	}
	return nil
}

// finish calls put with the part at hand, if there is one.
func (e *partEncoder) finish(put func(part []byte, sums *fact.Sums)) error {
	if e.builder.Rows() == 0 {
		return nil
	}
	part, sums, err := e.builder.Finish()
	if err != nil {
		return fmt.Errorf("encode part: %w", err)
	}
	if len(part) > fact.MaxBytes {
		return fmt.Errorf("encode part: it takes %d bytes, at most %d", len(part), fact.MaxBytes)
	}
	put(part, &sums)
	return nil
}
