// Package replay publishes a directory of recorded telemetry to Kafka, so that
// it takes the way that live telemetry takes. Package schemas/replay reads the
// files; this one opens them, packs readings into records, keeps track of what
// is published and waits until it shows in the store.
//
// Words. A replay is the publication of one directory's content at one time
// shift; its digest is the hash of both and names it. A chunk is a number of
// rows of samples.csv that are published and acknowledged together; progress is
// recorded behind each. A batch is the readings of one node that become one
// record.
//
// Invariants:
//
//   - Dimensions (inventory, rates, placements, billing) are acknowledged before
//     the first reading is sent, and all readings before the first seal.
//   - Readings of a series are published in the order of the file.
//   - What is published depends on the directory, the progress recorded at its
//     beginning and what nodes were known, not on when it is interrupted: chunks
//     are counted in rows and no batch reaches from one into the next.
//   - A replay that goes on after a kill looks up which records of the chunk
//     under way the log holds already, by their ce_id, and sends only the others.
//     A record is compared with what stands in the log before it is left out.
//     So a kill repeats no reading, however old the recording is; what a
//     restarted broker may repeat by itself stands next to its original.
//   - One replay of a directory runs at a time on one host: a second one waits
//     for the lock on the directory itself, then finds that it is done.
//
// Concurrency: Run reads, packs and sends in its own goroutine; compressed files
// are decompressed in a second one, and the Kafka client has its own. Nothing
// here is used by two goroutines unless it says so.
package replay
