package fact

import (
	"github.com/apache/arrow/go/v17/arrow"

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
	dictionary = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String} // of at most maxWords texts
	firstSum   = firstText + len(texts)
	originAt   = firstSum + int(NumColumns)
	schema     = newSchema()
	rowBytes   = fixedBytes(schema)
)

// columnFraming is about what a stream takes for a column beside its numbers and strings: its
// part of the schema, and what says where it and its dictionary lie. framing is for all.
const columnFraming = 256

var framing = streamFraming(schema.NumFields())

func streamFraming(columns int) int { return (4 + columns) * columnFraming }

// LongestText is how many bytes the longest of the row's strings has.
func (r *Row) LongestText() (n int) {
	for _, t := range texts {
		n = max(n, len(*t.of(r)))
	}
	return n
}

// fixedBytes is what a row takes in columns of a schema, strings as their place in a
// dictionary.
func fixedBytes(s *arrow.Schema) (n int) {
	for _, f := range s.Fields() {
		n += widthOf(f)
	}
	return n
}

// widthOf is how many bytes a number of a column has, or a place in its dictionary.
func widthOf(f arrow.Field) int { return f.Type.(arrow.FixedWidthDataType).BitWidth() / 8 }

// Schema is the Arrow schema of facts. A stream has its columns in this order, but none of
// strings that are all empty or of sums that are all zero: a column that is not there says so.
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
