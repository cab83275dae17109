package engine

import (
	"encoding/binary"
	"slices"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
)

// block is readings that windows which are not out yet do not need, packed.
// They wait for events that are late. Blocks are in the order of time.
type block struct {
	edge  int64  // windows from this edge on need nothing of it
	reach int64  // the window edge from which on an event at or after edge can change figures
	data  []byte // nil: it lies in the archive alone, or is about to be forgotten
	place Place  // where it lies there; see archive.go
}

// packedTo is the edge from which on windows can be computed without unpacking.
func (n *node) packedTo() int64 {
	if k := len(n.history); k > 0 {
		return n.history[k-1].edge
	}
	return never
}

// maxBlocks bounds how many blocks are made of a node's readings at a time. A block
// that is as long as the windows of a whole step would be kept, and its windows
// be restated, for long.
const maxBlocks = 64

// pack moves what the next windows of a node do not need into blocks, most often
// one a window.
//
// A block has no more memory than its readings take, a series has room to grow. Where a
// late event reaches they are unpacked.
//
// Within a step that brings much of the horizon between two closings, blocks would be
// forgotten soon after they were made. Only what is forgotten at once leaves the series
// then, the rest when the step ends.
func (e *Engine) pack(n *node, within bool) {
	if n.emitted == never {
		return
	}
	from := max(n.packedTo(), n.floor)
	if from == never {
		from = n.emitted - e.cfg.window
		if len(n.islands) > 0 {
			from = min(from, e.floor(n.islands[0].From))
		}
	}
	if from >= n.emitted {
		return
	}
	count := (n.emitted - from) / e.cfg.window
	stride := (count + maxBlocks - 1) / maxBlocks * e.cfg.window
	decides, gone := e.forgotten(n, from, stride)
	to := n.emitted
	if within && to-from >= e.cfg.horizon/3 {
		e.postpone(n)
		decides, to = gone, gone
	}
	if from >= to {
		return
	}
	e.packer.open(n)
	for from < to {
		forget := from < gone
		if from = min(from+stride, to); forget {
			from = gone
		}
		e.packUntil(n, from, forget)
		if from == decides {
			n.history[len(n.history)-1].reach = gone
		}
	}
	e.packer.close(n)
	n.setTail()
}

// postpone leaves a node's readings to packPostponed.
func (e *Engine) postpone(n *node) {
	if !n.postponed {
		n.postponed = true
		e.postponed = append(e.postponed, n)
	}
}

// forgotten looks ahead to trim: of the blocks that are about to be made, strides
// from from on, those up to the edge gone will be forgotten at once, which the reach
// of the block at decides says. If there are any, gone is the edge of one. Where a step
// brings more than the horizon, as when the past is read, that is most of them, and they
// need not be encoded.
func (e *Engine) forgotten(n *node, from, stride int64) (decides, gone int64) {
	w := n.watermark(&e.cfg)
	if w == never {
		return never, never
	}
	decides = n.emitted
	if oldest := w - e.cfg.horizon; oldest < decides {
		decides = from + (oldest-from)/stride*stride
	}
	if decides <= from {
		return never, never
	}
	if gone = e.floor(e.reachable(n, decides)); gone > from {
		gone -= (gone - from) % stride
	}
	return decides, gone
}

// packUntil packs what windows from edge on do not need, or lets go of it.
func (e *Engine) packUntil(n *node, edge int64, forget bool) {
	p := &e.packer
	p.begin(forget)
	reach := e.floor(e.reachable(n, edge))
	for i, d := range n.inOrder() {
		cuts := e.cutsOf(d, edge)
		for k, s := range deviceSeries(d) {
			p.entry(i, k, s, cuts[k])
		}
	}
	for _, key := range sortedKeys(n.activity) {
		p.b = appendString(binary.AppendUvarint(p.b, 0), key)
		for k, s := range n.activity[key].Series() {
			p.entry(k, activityKind, s, s.Search(edge)-1)
		}
	}
	for _, key := range sortedKeys(n.counters) {
		p.b = appendString(binary.AppendUvarint(p.b, 0), key)
		for k, s := range n.counters[key].Series() {
			p.entry(k, counterKind, s, s.Search(edge)-1)
		}
	}
	b := block{edge: edge, reach: reach}
	if !forget {
		b.data = append([]byte{}, p.b...) // not nil where it is empty
		e.packed += len(b.data)
	}
	n.history = append(n.history, b)
}

// seriesOfDevice is how many series a device has, see deviceSeries.
const seriesOfDevice = 6

// cutsOf returns, for each series of a device, how many of its readings windows
// from edge on do not need. A counter segment over the edge that turns out to be
// a bridge needs the power in all of it. The counter segment over what power
// reaches back to stays as well: the next block's reach depends on it.
func (e *Engine) cutsOf(d *attribution.Device, edge int64) (cuts [seriesOfDevice]int) {
	r := &d.Readings
	power := edge
	if kept := r.Counter.KeptBefore(edge); kept >= 0 {
		cuts[0] = kept
		if start := r.Counter.Times[kept]; edge-start <= e.cfg.maxSilence {
			power = start
		}
	}
	cuts[0] = min(cuts[0], r.Counter.KeptBefore(e.reachGauge(&r.Power, edge, e.cfg.hold)-1))
	cuts[1] = r.Power.Search(power-e.cfg.hold) - 1
	cuts[2] = r.Limit.Search(edge) - 1
	for k, s := range d.Busy.Series() {
		cuts[3+k] = s.Search(edge) - 1
	}
	return cuts
}

// setTail notes from when on every series can be asked what was before a time.
func (n *node) setTail() {
	n.tail = never
	if len(n.history) == 0 {
		return
	}
	n.eachSeries(func(s *meter.Series) {
		if len(s.Times) > 0 {
			n.tail = max(n.tail, s.Times[0])
		}
	})
}

// inOrder returns the devices by ID.
func (n *node) inOrder() []*attribution.Device {
	if n.order == nil {
		for _, id := range sortedKeys(n.devices) {
			n.order = append(n.order, n.devices[id])
		}
	}
	return n.order
}

// need unpacks what is needed to say what was before time t.
func (n *node) need(t int64) {
	for t < n.tail {
		n.unpackLast()
	}
}

// needWindows unpacks what windows from edge on need.
func (n *node) needWindows(edge int64) {
	for edge < n.packedTo() {
		n.unpackLast()
	}
}

func (n *node) unpackLast() {
	n.unpack(n.takeLast())
	n.setTail()
}

// unpacker decodes blocks. It reuses its buffers.
type unpacker struct {
	axes   [numKinds][]int64 // of the entry before, by kind of series
	values []int64
}

// each calls take for every entry of a block: place and kind as in packer.entry,
// key of the activity or empty. What take gets is valid until it returns. False:
// the block is none, or take refused an entry.
func (u *unpacker) each(data []byte, take func(key string, place, kind int, times, values []int64) bool) bool {
	f := &fields{b: data}
	for k := range u.axes {
		u.axes[k] = u.axes[k][:0]
	}
	key := ""
	for len(f.b) > 0 {
		tag := f.uvarint()
		if tag == 0 {
			key = f.text()
			continue
		}
		place, kind := int((tag-1)/numKinds), int((tag-1)%numKinds)
		head := f.uvarint()
		count := head >> 1
		if head&1 == 0 {
			if count == 0 || count > uint64(len(f.b)) {
				return false
			}
			u.axes[kind] = f.steps(u.axes[kind][:0], count)
		}
		if count == 0 || count != uint64(len(u.axes[kind])) {
			return false
		}
		u.values = f.values(u.values[:0], int(count), kind == energyKind)
		if f.bad || len(u.axes[kind]) != len(u.values) || !take(key, place, kind, u.axes[kind], u.values) {
			return false
		}
	}
	return !f.bad
}

func rising(times []int64) bool {
	for i := 1; i < len(times); i++ {
		if times[i-1] >= times[i] {
			return false
		}
	}
	return true
}

// fitsBlock reports whether a block can be unpacked into the node.
func (n *node) fitsBlock(u *unpacker, data []byte) bool {
	return u.each(data, func(key string, place, kind int, times, values []int64) bool {
		if !rising(times) || slices.Min(values) < 0 {
			return false
		}
		if kind == counterKind {
			return place < int(meter.NumCounts)
		}
		if kind == activityKind {
			return key != "" && place < len(new(meter.Busy).Series())
		}
		return place < len(n.devices)
	})
}

// unpack puts a block's readings back before those of the node's series. The
// block was packed by this node, or looked at when it was restored.
func (n *node) unpack(data []byte) {
	new(unpacker).each(data, func(key string, place, kind int, times, values []int64) bool {
		if kind == counterKind {
			n.countersOf(key)[place].Prepend(times, values)
			return true
		}
		if kind != activityKind {
			deviceSeries(n.inOrder()[place])[kind].Prepend(times, values)
			return true
		}
		busy := n.activity[key]
		if busy == nil {
			busy = &meter.Busy{}
			n.activity[key] = busy
			n.layout = layout{}
		}
		busy.Series()[place].Prepend(times, values)
		return true
	})
}

func (n *node) countersOf(key string) *meter.Counters {
	c := n.counters[key]
	if c == nil {
		c = &meter.Counters{}
		n.counters[key] = c
		n.layout = layout{}
	}
	return c
}

// steps reads what appendSteps wrote.
func (f *fields) steps(times []int64, count uint64) []int64 {
	last, step := int64(0), int64(0)
	for i := uint64(0); i < count && !f.bad; i++ {
		step += f.varint()
		last += step
		times = append(times, last)
	}
	return times
}

// values reads the values of an entry.
func (f *fields) values(values []int64, count int, differences bool) []int64 {
	scale := int64(f.uvarint())
	if !differences {
		return f.offsets(values, count, scale)
	}
	values = f.offsets(append(values, f.varint()), count-1, 1)
	for i := 1; i < len(values); i++ {
		values[i] = values[i-1] + values[i]*scale
	}
	return values
}

// offsets reads what appendOffsets wrote.
func (f *fields) offsets(values []int64, count int, scale int64) []int64 {
	if count == 0 || f.bad {
		return values
	}
	least := f.varint()
	var wide [wordBytes]byte
	width := int(f.byte())
	b := f.take(width * count)
	if width < 1 || width > wordBytes || f.bad {
		f.bad = true
		return values
	}
	for i := range count {
		copy(wide[:width], b[i*width:])
		values = append(values, least+int64(binary.LittleEndian.Uint64(wide[:]))*scale)
	}
	return values
}
