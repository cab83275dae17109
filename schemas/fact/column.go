package fact

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// column is a column of integers as Arrow keeps them. Zeros at its end are not there yet,
// so that a column that has nothing else, as often 12 of the 28 sums, takes neither time nor
// room. Its memory is used again for the next part.
type column struct {
	field arrow.Field
	width int // bytes of a number, little-endian
	data  []byte
}

func newColumn(f arrow.Field) column { return column{field: f, width: widthOf(f)} }

// zero reports whether all numbers are zero.
func (c *column) zero() bool { return len(c.data) == 0 }

// put appends numbers behind rows others, bits being what any of them has.
func (c *column) put(numbers []int64, bits int64, rows int) {
	if bits == 0 {
		return
	}
	c.fill(rows)
	at := len(c.data)
	c.data = c.grown(at + len(numbers)*c.width)
	to := c.data[at:]
	switch c.width {
	case 16: // a decimal, its sign in all of the upper half
		for i, v := range numbers {
			binary.LittleEndian.PutUint64(to[16*i:], uint64(v))
			binary.LittleEndian.PutUint64(to[16*i+8:], uint64(v>>63))
		}
	case 8:
		for i, v := range numbers {
			binary.LittleEndian.PutUint64(to[8*i:], uint64(v))
		}
	case 4:
		for i, v := range numbers {
			binary.LittleEndian.PutUint32(to[4*i:], uint32(v))
		}
	case 2:
		for i, v := range numbers {
			binary.LittleEndian.PutUint16(to[2*i:], uint16(v))
		}
	}
}

// fill appends the zeros of the first rows that are not there yet.
func (c *column) fill(rows int) {
	at, need := len(c.data), rows*c.width
	if at < need {
		c.data = c.grown(need)
		clear(c.data[at:])
	}
}

// grown returns the numbers with that length in bytes. Where they have to move they get twice
// the room at least.
func (c *column) grown(length int) []byte {
	if more := length - cap(c.data); more > 0 {
		return slices.Grow(c.data, max(length, 2*cap(c.data))-len(c.data))[:length]
	}
	return c.data[:length]
}

// array returns the column of rows as an Arrow array of a type, until reset.
func (c *column) array(rows int, of arrow.DataType) arrow.ArrayData {
	c.fill(rows)
	return array.NewData(of, rows, []*memory.Buffer{nil, memory.NewBufferBytes(c.data)}, nil, 0, 0)
}

// reset empties the column.
func (c *column) reset() { c.data = c.data[:0] }
