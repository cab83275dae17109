package sink_test

import (
	"bytes"
	"fmt"
	"testing"

	schema "github.com/ntegral/ntegral/schemas/clickhouse"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
)

// BenchmarkInsertPart shows what a part costs the store however few rows it has:
// facts and both rollups, on one thread.
func BenchmarkInsertPart(b *testing.B) {
	client := sinktest.Client(b, chservertest.Start(b, b.TempDir()))
	if err := client.Migrate(b.Context(), schema.Migrations); err != nil {
		b.Fatal(err)
	}
	store := sink.ClickHouse{Client: client}
	broker := kafkatest.InProcess(b)
	sinktest.Topics(b, broker, 1)
	rows := sinktest.NewLog(b, broker.Client(b), 0).MakeRows(60, fact.MaxRows)
	builder := fact.NewBuilder()
	parts := 0 // a token that comes again costs nothing
	for _, n := range []int{50, 500, 2000, fact.MaxRows} {
		part, _, err := builder.Encode(rows[:n])
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			for b.Loop() {
				parts++
				if err := store.InsertPart(b.Context(), fmt.Sprint(parts), bytes.NewReader(part)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/row")
		})
	}
}
