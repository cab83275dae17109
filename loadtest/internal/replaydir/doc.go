// Package replaydir writes replay directories: the CSV files by which recorded
// telemetry enters the product (inventory, samples, placements, rates).
//
// It is a second, separate writer of a public format on purpose. The load tests
// hold the product from outside, so they share none of its code, and a change
// of the format that the product makes alone shows up here as a failed replay.
//
// Words: a row is one line of one file; a directory is the set of files; a
// fixed is a decimal number carried as an integer of its last digit, because a
// benchmark set has nine million of them and float formatting would be most of
// the time.
//
// Invariants: a file appears under its final name only when it is complete
// (written beside it and renamed); columns and their order are those of the
// format, always all of them; rows come out in the order in which they came in.
//
// Concurrency: a Samples writer belongs to one goroutine; the functions for the
// small files are independent of each other.
package replaydir
