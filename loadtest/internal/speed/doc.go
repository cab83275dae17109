// Package speed measures one replay of a large set into a fresh system: from
// the start of the replay to the last row visible, with what each process used.
//
// Words: a row is one line of samples.csv; a device sample is five rows of one
// device at one time; the peer is the least that any reader of the same file
// must do (encoding/csv, strconv and time, one goroutine), measured in the same
// run so that the machine's mood cancels out.
//
// Invariants: the set is generated once per size and seed and reused; the system
// is fresh each time; figures are printed as name=value lines, one unit in each
// name. CPU seconds are those of the processes during the replay, peaks are over
// their lives.
//
// Concurrency: one goroutine; the measured processes have the machine.
package speed
