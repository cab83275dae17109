// Package mlperf turns the power logs of a published MLPerf Training submission
// into replay directories, and holds the product's energies against the
// published ones.
//
// The readings are real and somebody else's: they are read in place and
// converted into a directory that the caller throws away; none of them lives in
// this repository. Whatever is derived from them is not verified by the MLCommons
// Association and is labelled so.
//
// Words: a set is one benchmark on one number of nodes; a run is one training
// run of it, held by a placement on every node from run start to run stop; the
// interconnect is an estimate of constant power for the whole run, carried by a
// device of kind network on the run's first node.
//
// Invariants: every reading of the log becomes one sample, as it was written and
// in file order within a run, also where it is out of order, repeated or
// negative; START and STOP are marks, not readings. Runs follow each other by
// start time, because the logs list them by name and a reading an hour behind
// its node would be late. Nodes are named by job and number: several jobs ran at
// one time, on machines that the log numbers alike.
//
// The method of the published figure: per run, energy of all nodes and the
// interconnect; sort by run time, drop the same number at each end, mean, times
// the scaling factor of the benchmark.
package mlperf
