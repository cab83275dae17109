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
}

// entry is a string of the dictionary.
type entry struct {
	text  string
	index int // one more than that in the dictionary; 0: no string
}

// place is where a string is kept, if it is.
func (c *dictionaryColumn) place(s string) *entry {
	if s == "" {
		return &c.known[0]
	}
	return &c.known[(int(s[len(s)-1])+len(s))%len(c.known)]
}

// begin begins a part. The builder would keep the strings of all parts before, and
// write them with each.
func (c *dictionaryColumn) begin() {
	c.builder.ResetFull()
	clear(c.known[:])
	c.indices = c.indices[:0]
}

// end ends a part.
func (c *dictionaryColumn) end() {
	c.flush()
	clear(c.known[:]) // they would keep the strings
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
