// Package chserver serves the embedded ClickHouse engine over ClickHouse's HTTP interface, so that
// clickhouse-go, curl and BI tools talk to it as they talk to a server.
//
// Words. A user is one of two: the writer, who may do everything, and the reader, who may only
// look. A statement is the one SQL statement of a request; the head of an INSERT is its text
// without the data. A session is the engine's connection that serves one request and is closed
// after it, so nothing (settings, roles, temporary tables) leaks from one request to the next.
//
// Invariants.
//   - A reader's statement runs only if the engine's own parser says that it is one statement that
//     changes nothing, if the walk over its syntax tree meets no forbidden function, table function
//     or system table, in a session with the reader's role, with readonly = 1, and under limits on
//     time, memory and rows that no setting can lift (guard.go, session.go, engineconfig.go). Each
//     of these stands alone; none relies on this package reading SQL.
//   - Results and insert bodies are streamed in pieces of bounded size.
//   - A request that ends early takes its statement with it: the engine is told to kill it.
//   - An error before the first byte has ClickHouse's text, code header and HTTP status. After the
//     first byte it is ClickHouse's tagged exception block, and the connection is cut.
//
// The package reads SQL itself (statement.go) only to tell the head of an INSERT from its data and
// to find an explicit FORMAT; getting that wrong can break a statement, not a rule above.
//
// Concurrency. Handler serves requests concurrently, up to its limit of queries at a time.
package chserver
