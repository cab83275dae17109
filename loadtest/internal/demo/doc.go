// Package demo shows the whole way on one machine: it generates an estate (or
// converts published logs), starts a system, replays into it, and prints what
// the product says beside what was planted or published.
//
// Words: a figure is one number of one workload, ours from the product's report
// and the truth from the generator; a system is what `ntegral up` runs.
//
// Invariants: the demo fails when a figure is further from its truth than the
// tolerance of the sensors in between, when conservation leaves a residual,
// when `verify` finds anything, or when a published energy is missed; it always
// stops the system that it started, also after a failure or an interrupt, but
// for Keep.
//
// Concurrency: one goroutine.
package demo
