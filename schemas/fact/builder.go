package fact

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/ntegral/ntegral/schemas/record"
)

const (
	nsPerMillisecond = 1_000_000
	nsPerSecond      = 1_000_000_000
)

// Builder encodes rows as Arrow IPC streams: Append and Finish, or Encode.
type Builder struct {
	window  []column // what windowOf says of a row
	texts   []words
	sums    []column
	origin  []column // what originOf says of a row
	numbers [tile]int64
	total   Sums // of the rows since Finish
	rows    int
}

// What a row has beside its strings and sums, in the order of the columns.
var (
	windowOf = []func(*Row) int64{
		func(r *Row) int64 { return r.WindowStart / nsPerMillisecond },
		func(r *Row) int64 { return r.WindowLength / nsPerSecond },
	}
	originOf = []func(*Row) int64{
		func(r *Row) int64 { return r.RecordedAt / nsPerMillisecond },
		func(r *Row) int64 { return int64(r.Task) },
		func(r *Row) int64 { return int64(r.Epoch) },
		func(r *Row) int64 { return int64(r.Step) },
	}
)

// NewBuilder returns a builder without rows.
func NewBuilder() *Builder {
	b := &Builder{}
	for i, f := range schema.Fields() {
		switch {
		case i >= originAt:
			b.origin = append(b.origin, newColumn(f))
		case i >= firstSum:
			b.sums = append(b.sums, newColumn(f))
		case i >= firstText:
			b.texts = append(b.texts, newWords(texts[i-firstText]))
		default:
			b.window = append(b.window, newColumn(f))
		}
	}
	return b
}

// tile is how many rows are appended at a time, column by column: as many as the cache
// holds. A row is 600 bytes; columns of a whole part took each from memory, and rows one
// by one asked each of their fifty columns what it is.
const tile = 64

// Encode returns rows as one self-contained Arrow IPC stream, and the sums
// over them.
func (b *Builder) Encode(rows []Row) (stream []byte, total Sums, err error) {
	b.Append(rows)
	return b.Finish()
}

// Append appends rows to the stream that Finish returns, and keeps none of them.
func (b *Builder) Append(rows []Row) {
	for part := range slices.Chunk(rows, tile) {
		b.append(part)
		b.rows += len(part)
	}
}

// append appends up to a tile of rows.
func (b *Builder) append(rows []Row) {
	for i := range b.window {
		b.putNumbers(&b.window[i], rows, windowOf[i])
	}
	for i := range b.texts {
		b.texts[i].put(rows, b.numbers[:], b.rows)
	}
	for i := range b.sums {
		bits, sum := int64(0), int64(0)
		for k := range rows {
			v := rows[k].Sums[i]
			b.numbers[k] = v
			bits |= v
			sum += v
		}
		b.total[i] += sum
		b.sums[i].put(b.numbers[:len(rows)], bits, b.rows)
	}
	for i := range b.origin {
		b.putNumbers(&b.origin[i], rows, originOf[i])
	}
}

func (b *Builder) putNumbers(c *column, rows []Row, of func(*Row) int64) {
	bits := int64(0)
	for k := range rows {
		b.numbers[k] = of(&rows[k])
		bits |= b.numbers[k]
	}
	c.put(b.numbers[:len(rows)], bits, b.rows)
}

// Rows is how many rows were appended.
func (b *Builder) Rows() int { return b.rows }

// Bytes is as many bytes as the stream of the rows that were appended takes at most: with
// all columns.
func (b *Builder) Bytes() int {
	n := framing + b.rows*rowBytes
	for i := range b.texts {
		n += b.texts[i].bytes()
	}
	return n
}

// Fits reports whether a stream of these rows, too, certainly has no more than MaxBytes.
func (b *Builder) Fits(rows []Row) bool {
	n := b.Bytes() + len(rows)*rowBytes
	if n+len(rows)*len(texts)*(record.MaxName+offsetBytes) <= MaxBytes {
		return true
	}
	for i := range rows {
		for _, t := range texts {
			n += len(*t.of(&rows[i])) + offsetBytes
		}
	}
	return n <= MaxBytes
}

// Finish returns the rows that were appended as one self-contained Arrow IPC stream,
// and the sums over them. It is an error if they are more than MaxRows.
func (b *Builder) Finish() (stream []byte, total Sums, err error) {
	defer b.reset()
	if b.rows > MaxRows {
		return nil, Sums{}, fmt.Errorf("encode facts: %d rows, at most %d", b.rows, MaxRows)
	}
	batch, size := b.batch()
	buf := bytes.NewBuffer(make([]byte, 0, size))
	w := ipc.NewWriter(buf, ipc.WithSchema(batch.Schema()))
	if err := w.Write(batch); err != nil {
		return nil, Sums{}, fmt.Errorf("write arrow batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, Sums{}, fmt.Errorf("close arrow stream: %w", err)
	}
	return buf.Bytes(), b.total, nil
}

// batch returns the columns that a stream has, which are those of the builder until it is
// reset, and about how many bytes it takes.
func (b *Builder) batch() (batch arrow.Record, size int) {
	var fields []arrow.Field
	var columns []arrow.Array
	add := func(f arrow.Field, a arrow.Array) {
		fields, columns = append(fields, f), append(columns, a)
		size += b.rows * widthOf(f)
	}
	number := func(c *column) { add(c.field, array.MakeFromData(c.array(b.rows, c.field.Type))) }
	for i := range b.window {
		number(&b.window[i])
	}
	for i := range b.texts {
		if w := &b.texts[i]; !w.places.zero() {
			add(w.places.field, w.array(b.rows))
			size += w.bytes()
		}
	}
	for i := range b.sums {
		if c := &b.sums[i]; !c.zero() {
			number(c)
		}
	}
	for i := range b.origin {
		number(&b.origin[i])
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(b.rows)), size + streamFraming(len(fields))
}

// reset forgets all rows.
func (b *Builder) reset() {
	for _, columns := range [][]column{b.window, b.sums, b.origin} {
		for i := range columns {
			columns[i].reset()
		}
	}
	for i := range b.texts {
		b.texts[i].reset()
	}
	b.total, b.rows = Sums{}, 0
}
