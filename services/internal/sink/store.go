package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	schema "github.com/ntegral/ntegral/schemas/clickhouse"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
)

// oneBlock keeps a part in one block, whose token then names all of it. A part
// has one day's rows, so it does not fall apart by the table's partitions either.
var oneBlock = clickhouse.QuerySettings{
	"max_insert_block_size":           1 << 20, // far above fact.MaxRows
	"min_insert_block_size_rows":      0,
	"min_insert_block_size_bytes":     0,
	"max_insert_threads":              1,
	"input_format_parallel_parsing":   0,
	"max_partitions_per_insert_block": 1,
	// A column that is not in a part is empty or zero in all of its rows.
	"input_format_arrow_allow_missing_columns": 1,
	// The views have summed their rows already.
	"optimize_on_insert": 0,
}

// ClickHouse is the store of the product.
type ClickHouse struct{ *clickhouse.Client }

// insertFacts names the columns: without their names the store would drop, in
// silence, a column of the part that the table lacks.
var insertFacts = func() string {
	var names []string
	for _, f := range fact.Schema().Fields() {
		names = append(names, f.Name)
	}
	return "INSERT INTO facts (" + strings.Join(names, ", ") + ")"
}()

// InsertPart implements Store.
func (c ClickHouse) InsertPart(ctx context.Context, token string, stream io.Reader) error {
	return c.InsertArrow(ctx, insertFacts, token, oneBlock, stream)
}

// InsertLedger implements Store.
func (c ClickHouse) InsertLedger(ctx context.Context, token string, columns []string, values []any) error {
	ctx = clickhouse.WithSettings(ctx, clickhouse.QuerySettings{
		"insert_deduplicate": 1, "insert_deduplication_token": token, "async_insert": 0,
	})
	batch, err := c.Batch(ctx, "INSERT INTO ledger ("+strings.Join(columns, ", ")+")")
	if err != nil {
		return err
	}
	if err := batch.Append(values...); err != nil {
		return errors.Join(fmt.Errorf("encode ledger row: %w", err), batch.Abort())
	}
	return clickhouse.Classify(ctx, batch.Send())
}

// Migrate implements Store.
func (c ClickHouse) Migrate(ctx context.Context) error {
	return c.Client.Migrate(ctx, schema.Migrations)
}
