package engine

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// History that waits for late events is seldom read again, and at a reading a
// second it would be most of what a task holds and of each of its checkpoints.
// So its blocks are written once to where they last, and only their places stay.
// Which blocks those are is no part of the state's meaning: figures are the same
// wherever history lies.

// Archive is where history lies that is not in memory.
type Archive interface {
	// Recall returns the bytes of a place. They are read only, and valid until the
	// next call.
	Recall(Place) ([]byte, error)
}

// Place says where a block lies: bytes [At, At+Size) of the record at Offset.
type Place struct {
	Offset int64
	At     uint32
	Size   uint32 // 0: nowhere
	Sum    uint32 // CRC-32C of these bytes: an offset may come to hold another record
}

// warmBlocks is how many of a node's last blocks stay in memory though they lie
// in the archive, if they are not too much: most of what is late is late by a minute or so.
const warmBlocks = 1

// maxEvicted bounds a block that is put away, in bytes. A larger one, of hours or of
// readings every few milliseconds, stays in memory: records have their bounds.
const maxEvicted = 512 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// UseArchive sets where blocks are recalled from.
func (e *Engine) UseArchive(a Archive) { e.vault.archive = a }

// Err returns why the engine cannot go on: history that it needed could not be
// recalled. What it returned since, and its state, are worth nothing then.
func (e *Engine) Err() error { return e.vault.err }

// vault reads blocks for the nodes of an engine.
type vault struct {
	archive Archive
	err     error // the first failure
}

var errNoArchive = errors.New("there is no archive")

// open returns the bytes of a block, none after a failure.
func (v *vault) open(b *block) []byte {
	if b.data != nil || v.err != nil {
		return b.data
	}
	if b.place.Size == 0 {
		v.err = fmt.Errorf("recall history: %w: what was to be forgotten is needed", ErrState)
		return nil
	}
	if v.archive == nil {
		v.err = fmt.Errorf("recall history: %w", errNoArchive)
		return nil
	}
	data, err := v.archive.Recall(b.place)
	switch {
	case err != nil:
		v.err = fmt.Errorf("recall history: %w", err)
		return nil
	case uint32(len(data)) != b.place.Size || crc32.Checksum(data, castagnoli) != b.place.Sum:
		v.err = fmt.Errorf("recall history: %w: what lies at offset %d is not what was put there", ErrState, b.place.Offset)
		return nil
	}
	return data
}

// Eviction is history on its way into an archive.
type Eviction struct {
	engine *Engine
	moved  []moved
	record int
	buf    []byte
	limit  int
	put    func([]byte) error
}

type moved struct {
	node   *node
	block  int
	record int // its number
	place  Place
}

// Evict writes the blocks that lie in memory alone, between two steps: it hands
// records of about limit bytes, each its to keep, to put. Blocks that lie before
// the offset carry are written once more, so that what is before it can be
// deleted. The blocks leave memory when Placed is told where the records came to
// lie; if that never happens they stay.
func (e *Engine) Evict(limit int, carry int64, put func(record []byte) error) (*Eviction, error) {
	v := &Eviction{engine: e, limit: limit, put: put}
	for _, id := range sortedKeys(e.nodes) {
		n := e.nodes[id]
		for k := range n.history {
			b := &n.history[k]
			if b.place.Size > 0 && b.place.Offset >= carry {
				continue
			}
			data := e.vault.open(b)
			if e.vault.err != nil {
				return nil, e.vault.err
			}
			if len(data) == 0 || len(data) > maxEvicted {
				continue
			}
			if err := v.add(n, k, data); err != nil {
				return nil, err
			}
		}
	}
	return v, v.flush()
}

func (v *Eviction) add(n *node, k int, data []byte) error {
	if len(v.buf) > 0 && len(v.buf)+len(data) > v.limit {
		if err := v.flush(); err != nil {
			return err
		}
	}
	v.moved = append(v.moved, moved{n, k, v.record, Place{At: uint32(len(v.buf)), Size: uint32(len(data)), Sum: crc32.Checksum(data, castagnoli)}})
	v.buf = append(v.buf, data...)
	return nil
}

func (v *Eviction) flush() error {
	if len(v.buf) == 0 {
		return nil
	}
	record := v.buf
	v.buf = make([]byte, 0, v.limit)
	v.record++
	return v.put(record)
}

// Packed is how many bytes of history have come to lie in memory since the last
// eviction; some may have gone again.
func (e *Engine) Packed() int { return e.packed }

// Placed takes the offsets of the records, in the order in which put got them,
// and lets go of what lies there, but for each node's last block if all of these have no
// more than warm bytes. No event may have been applied since Evict.
func (v *Eviction) Placed(offsets []int64, warm int) {
	for _, m := range v.moved {
		m.place.Offset = offsets[m.record]
		m.node.history[m.block].place = m.place
	}
	if v.keep(warmBlocks) > warm {
		v.keep(0)
	}
	v.engine.packed = 0
}

// keep lets go of what lies in the archive but for the last blocks of each node, and
// returns how many bytes of it stay.
func (v *Eviction) keep(last int) (stays int) {
	for _, n := range v.engine.nodes {
		for k := range n.history {
			b := &n.history[k]
			if b.place.Size == 0 {
				continue
			}
			if k < len(n.history)-last {
				b.data = nil
			}
			stays += len(b.data)
		}
	}
	return stays
}

// OldestPlace is the smallest offset at which a block lies; ok is false if none
// lies anywhere.
func (e *Engine) OldestPlace() (offset int64, ok bool) {
	offset = math.MaxInt64
	for _, n := range e.nodes {
		for k := range n.history {
			if p := n.history[k].place; p.Size > 0 {
				offset, ok = min(offset, p.Offset), true
			}
		}
	}
	return offset, ok
}

// takeLast takes a node's last block off its history and returns its bytes, none
// after a failure.
func (n *node) takeLast() []byte {
	k := len(n.history) - 1
	b := n.history[k]
	n.history = slices.Delete(n.history, k, k+1)
	data := n.vault.open(&b)
	if b.data == nil && n.vault.err == nil && !n.fitsBlock(&unpacker{}, data) {
		n.vault.err = fmt.Errorf("recall history: %w: block of node %s at offset %d", ErrState, n.id, b.place.Offset)
		return nil
	}
	return data
}
