package engine

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
)

// packer encodes readings. It reuses its buffers.
type packer struct {
	b      []byte
	axes   [numKinds][]int64 // of the entry before, by kind of series
	values []int64           // of the entry at hand
	forget bool              // readings are dropped, not encoded
	rooms  []meter.Values    // where the values of each of the node's series begin
}

// energyKind is the kind of the first of a device's series, the energy counter.
const energyKind = 0

// Kinds beside those of a device's series.
const (
	activityKind = seriesOfDevice + iota
	counterKind
	numKinds
)

// open takes up a node's series before blocks are made of them, close leaves
// their values where they were: a step that closes ten windows makes ten blocks,
// and the values that stay would be moved to the front for each of them.
func (p *packer) open(n *node) {
	p.rooms = p.rooms[:0]
	n.eachSeries(func(s *meter.Series) { p.rooms = append(p.rooms, s.Values) })
}

func (p *packer) close(n *node) {
	i := 0
	n.eachSeries(func(s *meter.Series) {
		s.Values.Settle(p.rooms[i])
		i++
	})
	clear(p.rooms)
}

// eachSeries calls fn for the series of the node, in one order.
func (n *node) eachSeries(fn func(*meter.Series)) {
	for _, d := range n.inOrder() {
		for _, s := range deviceSeries(d) {
			fn(s)
		}
	}
	for _, key := range sortedKeys(n.activity) {
		for _, s := range n.activity[key].Series() {
			fn(s)
		}
	}
	for _, key := range sortedKeys(n.counters) {
		for _, s := range n.counters[key].Series() {
			fn(s)
		}
	}
}

// begin begins a block, or with forget one that stays empty.
func (p *packer) begin(forget bool) {
	p.b, p.forget = p.b[:0], forget
	clear(p.axes[:])
}

// entry packs the first count readings of a series and forgets them. An entry
// is 1 + place × numKinds + kind, count × 2 + whether its times are those
// of the entry of its kind before it, the times if not, and values: a scale, a base,
// and how far they are from it (see appendOffsets). Of counters these are differences.
func (p *packer) entry(place, kind int, s *meter.Series, count int) {
	if count <= 0 {
		return
	}
	times := s.Times[:count]
	s.Times = s.Times[count:]
	values := s.Values
	s.Values.Cut(count)
	if p.forget {
		return
	}
	p.b = binary.AppendUvarint(p.b, 1+uint64(place*numKinds+kind))
	if sameTimes(times, p.axes[kind]) {
		p.b = binary.AppendUvarint(p.b, uint64(count)<<1|1)
	} else {
		p.b = binary.AppendUvarint(p.b, uint64(count)<<1)
		p.b = appendSteps(p.b, times)
		p.axes[kind] = times
	}
	p.pack(kind, values.Column(count))
}

// pack writes the values of an entry.
func (p *packer) pack(kind int, c record.Column) {
	p.b = binary.AppendUvarint(p.b, c.Scale)
	// Narrow offsets are written as they are held: to look for the least would gain a byte
	// each at most, and seldom.
	if kind != energyKind && (c.Width == 1 || c.Width == 2) {
		p.b = append(append(binary.AppendVarint(p.b, c.Base), c.Width), c.Offsets...)
		return
	}
	if kind != energyKind {
		p.values = c.AppendOffsets(p.values[:0])
		p.b = appendOffsets(p.b, p.values, c.Base, int64(c.Scale))
		return
	}
	p.b = binary.AppendVarint(p.b, c.At(0))
	p.values = rises(p.values[:0], &c)
	p.b = appendOffsets(p.b, p.values, 0, 1)
}

// rises appends how much each offset is above the one before it.
func rises(dst []int64, c *record.Column) []int64 {
	n := c.Len() - 1
	if c.Width == 4 { // as the counter of a device nearly always is
		dst = slices.Grow(dst, n)[:n]
		last := binary.LittleEndian.Uint32(c.Offsets)
		for i := range dst {
			next := binary.LittleEndian.Uint32(c.Offsets[4*i+4:])
			dst[i] = int64(next) - int64(last)
			last = next
		}
		return dst
	}
	dst = c.AppendOffsets(dst)
	for i := range n {
		dst[i] = dst[i+1] - dst[i]
	}
	return dst[:n]
}

// appendOffsets writes numbers that are base + scale × a unit: the least one, how
// many bytes the others take, and how many units each is above it.
func appendOffsets(b []byte, units []int64, base, scale int64) []byte {
	if len(units) == 0 {
		return b
	}
	least, most := units[0], units[0]
	for _, u := range units {
		least, most = min(least, u), max(most, u)
	}
	b = binary.AppendVarint(b, base+least*scale)
	// A byte at least, so that a block has no more readings than bytes, whoever made it.
	width := (bits.Len64(uint64(most-least)|1) + 7) / 8
	if width > 4 {
		width = 8
	}
	b = append(b, byte(width))
	at := len(b)
	b = slices.Grow(b, width*len(units)+wordBytes)
	b = b[:cap(b)]
	// A word each, of which the next one covers what is too much.
	switch width {
	case 1:
		for i, u := range units {
			b[at+i] = byte(u - least)
		}
	case 2:
		for i, u := range units {
			binary.LittleEndian.PutUint16(b[at+2*i:], uint16(u-least))
		}
	case 3:
		for i, u := range units {
			binary.LittleEndian.PutUint32(b[at+3*i:], uint32(u-least))
		}
	case 4:
		for i, u := range units {
			binary.LittleEndian.PutUint32(b[at+4*i:], uint32(u-least))
		}
	case 8:
		for i, u := range units {
			binary.LittleEndian.PutUint64(b[at+8*i:], uint64(u-least))
		}
	}
	return b[:at+width*len(units)]
}

// sameTimes is slices.Equal, which series that share their times need not ask.
func sameTimes(a, b []int64) bool {
	return len(a) == len(b) && (&a[0] == &b[0] || slices.Equal(a, b))
}

// wordBytes is how many bytes of a varint are written at once; groups of seven
// bits that fit are what eight bytes hold.
const (
	wordBytes = 8
	wordLimit = 1 << (7 * wordBytes)
)

// appendSteps writes times as differences of differences. Their lengths vary from one
// to the next, so varints are written as a word each, without a branch on their bytes.
func appendSteps(b []byte, numbers []int64) []byte {
	at := len(b)
	b = slices.Grow(b, binary.MaxVarintLen64*len(numbers)+wordBytes)
	b = b[:cap(b)]
	last, step := int64(0), int64(0)
	for _, v := range numbers {
		d := v - last
		last = v
		d, step = d-step, d
		u := uint64(d<<1) ^ uint64(d>>63)
		if u >= wordLimit {
			at += binary.PutUvarint(b[at:], u)
			continue
		}
		n := (bits.Len64(u|1) + 6) / 7
		binary.LittleEndian.PutUint64(b[at:], spread(u)|0x8080808080808080&(1<<(8*n-8)-1))
		at += n
	}
	return b[:at]
}

// spread lays groups of seven bits into bytes.
func spread(u uint64) uint64 {
	u = u&0x000000000fffffff | u&0x00fffffff0000000<<4
	u = u&0x00003fff00003fff | u&0x0fffc0000fffc000<<2
	return u&0x007f007f007f007f | u&0x3f803f803f803f80<<1
}
