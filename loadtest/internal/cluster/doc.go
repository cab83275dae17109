// Package cluster generates the telemetry of clusters of any size, straight into
// the topics: nodes of eight accelerators, five metrics each, jobs that come and
// go. It fills the topics as fast as the broker takes it, and then goes on as a
// live cluster would.
//
// Words: a load says how many accelerators there are and how often they are read;
// a slot is the time of which a node sends one record, ten seconds or one interval
// if that is longer; history is what is written at once; live slots are written
// when they would be, each node at its own moment within the slot after.
//
// Invariants: values are a function of load and seed, times are those of the load
// and never the wall clock's; no node is a slot ahead of another; a record is sent
// once, and one that cannot be ends the generator.
//
// Concurrency: a goroutine a core generates a share of the nodes; they meet at
// the end of each slot.
package cluster
