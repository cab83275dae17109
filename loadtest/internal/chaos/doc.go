// Package chaos replays one set twice, undisturbed and while processes of the
// system are killed, and holds the two outcomes against each other.
//
// Words: an outcome is everything that must not depend on luck: per key the sums
// of the facts table, the reports to the byte, the verdict of verify; a round is
// one disturbed replay into a fresh system; a victim is the process that a kill
// meets (a supervised component, or the replay itself); a zombie is a processor
// that was stopped, replaced by another owner, and continued.
//
// Invariants: kills come at random moments of a running replay, drawn from the
// seed; a component is killed again only when the supervisor has it running
// again; rounds go on until the number of kills is reached; the columns that
// are summed are those that the table has, so a new one is compared too. Only
// processes that run the given binary are ever signalled.
//
// Concurrency: the replay runs beside the killer, which is the only goroutine
// that signals; outcomes are taken when both have ended.
package chaos
