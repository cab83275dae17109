package fact

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// ErrMalformed is wrapped by every error of Decode: the same bytes fail again.
var ErrMalformed = errors.New("malformed facts")

// ErrUnknownColumn is wrapped, too, where there is a column that this version does not
// know: a newer one may have written it.
var ErrUnknownColumn = errors.New("unknown column, maybe of a newer version")

// Decode reads the rows of an Arrow IPC stream that Encode wrote. The stream is
// bounded before the Arrow library sees it, and a panic inside that library,
// which foreign bytes can cause, is returned as an error.
func Decode(stream []byte, mem memory.Allocator) (rows []Row, err error) {
	defer refusePanic(&err)
	r, fields, err := open(stream, mem)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	for r.Next() {
		record := r.Record()
		if int64(len(rows))+record.NumRows() > MaxRows {
			return nil, fmt.Errorf("%w: more than %d rows", ErrMalformed, MaxRows)
		}
		if rows, err = appendRows(rows, fields, record); err != nil {
			return nil, err
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return rows, nil
}

// Check reports, without reading its rows, whether a stream has the columns of facts and is
// whole. A store that is given a stream takes any column that is not there for empty, and
// leaves out those that it does not know.
func Check(stream []byte) (err error) {
	defer refusePanic(&err)
	r, _, err := open(stream, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	r.Release()
	return nil
}

// refusePanic, deferred, makes an error of a panic.
func refusePanic(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrMalformed, p)
	}
}

// open returns a reader of a stream's batches and which field of the schema each of their
// columns is. It may panic on what the Arrow library cannot take.
func open(stream []byte, mem memory.Allocator) (r *ipc.Reader, fields []int, err error) {
	if len(stream) > MaxBytes {
		return nil, nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(stream), MaxBytes)
	}
	if err := checkFraming(stream); err != nil {
		return nil, nil, err
	}
	r, err = ipc.NewReader(bytes.NewReader(stream), ipc.WithAllocator(&bounded{Allocator: mem, left: maxDecoded}))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if fields, err = match(r.Schema()); err != nil {
		r.Release()
		return nil, nil, err
	}
	return r, fields, nil
}

// match returns which field of the schema each of a stream's fields is. They come in the
// schema's order; only strings and sums may be left out, which are then empty or zero.
func match(stream *arrow.Schema) (fields []int, err error) {
	next := 0
	for _, f := range stream.Fields() {
		if !schema.HasField(f.Name) {
			return nil, fmt.Errorf("%w: %w: %s", ErrMalformed, ErrUnknownColumn, f.Name)
		}
		for next < schema.NumFields() && schema.Field(next).Name != f.Name {
			if next < firstText || next >= originAt {
				return nil, fmt.Errorf("%w: no %s", ErrMalformed, schema.Field(next).Name)
			}
			next++
		}
		if next == schema.NumFields() || !f.Equal(schema.Field(next)) {
			return nil, fmt.Errorf("%w: %s is not of this type, or not here", ErrMalformed, f.Name)
		}
		fields = append(fields, next)
		next++
	}
	if next < schema.NumFields() {
		return nil, fmt.Errorf("%w: no %s", ErrMalformed, schema.Field(max(next, originAt)).Name)
	}
	return fields, nil
}

// appendRows appends the rows of a batch whose columns are those fields.
func appendRows(rows []Row, fields []int, record arrow.Record) ([]Row, error) {
	first := len(rows)
	rows = append(rows, make([]Row, record.NumRows())...)
	for i, field := range fields {
		column := record.Column(i)
		if column.NullN() > 0 {
			return nil, fmt.Errorf("%w: null in %s", ErrMalformed, schema.Field(field).Name)
		}
		if err := read(rows[first:], field, column); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// read reads a column into a field of rows.
func read(rows []Row, field int, column arrow.Array) error {
	switch {
	case field >= originAt || field < firstText:
		readNumbers(rows, field, column)
	case field >= firstSum:
		return readSum(rows, Column(field-firstSum), column)
	default:
		words := column.(*array.Dictionary)
		dictionary, of := words.Dictionary().(*array.String), texts[field-firstText].of
		for k := range rows {
			*of(&rows[k]) = dictionary.Value(words.GetValueIndex(k))
		}
	}
	return nil
}

func readNumbers(rows []Row, field int, column arrow.Array) {
	for k := range rows {
		row := &rows[k]
		switch field {
		case windowStartField:
			row.WindowStart = int64(column.(*array.Timestamp).Value(k)) * nsPerMillisecond
		case windowLengthField:
			row.WindowLength = int64(column.(*array.Uint32).Value(k)) * nsPerSecond
		case originAt:
			row.RecordedAt = int64(column.(*array.Timestamp).Value(k)) * nsPerMillisecond
		case originAt + 1:
			row.Task = column.(*array.Int32).Value(k)
		case originAt + 2:
			row.Epoch = column.(*array.Uint64).Value(k)
		case originAt + 3:
			row.Step = column.(*array.Uint64).Value(k)
		}
	}
}

func readSum(rows []Row, sum Column, column arrow.Array) error {
	if counts, ok := column.(*array.Int64); ok {
		for k := range rows {
			rows[k].Sums[sum] = counts.Value(k)
		}
		return nil
	}
	decimals := column.(*array.Decimal128)
	for k := range rows {
		v := decimals.Value(k)
		rows[k].Sums[sum] = int64(v.LowBits())
		if v.HighBits() != rows[k].Sums[sum]>>63 {
			return fmt.Errorf("%w: %s does not fit 64 bits", ErrMalformed, Columns[sum].Name)
		}
	}
	return nil
}
