package clickhouse_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
)

const (
	benchNumbers = 20
	benchStrings = 10
)

// benchPart is a part of presorted rows with dictionary strings and numbers of the given type.
func benchPart(b *testing.B, rows int, number arrow.DataType) []byte {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}
	fields := []arrow.Field{{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_ms}}
	for i := range benchStrings {
		fields = append(fields, arrow.Field{Name: fmt.Sprint("s", i), Type: dictionary})
	}
	for i := range benchNumbers {
		fields = append(fields, arrow.Field{Name: fmt.Sprint("n", i), Type: number})
	}
	schema := arrow.NewSchema(fields, nil)
	record := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer record.Release()
	for i := range rows {
		record.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(1_772_366_400_000 + int64(i/512)*60_000))
		for j := range benchStrings {
			if err := record.Field(1 + j).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("value ", i%(7+j))); err != nil {
				b.Fatal(err)
			}
		}
		for j := range benchNumbers {
			v := int64(i*7919+j) % 1_000_000_000
			switch f := record.Field(1 + benchStrings + j).(type) {
			case *array.Int64Builder:
				f.Append(v)
			case *array.Decimal128Builder:
				f.Append(decimal128.FromI64(v))
			}
		}
	}
	r := record.NewRecord()
	defer r.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	if err := w.Write(r); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func benchColumns(number, text string) string {
	columns := []string{"at DateTime64(3, 'UTC')"}
	for i := range benchStrings {
		columns = append(columns, fmt.Sprintf("s%d %s", i, text))
	}
	for i := range benchNumbers {
		columns = append(columns, fmt.Sprintf("n%d %s", i, number))
	}
	return strings.Join(columns, ", ")
}

// BenchmarkInsertArrow compares the ways to carry scaled integers into Decimal columns.
func BenchmarkInsertArrow(b *testing.B) {
	s := chservertest.Start(b, b.TempDir())
	c := open(b, s)
	const engine = " ENGINE = MergeTree ORDER BY (at, s0) SETTINGS non_replicated_deduplication_window = 1000"
	convert := make([]string, benchNumbers)
	divide := make([]string, benchNumbers)
	for i := range convert {
		convert[i] = fmt.Sprintf("reinterpret(n%d, 'Decimal64(6)') AS n%d", i, i)
		divide[i] = fmt.Sprintf("CAST(n%d AS Decimal(18, 0)) * toDecimal64('0.000001', 6) AS n%d", i, i)
	}
	mustExec(b, c,
		"CREATE TABLE direct ("+benchColumns("Decimal(18, 6)", "LowCardinality(String)")+")"+engine,
		"CREATE TABLE discard ("+benchColumns("Decimal(18, 6)", "LowCardinality(String)")+") ENGINE = Null",
		"CREATE TABLE plain ("+benchColumns("Decimal(18, 6)", "String")+")"+engine,
		"CREATE TABLE scaled ("+benchColumns("Int64", "LowCardinality(String)")+")"+engine,
		"CREATE TABLE target ("+benchColumns("Decimal(18, 6)", "LowCardinality(String)")+")"+engine,
		"CREATE TABLE source ("+benchColumns("Int64", "LowCardinality(String)")+") ENGINE = Null",
		"CREATE MATERIALIZED VIEW source_mv TO target AS SELECT * REPLACE ("+strings.Join(convert, ", ")+") FROM source")
	decimal, integer := &arrow.Decimal128Type{Precision: 18, Scale: 6}, arrow.PrimitiveTypes.Int64
	for _, rows := range []int{8192, 100_000} {
		for _, way := range []struct {
			name, table string
			number      arrow.DataType
		}{
			{"decimal", "direct", decimal},
			{"decimal_to_null", "discard", decimal},
			{"decimal_plain_strings", "plain", decimal},
			{"int64_null_and_view", "source", integer},
			{"int64_to_int64", "scaled", integer},
		} {
			part := benchPart(b, rows, way.number)
			b.Run(fmt.Sprintf("way=%s/rows=%d", way.name, rows), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					token := fmt.Sprint(way.name, rows, b.N, i)
					if err := c.InsertArrow(b.Context(), "INSERT INTO "+way.table, token, nil, bytes.NewReader(part)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(len(part))/float64(rows), "B/row")
			})
		}
	}
}
