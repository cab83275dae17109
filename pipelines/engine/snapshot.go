package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// StateVersion names the encoding of snapshots; another one is not read.
const StateVersion = 8

// ErrState says that a snapshot cannot be read.
var ErrState = errors.New("malformed engine state")

// Kinds of entries of a snapshot. Entries of a node follow its entryNode.
const (
	entryEngine = iota + 1
	entryRate
	entryNode
	entryDevice
	entryActivity
	entryPlacement
	entryHistory
	entryEnd
	entryCounters
	entryArchived
)

// Snapshot writes the state between two steps as chunks of at most chunkBytes,
// which emit may keep. The same events, in the same records and steps, give equal bytes
// if history lies at equal places.
func (e *Engine) Snapshot(chunkBytes int, emit func([]byte) error) error {
	if e.vault.err != nil {
		return e.vault.err
	}
	w := &stateWriter{limit: chunkBytes, emit: emit}
	w.entry(entryEngine, binary.AppendUvarint(appendString(binary.AppendVarint(nil, e.partition), e.run), e.sequence))
	e.rates.Each(func(r *telemetry.Rate) { w.entry(entryRate, record.AppendRate(nil, r)) })
	for _, id := range sortedKeys(e.nodes) {
		e.nodes[id].write(w)
	}
	w.entry(entryEnd, nil)
	return w.flush()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (n *node) write(w *stateWriter) {
	b := appendString(nil, n.id)
	for _, v := range n.times() {
		b = binary.AppendVarint(b, *v)
	}
	b = binary.AppendUvarint(b, uint64(len(n.islands)))
	for _, s := range n.islands {
		b = binary.AppendVarint(binary.AppendVarint(b, s.From), s.To)
	}
	w.entry(entryNode, b)
	var series seriesWriter
	for _, id := range sortedKeys(n.devices) {
		d := n.devices[id]
		b = appendBytes(b[:0], record.AppendDevice(nil, &d.Device))
		for _, s := range deviceSeries(d) {
			b = series.append(b, s)
		}
		w.entry(entryDevice, b)
	}
	for _, key := range sortedKeys(n.activity) {
		b = appendString(b[:0], key)
		for _, s := range n.activity[key].Series() {
			b = series.append(b, s)
		}
		w.entry(entryActivity, b)
	}
	for _, key := range sortedKeys(n.counters) {
		b = appendString(b[:0], key)
		for _, s := range n.counters[key].Series() {
			b = series.append(b, s)
		}
		w.entry(entryCounters, b)
	}
	for _, id := range sortedKeys(n.placements) {
		for _, p := range n.placements[id] {
			w.entry(entryPlacement, record.AppendPlacement(nil, p))
		}
	}
	for i := range n.history {
		h := &n.history[i]
		b = binary.AppendVarint(binary.AppendVarint(b[:0], h.edge), h.reach)
		if h.place.Size > 0 {
			w.entry(entryArchived, h.place.append(b))
			continue
		}
		w.entry(entryHistory, appendBytes(b, h.data))
	}
}

// times are the node's times that a snapshot carries.
func (n *node) times() []*int64 {
	return []*int64{&n.newest, &n.ahead, &n.lastReading, &n.frontier, &n.heard, &n.closeTo, &n.emitted, &n.floor, &n.settled}
}

func deviceSeries(d *attribution.Device) [seriesOfDevice]*meter.Series {
	return [...]*meter.Series{
		&d.Readings.Counter, &d.Readings.Power, &d.Readings.Limit,
		&d.Busy.SMActive, &d.Busy.GraphicsEngineActive, &d.Busy.GPUUtil,
	}
}

func appendString(b []byte, s string) []byte { return appendBytes(b, []byte(s)) }

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// stateWriter cuts entries into chunks.
type stateWriter struct {
	limit int
	emit  func([]byte) error
	buf   []byte
	err   error
}

func (w *stateWriter) entry(kind uint64, payload []byte) {
	w.buf = binary.AppendUvarint(w.buf, kind)
	w.buf = appendBytes(w.buf, payload)
	for len(w.buf) >= w.limit && w.err == nil {
		w.err = w.emit(append([]byte(nil), w.buf[:w.limit]...))
		w.buf = w.buf[:copy(w.buf, w.buf[w.limit:])]
	}
}

func (w *stateWriter) flush() error {
	if w.err == nil && len(w.buf) > 0 {
		w.err = w.emit(w.buf)
	}
	return w.err
}

// Restore reads a snapshot from its chunks, in order; next returns an empty
// chunk at the end. Errors wrap ErrState, or are those of next.
func Restore(cfg Config, next func() ([]byte, error)) (*Engine, error) {
	e := New(cfg)
	r, u, f := &stateReader{next: next}, &unpacker{}, &fields{}
	var n *node
	for {
		kind, payload, err := r.entry()
		if err != nil {
			return nil, err
		}
		f.b, f.bad = payload, false
		switch kind {
		case entryEngine:
			e.partition, e.run, e.sequence = f.varint(), f.text(), f.uvarint()
		case entryRate:
			rate, err := record.DecodeRate(payload)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrState, err)
			}
			e.rates.Set(&rate)
			continue
		case entryNode:
			n = e.node(f.text())
			f.times = nil
			f.node(n)
		case entryEnd:
			for _, id := range sortedKeys(e.nodes) {
				n := e.nodes[id]
				if n.setTail(); n.known() && n.emitted < n.closeTo {
					e.mention(n)
				}
			}
			return e, nil
		default:
			if n == nil {
				return nil, fmt.Errorf("%w: entry %d before its node", ErrState, kind)
			}
			if err := f.part(n, kind, u); err != nil {
				return nil, err
			}
		}
		if f.bad {
			return nil, fmt.Errorf("%w: entry %d", ErrState, kind)
		}
	}
}

// part reads an entry that belongs to a node.
func (f *fields) part(n *node, kind uint64, u *unpacker) error {
	switch kind {
	case entryDevice:
		device, err := record.DecodeDevice(f.bytes())
		if err != nil {
			return fmt.Errorf("%w: %w", ErrState, err)
		}
		if !fitsNode(&device) {
			return fmt.Errorf("%w: device %q: kind %s does not fit", ErrState, device.ID, device.Kind)
		}
		d := &attribution.Device{Device: shared(&device)}
		d.Node = n.id
		d.Readings.MaxPower = int64(telemetry.MaxPower(d.Kind))
		for _, s := range deviceSeries(d) {
			f.series(s)
		}
		n.devices[d.ID] = d
	case entryActivity:
		b := &meter.Busy{}
		n.activity[f.text()] = b
		for _, s := range b.Series() {
			f.series(s)
		}
	case entryCounters:
		c := &meter.Counters{}
		n.counters[f.text()] = c
		for _, s := range c.Series() {
			f.series(s)
		}
	case entryHistory:
		h := block{edge: f.varint(), reach: f.varint(), data: slices.Clone(f.bytes())}
		f.bad = f.bad || !n.fitsBlock(u, h.data)
		n.history = append(n.history, h)
	case entryArchived:
		n.history = append(n.history, block{edge: f.varint(), reach: f.varint(), place: f.place()})
	case entryPlacement:
		p, err := record.DecodePlacement(f.b)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrState, err)
		}
		n.placements[p.ID] = append(n.placements[p.ID], &p)
	default:
		return fmt.Errorf("%w: unknown entry %d", ErrState, kind)
	}
	return nil
}

func (f *fields) node(n *node) {
	for _, v := range n.times() {
		*v = f.varint()
	}
	for range f.count() {
		from := f.varint()
		n.islands = append(n.islands, attribution.Interval{From: from, To: f.varint()})
	}
}

func (p Place) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(p.Offset))
	for _, v := range []uint32{p.At, p.Size, p.Sum} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}

func (f *fields) place() Place {
	offset, at, size, sum := f.uvarint(), f.uvarint(), f.uvarint(), f.uvarint()
	f.bad = f.bad || offset > math.MaxInt64 || at > math.MaxUint32 || size == 0 || size > math.MaxUint32 || sum > math.MaxUint32
	return Place{Offset: int64(offset), At: uint32(at), Size: uint32(size), Sum: uint32(sum)}
}

// stateReader puts chunks back together into entries.
type stateReader struct {
	next func() ([]byte, error)
	buf  []byte
}

func (r *stateReader) entry() (kind uint64, payload []byte, err error) {
	for {
		kind, n := binary.Uvarint(r.buf)
		if n > 0 {
			size, m := binary.Uvarint(r.buf[n:])
			if rest := r.buf[n+max(m, 0):]; m > 0 && size <= uint64(len(rest)) {
				r.buf = rest[size:]
				return kind, rest[:size], nil
			}
		}
		chunk, err := r.next()
		if err != nil {
			return 0, nil, err
		}
		if len(chunk) == 0 {
			return 0, nil, fmt.Errorf("%w: it ends early", ErrState)
		}
		r.buf = append(r.buf[:len(r.buf):len(r.buf)], chunk...)
	}
}
