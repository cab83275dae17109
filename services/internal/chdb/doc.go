// Package chdb binds libchdb, the ClickHouse engine as a shared library, without cgo.
//
// Words. A Library is the loaded shared object, found by Find and opened by Load. An Engine is
// the one running instance of it in this process, over one folder. A Conn is a session of that
// engine: it runs one statement at a time and keeps its own settings, database and user. A
// Stream is a query whose result is fetched block by block; an Insert is a statement whose data
// is appended chunk by chunk. Classify asks the engine's own parser what a text would do.
//
// Invariants.
//   - One Engine a process, one process a folder: Start takes a lock on the folder first, because
//     a second engine over the same files would destroy them.
//   - Memory that the engine returns is copied before the result is destroyed; memory that it is
//     given lives on the Go heap (never on a stack, which moves) and is kept alive over the call.
//   - The engine installs signal handlers of its own. Start puts Go's back, or the runtime loses
//     preemption, profiling and panics on nil pointers.
//   - The engine stops when its last connection closes, so an Engine holds one that nobody uses.
//
// Errors are of type *Error and carry ClickHouse's code, name and text.
//
// Concurrency. Conns of one Engine may be used at the same time, each by one goroutine. A blocked
// call cannot be interrupted through its own Conn: cancel it from another one (Engine.Kill).
package chdb
