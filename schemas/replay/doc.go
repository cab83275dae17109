// Package replay reads the directory of CSV files by which recorded telemetry
// enters the system, version 1 of that format: inventory, samples, placements,
// rates and billing. docs/formats/replay.md is its contract for users.
//
// Words. A row is one record of a file, after the header; its line is the
// number of the first line it stands on, counted from 1. A fault is a row, a
// cell or a file that cannot be used as it is, with where it stands and what
// would be right; a warning is a fault after which everything is still used.
// An estate is the nodes and devices that are known. A series is what the
// readings of one metric of one device have in common.
//
// Invariants. A fault never stops the rest: a bad row is left out, a file
// whose header lacks a column is left out, what stood before a torn end
// counts. A row is never used in part, and a last line that was cut off by a
// read error is not used at all, because its value may be cut, too. Nothing
// here holds more than one line of a file in memory but what the rows say, and
// a line is at most MaxLine bytes. The samples path does not allocate for a
// row of a series that it has seen.
//
// Quoting follows RFC 4180. A quote that is never closed, or is closed in the
// middle of a cell, costs the line on which it stands and no other.
//
// Nothing here opens files or knows the time; a reader belongs to one
// goroutine.
package replay
