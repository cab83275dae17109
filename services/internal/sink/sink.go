// Package sink brings committed facts from the log to the store, once.
//
// Words. Partition p of the facts topic is the commit log of task p; a step of
// it counts by the rules of package commitlog. The sink inserts each part of a
// step that counts as one block of the facts table, with the part's token
// task/epoch/step/part, and then one row into the ledger, with the token
// task/epoch/step/ledger. The ledger says what has arrived: a task resumes
// behind its last ledger row, never from the group's offsets, which are
// committed for those who watch the lag.
//
// Invariants:
//
//   - A token names immutable bytes: a part is inserted as it stands in the log,
//     alone in its block. The table and the targets of its views drop a block
//     whose token they know, so a part that is inserted again, by this sink after
//     a crash, or by another that believes it owns the task, changes nothing.
//     Single ownership saves work; correctness does not depend on it.
//   - A ledger row is written after all parts of its step, and rows of one task
//     in the order of their steps: what the ledger holds is a prefix of the log.
//   - Nothing is dropped in silence. An error that may pass is retried for ever.
//     A part that the store refuses is looked at: if it cannot be decoded here
//     either, no repetition will help, and it goes to the dead letters, and its
//     number into refused_parts of the ledger row, where verify shows it. If it can
//     be decoded, the fault is the store's (a missing column, say): the task waits,
//     slowly trying again, and is unhealthy until an operator has acted.
//   - A log that contradicts its own rules, or that no longer holds what the
//     ledger wants next, stops its task, and that alone.
//
// Concurrency: a goroutine a task, without shared state but for the budget of
// bytes in flight and the number of inserts at a time; the parts of one step are
// inserted side by side.
package sink

import (
	"context"
	"io"

	"github.com/ntegral/ntegral/services/internal/textrow"
)

// Store is what the sink needs of the store. Errors say by package lifecycle
// whether trying again can help.
type Store interface {
	textrow.Store
	// InsertPart inserts an Arrow stream into facts as one block under token.
	InsertPart(ctx context.Context, token string, stream io.Reader) error
	// InsertLedger inserts one row into the ledger under token.
	InsertLedger(ctx context.Context, token string, columns []string, values []any) error
	// Migrate brings the tables to this program's version.
	Migrate(ctx context.Context) error
}
