// Package chaos replays one set twice, undisturbed and while the system is
// disturbed, and holds the two outcomes against each other. Kill kills the
// processes of one `ntegral up`; Zombie stops and continues its processor; Fleet
// brings faults of all sorts on several processors and sinks, their broker and
// their store; Disk fills the disk under a system.
//
// Words: an outcome is everything that must not depend on luck: per key the sums
// of the facts table, the reports to the byte, the verdict of verify; a round is
// one disturbed replay into a fresh system; a victim is the process that a kill
// meets (a supervised component, or the replay itself); a strike is one kill, fault
// or filling, over when it returns; a fault begins, holds and ends, on some parts
// of a fleet, now and then with another one beside it; a zombie is a processor
// that was stopped, replaced by another owner, and continued.
//
// Invariants: strikes come at random moments of a running replay, drawn from the
// seed, and the seed alone decides which faults a fleet meets, in which order; a component is killed again only when the supervisor has it running
// again; rounds go on until the number of strikes is reached; the columns that
// are summed are those that the table has, so a new one is compared too. Only
// processes that run the given binary are ever signalled.
//
// Concurrency: the replay runs beside the striker, which is the only goroutine
// that signals, but for two faults at a time, which have no part in common;
// outcomes are taken when both have ended.
package chaos
