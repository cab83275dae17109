package fact

import (
	"bytes"
	"fmt"

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

// framing is about what a stream takes beside its rows: the schema, and strings.
const framing = 24 << 10

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

// Builder encodes rows as Arrow IPC streams.
type Builder struct {
	memory *recycler
	record *array.RecordBuilder
	words  []dictionaryColumn // of the string columns
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

// Encode returns rows as one self-contained Arrow IPC stream, and the sums
// over them.
func (b *Builder) Encode(rows []Row) (stream []byte, total Sums, err error) {
	b.record.Reserve(len(rows))
	for i := range rows {
		b.append(&rows[i])
		total.Add(&rows[i].Sums)
	}
	for i, t := range texts {
		if err := b.words[i].append(rows, t.of); err != nil {
			return nil, Sums{}, fmt.Errorf("append %s: %w", t.name, err)
		}
	}
	batch := b.record.NewRecord()
	defer batch.Release()
	buf := bytes.NewBuffer(make([]byte, 0, framing+len(rows)*rowBytes))
	w := ipc.NewWriter(buf, ipc.WithSchema(schema))
	if err := w.Write(batch); err != nil {
		return nil, Sums{}, fmt.Errorf("write arrow batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, Sums{}, fmt.Errorf("close arrow stream: %w", err)
	}
	return buf.Bytes(), total, nil
}

// append appends a row but for its strings.
func (b *Builder) append(r *Row) {
	field := b.record.Field
	field(windowStartField).(*array.TimestampBuilder).Append(arrow.Timestamp(r.WindowStart / nsPerMillisecond))
	field(windowLengthField).(*array.Uint32Builder).Append(uint32(r.WindowLength / nsPerSecond))
	for i, c := range Columns {
		if c.Scale == 0 {
			field(firstSum + i).(*array.Int64Builder).Append(r.Sums[i])
			continue
		}
		field(firstSum + i).(*array.Decimal128Builder).Append(decimal128.FromI64(r.Sums[i]))
	}
	field(originAt).(*array.TimestampBuilder).Append(arrow.Timestamp(r.RecordedAt / nsPerMillisecond))
	field(originAt + 1).(*array.Int32Builder).Append(r.Task)
	field(originAt + 2).(*array.Uint64Builder).Append(r.Epoch)
	field(originAt + 3).(*array.Uint64Builder).Append(r.Step)
}
