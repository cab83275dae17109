package fact

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow/array"
)

// dictionaryColumn appends strings to a dictionary. A part repeats a few strings
// over and over, and hashing each of a row's eighteen was most of the time of
// encoding it, so the last ones are kept by what tells them apart cheaply.
type dictionaryColumn struct {
	builder *array.BinaryDictionaryBuilder
	known   [32]entry
	indices []int // of rows that are not yet with the builder

	distinct int // strings of the dictionary
	bytes    int // of them, and of where each begins
}

// entry is a string of the dictionary.
type entry struct {
	text  string
	index int // one more than that in the dictionary; 0: no string
}

// offsetBytes is what Arrow takes to say where a string begins.
const offsetBytes = 4

// place is where a string is kept, if it is.
func (c *dictionaryColumn) place(s string) *entry {
	if s == "" {
		return &c.known[0]
	}
	return &c.known[(int(s[len(s)-1])+len(s))%len(c.known)]
}

// reset forgets the strings of a part: the builder would keep those of all parts
// before, and write them with each.
func (c *dictionaryColumn) reset() {
	c.builder.ResetFull()
	clear(c.known[:])
	c.distinct, c.bytes = 0, 0
}

// append appends a column of some rows of a part.
func (c *dictionaryColumn) append(rows []Row, of func(*Row) *string) error {
	for i := range rows {
		s := *of(&rows[i])
		e := c.place(s)
		if e.index > 0 && e.text == s {
			c.indices = append(c.indices, e.index-1)
			continue
		}
		c.flush()
		if err := c.builder.AppendString(s); err != nil {
			return fmt.Errorf("append string: %w", err)
		}
		e.text, e.index = s, 1+c.builder.GetValueIndex(c.builder.Len()-1)
		if e.index > c.distinct {
			c.distinct = e.index
			c.bytes += len(s) + offsetBytes
		}
	}
	return nil
}

// flush hands indices to the builder, in the order of rows.
func (c *dictionaryColumn) flush() {
	if len(c.indices) > 0 {
		c.builder.AppendIndices(c.indices, nil)
		c.indices = c.indices[:0]
	}
}
