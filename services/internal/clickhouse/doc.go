// Package clickhouse is the product's way to its store: clickhouse-go over HTTP, the same to the
// embedded engine and to a real cluster.
//
// Words. A part is one block of rows as an Arrow stream. A token names a part's bytes for ever: a
// second insert under the same token is dropped by the store, and by every table that a
// materialised view fills from it. A migration is a numbered file of statements.
//
// Invariants.
//   - InsertArrow may be repeated with the same token and the same bytes, whatever became of the
//     earlier attempts; the rows are in the table and its rollups once. The tables need a
//     deduplication window for that, above all that can be in flight.
//   - A migration that has been applied is never applied again, and never changed.
//   - Errors leave the package classified by Classify: by type and by ClickHouse's code.
//   - Values travel as bound parameters, never as text in a statement.
//
// Concurrency. A Client may be used from many goroutines; it opens up to MaxConnections connections.
// Migrate is for one process at a time.
package clickhouse
