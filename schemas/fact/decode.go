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

// Decode reads the rows of an Arrow IPC stream that Encode wrote. The stream is
// bounded before the Arrow library sees it, and a panic inside that library,
// which foreign bytes can cause, is returned as an error.
func Decode(stream []byte, mem memory.Allocator) (rows []Row, err error) {
	defer func() {
		if p := recover(); p != nil {
			rows, err = nil, fmt.Errorf("%w: %v", ErrMalformed, p)
		}
	}()
	if len(stream) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(stream), MaxBytes)
	}
	if err := checkFraming(stream); err != nil {
		return nil, err
	}
	r, err := ipc.NewReader(bytes.NewReader(stream), ipc.WithAllocator(&bounded{Allocator: mem, left: maxDecoded}), ipc.WithSchema(schema))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	defer r.Release()
	for r.Next() {
		record := r.Record()
		if int64(len(rows))+record.NumRows() > MaxRows {
			return nil, fmt.Errorf("%w: more than %d rows", ErrMalformed, MaxRows)
		}
		if rows, err = appendRows(rows, record); err != nil {
			return nil, err
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return rows, nil
}

func appendRows(rows []Row, record arrow.Record) ([]Row, error) {
	first := len(rows)
	rows = append(rows, make([]Row, record.NumRows())...)
	for i := range int(record.NumCols()) {
		if record.Column(i).NullN() > 0 {
			return nil, fmt.Errorf("%w: null in %s", ErrMalformed, schema.Field(i).Name)
		}
	}
	for i := range rows[first:] {
		row := &rows[first+i]
		row.WindowStart = int64(record.Column(windowStartField).(*array.Timestamp).Value(i)) * nsPerMillisecond
		row.WindowLength = int64(record.Column(windowLengthField).(*array.Uint32).Value(i)) * nsPerSecond
		row.RecordedAt = int64(record.Column(originAt).(*array.Timestamp).Value(i)) * nsPerMillisecond
		row.Task = record.Column(originAt + 1).(*array.Int32).Value(i)
		row.Epoch = record.Column(originAt + 2).(*array.Uint64).Value(i)
		row.Step = record.Column(originAt + 3).(*array.Uint64).Value(i)
		for j, t := range texts {
			column := record.Column(firstText + j).(*array.Dictionary)
			*t.of(row) = column.Dictionary().(*array.String).Value(column.GetValueIndex(i))
		}
		for j, c := range Columns {
			if c.Scale == 0 {
				row.Sums[j] = record.Column(firstSum + j).(*array.Int64).Value(i)
				continue
			}
			v := record.Column(firstSum + j).(*array.Decimal128).Value(i)
			row.Sums[j] = int64(v.LowBits())
			if v.HighBits() != row.Sums[j]>>63 {
				return nil, fmt.Errorf("%w: %s does not fit 64 bits", ErrMalformed, c.Name)
			}
		}
	}
	return rows, nil
}
