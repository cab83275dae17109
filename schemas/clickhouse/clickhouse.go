// Package clickhouse embeds the tables and views of the store as numbered
// migrations. A migration that has landed is never edited: a change is the
// next number. Column names and types follow package fact, held by a test.
package clickhouse

import "embed"

// Migrations holds migrations/NNNN_name.sql, applied in the order of their
// numbers. Statements end in a semicolon at the end of a line.
//
//go:embed migrations/*.sql
var Migrations embed.FS
