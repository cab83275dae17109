// Package scale measures the whole product (embedded broker, processor, sink,
// store, each a process of its own) under clusters of many sizes: what an
// accelerator costs, whether the product keeps up with a live cluster, and how
// long a processor that was killed takes to be back.
//
// Words: history is load that lies in the topics before the processor starts and
// is consumed as fast as possible; live is load that comes when it would; span is
// the event time of a load; lag is samples that no commit has used, told in
// seconds of the load; a figure "a second, live" is what a cluster of that size
// gives a second when it runs, however fast it was consumed here.
//
// Invariants: the generator is a process of its own, so that its use is not ours;
// the same load gives the same records; a run whose processor accepted another
// number of readings than were written is an error, not a figure; disk is asked
// for before anything is written; only processes that the run started are
// signalled.
//
// Concurrency: one size at a time. One goroutine follows the commit logs, one
// samples memory, one reads what the generator says.
package scale
