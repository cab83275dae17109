package fact

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/ntegral/ntegral/schemas/record"
)

// Limits of a part: one Arrow stream holds at most MaxRows rows, of one day.
const (
	MaxRows  = 8192
	MaxBytes = record.MaxPartBytes
)

// decimalPrecision fits 64-bit integers of every scale.
const decimalPrecision = 18

// text is a string column: its name and where it stands in a row.
type text struct {
	name string
	of   func(*Row) *string
}

var texts = []text{
	{"node", func(r *Row) *string { return &r.Node }},
	{"device", func(r *Row) *string { return &r.Device }},
	{"placement", func(r *Row) *string { return &r.Placement }},
	{"state", func(r *Row) *string { return &r.State }},
	{"provider", func(r *Row) *string { return &r.Provider }},
	{"region", func(r *Row) *string { return &r.Region }},
	{"zone", func(r *Row) *string { return &r.Zone }},
	{"instance_type", func(r *Row) *string { return &r.InstanceType }},
	{"cluster", func(r *Row) *string { return &r.Cluster }},
	{"device_kind", func(r *Row) *string { return &r.DeviceKind }},
	{"device_model", func(r *Row) *string { return &r.DeviceModel }},
	{"manager", func(r *Row) *string { return &r.Manager }},
	{"workload", func(r *Row) *string { return &r.Workload }},
	{"workload_kind", func(r *Row) *string { return &r.WorkloadKind }},
	{"tenant", func(r *Row) *string { return &r.Tenant }},
	{"team", func(r *Row) *string { return &r.Team }},
	{"currency", func(r *Row) *string { return &r.Currency }},
	{"reason", func(r *Row) *string { return &r.Reason }},
}

// Column positions in the Arrow schema: two of the window, the strings, the
// sums, then the numbers of the origin.
const (
	windowStartField  = 0
	windowLengthField = 1
	firstText         = 2
)

var (
	dictionary = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	firstSum   = firstText + len(texts)
	originAt   = firstSum + int(NumColumns)
	schema     = newSchema()
	rowBytes   = fixedBytes(schema)
)

// framing is about what a stream takes beside its rows and their strings: the schema, and
// what says where columns and dictionaries lie.
const framing = 24 << 10

// LongestText is how many bytes the longest of the row's strings has.
func (r *Row) LongestText() (n int) {
	for _, t := range texts {
		n = max(n, len(*t.of(r)))
	}
	return n
}

// fixedBytes is what a row takes in columns of a schema, strings as their place in
// a dictionary, rounded up. Memory of the right size is not copied as it grows.
func fixedBytes(s *arrow.Schema) int {
	bits := 0
	for _, f := range s.Fields() {
		if t, ok := f.Type.(arrow.FixedWidthDataType); ok {
			bits += t.BitWidth() + 1 // whether it is null
		}
	}
	return bits/8 + 1
}

// Schema is the Arrow schema of facts.
func Schema() *arrow.Schema { return schema }

func newSchema() *arrow.Schema {
	fields := []arrow.Field{
		{Name: "window_start", Type: arrow.FixedWidthTypes.Timestamp_ms},
		{Name: "window_seconds", Type: arrow.PrimitiveTypes.Uint32},
	}
	for _, t := range texts {
		fields = append(fields, arrow.Field{Name: t.name, Type: dictionary})
	}
	for _, c := range Columns {
		f := arrow.Field{Name: c.Name, Type: arrow.PrimitiveTypes.Int64}
		if c.Scale > 0 {
			f.Type = &arrow.Decimal128Type{Precision: decimalPrecision, Scale: int32(c.Scale)}
		}
		fields = append(fields, f)
	}
	fields = append(fields,
		arrow.Field{Name: "recorded_at", Type: arrow.FixedWidthTypes.Timestamp_ms},
		arrow.Field{Name: "task", Type: arrow.PrimitiveTypes.Int32},
		arrow.Field{Name: "epoch", Type: arrow.PrimitiveTypes.Uint64},
		arrow.Field{Name: "step", Type: arrow.PrimitiveTypes.Uint64},
	)
	return arrow.NewSchema(fields, nil)
}

const (
	nsPerMillisecond = 1_000_000
	nsPerSecond      = 1_000_000_000
)

// Builder encodes rows as Arrow IPC streams: Append and Finish, or Encode.
type Builder struct {
	memory  *recycler
	record  *array.RecordBuilder
	words   []dictionaryColumn // of the string columns
	scratch scratch
	total   Sums // of the rows since Finish
	rows    int
	before  int // rows of the stream before
}

// NewBuilder returns a builder that allocates from mem; Release frees it.
func NewBuilder(mem memory.Allocator) *Builder {
	b := &Builder{memory: &recycler{Allocator: mem}, words: make([]dictionaryColumn, len(texts))}
	b.record = array.NewRecordBuilder(b.memory, schema)
	for i := range texts {
		b.words[i].builder = b.record.Field(firstText + i).(*array.BinaryDictionaryBuilder)
	}
	return b
}

// Release frees the builder's memory.
func (b *Builder) Release() {
	b.record.Release()
	b.memory.drain()
}

// tile is how many rows are appended at a time, column by column: as many as the cache
// holds. A row is 600 bytes; columns of a whole part took each from memory, and rows one
// by one asked each of their fifty columns what it is.
const tile = 64

// Encode returns rows as one self-contained Arrow IPC stream, and the sums
// over them.
func (b *Builder) Encode(rows []Row) (stream []byte, total Sums, err error) {
	if err := b.Append(rows); err != nil {
		return nil, Sums{}, err
	}
	return b.Finish()
}

// Append appends rows to the stream that Finish returns, and keeps none of them. After an
// error the builder is good for Release alone.
func (b *Builder) Append(rows []Row) error {
	if b.rows == 0 {
		b.record.Reserve(max(len(rows), b.before)) // parts that follow each other are alike
	}
	for part := range slices.Chunk(rows, tile) {
		for i := range part {
			b.total.Add(&part[i].Sums)
		}
		b.append(part)
		for i, t := range texts {
			if err := b.words[i].append(part, t.of); err != nil {
				return fmt.Errorf("append %s: %w", t.name, err)
			}
		}
	}
	b.rows += len(rows)
	return nil
}

// Rows is how many rows were appended.
func (b *Builder) Rows() int { return b.rows }

// Bytes is about as many bytes as the stream of the rows that were appended takes, and
// not fewer.
func (b *Builder) Bytes() int {
	n := framing + b.rows*rowBytes
	for i := range b.words {
		n += b.words[i].bytes
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
// and the sums over them.
func (b *Builder) Finish() (stream []byte, total Sums, err error) {
	size := b.Bytes()
	for i := range b.words {
		b.words[i].flush()
	}
	batch := b.record.NewRecord()
	defer batch.Release()
	for i := range b.words {
		b.words[i].reset()
	}
	total = b.total
	b.total, b.before, b.rows = Sums{}, b.rows, 0
	buf := bytes.NewBuffer(make([]byte, 0, size))
	w := ipc.NewWriter(buf, ipc.WithSchema(schema))
	if err := w.Write(batch); err != nil {
		return nil, Sums{}, fmt.Errorf("write arrow batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, Sums{}, fmt.Errorf("close arrow stream: %w", err)
	}
	return buf.Bytes(), total, nil
}

// append appends up to a tile of rows but for their strings.
func (b *Builder) append(rows []Row) {
	field, s := b.record.Field, &b.scratch
	appendColumn(field(windowStartField).(*array.TimestampBuilder), &s.times, rows, func(r *Row) arrow.Timestamp { return arrow.Timestamp(r.WindowStart / nsPerMillisecond) })
	appendColumn(field(windowLengthField).(*array.Uint32Builder), &s.seconds, rows, func(r *Row) uint32 { return uint32(r.WindowLength / nsPerSecond) })
	for i, c := range Columns {
		if c.Scale == 0 {
			appendColumn(field(firstSum+i).(*array.Int64Builder), &s.counts, rows, func(r *Row) int64 { return r.Sums[i] })
			continue
		}
		appendColumn(field(firstSum+i).(*array.Decimal128Builder), &s.decimals, rows, func(r *Row) decimal128.Num { return decimal128.FromI64(r.Sums[i]) })
	}
	appendColumn(field(originAt).(*array.TimestampBuilder), &s.times, rows, func(r *Row) arrow.Timestamp { return arrow.Timestamp(r.RecordedAt / nsPerMillisecond) })
	appendColumn(field(originAt+1).(*array.Int32Builder), &s.tasks, rows, func(r *Row) int32 { return r.Task })
	appendColumn(field(originAt+2).(*array.Uint64Builder), &s.numbers, rows, func(r *Row) uint64 { return r.Epoch })
	appendColumn(field(originAt+3).(*array.Uint64Builder), &s.numbers, rows, func(r *Row) uint64 { return r.Step })
}

// scratch is a tile of a column of each type.
type scratch struct {
	times    [tile]arrow.Timestamp
	seconds  [tile]uint32
	counts   [tile]int64
	decimals [tile]decimal128.Num
	tasks    [tile]int32
	numbers  [tile]uint64
}

// column takes numbers, all of them valid where valid is nil.
type column[T any] interface {
	AppendValues(values []T, valid []bool)
}

// appendColumn appends a number of each row to its column.
func appendColumn[T any](to column[T], values *[tile]T, rows []Row, of func(*Row) T) {
	for i := range rows {
		values[i] = of(&rows[i])
	}
	to.AppendValues(values[:len(rows)], nil)
}
