// Package commitlog reads a task's commit log: which steps count.
//
// Partition p of the facts topic is the commit log of task p. An open record
// begins an epoch, higher than all before it; of two opens with one epoch the
// first in the log wins. Parts carry a step's rows; a commit makes the step
// count if it stands in the log under the highest epoch so far, written by
// that epoch's owner, and all its parts stand before it. Nothing of a lower
// epoch counts after an open, so a processor that lost its task without
// noticing can write but is not heard. Of two records with one epoch, step and
// part (or two commits of one step) the first counts: a producer's retry can
// repeat a record.
//
// This is the one reading of those rules: processor, sink, detector and verify
// all go through a Reader. It is pure, and not safe for concurrent use.
package commitlog

import (
	"errors"
	"fmt"

	"github.com/ntegral/ntegral/schemas/record"
)

// ErrBroken says that the log contradicts its rules: a step is missing, or a
// commit lacks parts. Nothing may be built on such a log.
var ErrBroken = errors.New("broken commit log")

// Record is one record of the log.
type Record struct {
	Offset  int64
	Headers []record.Header
	Value   []byte // kept until its step ends: must not be reused by the caller
}

// Position is how far a log has been read; a Reader can continue from it.
type Position struct {
	Epoch uint64 // highest epoch opened
	Owner string // its open record's ID
	Step  uint64 // last step that counts; 0: none
	Next  int64  // offset to read next
}

// Step is a step that counts.
type Step struct {
	Commit record.Commit
	Parts  [][]byte // Arrow streams, parts 1 to n
	Offset int64    // of the commit record
	// After is the position behind the step: what a reader that has dealt with
	// it may store and continue from.
	After Position
}

// Reader applies the rules record by record.
type Reader struct {
	pos     Position
	pending map[uint32][]byte // parts of the step that follows pos.Step, in pos.Epoch
	foreign uint64            // records that do not count: lower epochs, repetitions
}

// NewReader continues from a position; the zero position is the log's start.
func NewReader(from Position) *Reader {
	return &Reader{pos: from, pending: map[uint32][]byte{}}
}

// Position is where the reader stands.
func (r *Reader) Position() Position { return r.pos }

// Ignored counts records that did not count: of lost epochs, or repeated.
func (r *Reader) Ignored() uint64 { return r.foreign }

// Add reads the next record and returns the step that it makes count, if it
// does. An error wraps record.ErrMalformed or ErrBroken; a malformed record is
// passed over and the reader stays usable.
func (r *Reader) Add(rec Record) (*Step, error) {
	r.pos.Next = rec.Offset + 1
	switch kind := record.TypeOf(rec.Headers); kind {
	case record.TypeOpen:
		return nil, r.open(rec)
	case record.TypePart:
		return nil, r.part(rec)
	case record.TypeCommit:
		return r.commit(rec)
	default:
		return nil, fmt.Errorf("%w: type %q in a commit log", record.ErrMalformed, kind)
	}
}

func (r *Reader) open(rec Record) error {
	o, err := record.DecodeOpen(rec.Value)
	if err != nil {
		return err
	}
	if o.Epoch <= r.pos.Epoch {
		r.foreign++
		return nil
	}
	r.pos.Epoch, r.pos.Owner = o.Epoch, o.ID
	clear(r.pending)
	return nil
}

func (r *Reader) part(rec Record) error {
	id, err := record.PartIDOf(rec.Headers)
	if err != nil {
		return err
	}
	if id.Epoch != r.pos.Epoch || id.Step != r.pos.Step+1 {
		r.foreign++
		return nil
	}
	if _, ok := r.pending[id.Part]; ok {
		r.foreign++
		return nil
	}
	r.pending[id.Part] = rec.Value
	return nil
}

func (r *Reader) commit(rec Record) (*Step, error) {
	c, err := record.DecodeCommit(rec.Value)
	if err != nil {
		return nil, err
	}
	if c.Epoch != r.pos.Epoch || c.Step <= r.pos.Step {
		r.foreign++
		return nil, nil
	}
	if c.Step != r.pos.Step+1 {
		return nil, fmt.Errorf("%w: offset %d commits step %d after step %d", ErrBroken, rec.Offset, c.Step, r.pos.Step)
	}
	if uint64(c.Parts) > uint64(len(r.pending)) { // before memory is taken for what a commit claims
		return nil, fmt.Errorf("%w: offset %d commits step %d of %d parts: %d stand before it", ErrBroken, rec.Offset, c.Step, c.Parts, len(r.pending))
	}
	parts := make([][]byte, c.Parts)
	for i := range parts {
		part, ok := r.pending[uint32(i+1)]
		if !ok {
			return nil, fmt.Errorf("%w: offset %d commits step %d without its part %d", ErrBroken, rec.Offset, c.Step, i+1)
		}
		parts[i] = part
	}
	r.pos.Step = c.Step
	clear(r.pending)
	return &Step{Commit: c, Parts: parts, Offset: rec.Offset, After: r.pos}, nil
}
