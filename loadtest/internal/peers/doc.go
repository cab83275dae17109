// Package peers runs the product and what a user could take instead of it on
// the same bytes of the same topics, one after the other, and compares what they
// need and what they find.
//
// Words: a load is the generated records (samples packed by ten seconds of a
// node, placements, inventory, rates); a contender is one way of making
// one-minute energy per workload out of them; a fact is such a sum of one node,
// workload and minute; the ceiling is the bare loop that decodes and hashes the
// samples, which no contender can beat. A reading is one metric of one device at
// one time.
//
// Invariants: the load is a function of its options, written before the first
// contender starts; every contender begins at the start of the topics, has the
// machine to itself, and is done when its input offsets stand committed at the
// end of the samples (the product: in its commit log). The clock runs from the
// start of the contender's process, so what it takes to get going counts. A
// contender that is not done in time, or whose facts differ, is reported as that.
//
// Concurrency: one contender at a time; the ceiling uses one goroutine a
// partition, as the product has one task a partition.
package peers
