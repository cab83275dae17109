// Package fleet runs the parts of one ntegral system as separate processes, as
// they run on several machines: one broker, one store, any number of processors
// and sinks. Nobody supervises them but the fleet, so each can be killed,
// stopped for a while, told to leave and started again by itself.
//
// Words: a part is one of these processes, by its name: broker, store,
// process-1, process-2, sink-1 and so on; a member is a processor or a sink,
// which shares the work of its group and has no name of its own there, so that
// it comes back as a new member; an outage is the time in which a part is meant
// to be away.
//
// Invariants: everything listens on loopback, on ports that stay over restarts;
// only processes that the fleet has started are signalled; a part that ends by
// itself outside an outage is started again, as any platform would do, and is
// counted; Close ends every process, a stopped one too; the fleet's own death
// ends all but an Apache Kafka, which its script runs.
//
// Concurrency: each part may be disturbed by one goroutine at a time, different
// parts by different ones. One goroutine a part watches its process.
package fleet
