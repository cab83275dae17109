// Package product drives one ntegral system from outside: it starts the binary,
// asks its subcommands, and reads what the operating system knows of its
// processes. It is the only package of the load tests that knows how the
// product is called.
//
// Words: a system is one data folder and what `ntegral up` runs for it; its
// processes are the supervised children, by the name in run/status.json. A
// system elsewhere is known by its addresses alone (see package fleet).
//
// Invariants: whoever starts a system stops it (Down is safe to call twice, and
// without Up); a signal only ever goes to a process that runs the given binary;
// secrets stay in the data folder, this package neither reads nor prints them.
//
// Concurrency: a System may be asked from several goroutines; Up and Down are
// for one.
package product
