package engine

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/ntegral/ntegral/pipelines/meter"
)

// packer encodes readings. It reuses its buffers.
type packer struct {
	b      []byte
	axes   [numKinds][]int64 // of the entry before, by kind of series
	values []int64           // of the entry at hand
	units  []int64           // these without their scale
	forget bool              // readings are dropped, not encoded
	rooms  []meter.Values    // where the values of each of the node's series begin
}

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
// of the entry of its kind before it, the times if not, a scale, and values.
// Values of counters are differences of differences, others are differences.
func (p *packer) entry(place, kind int, s *meter.Series, count int) {
	if count <= 0 {
		return
	}
	times := s.Times[:count]
	s.Times = s.Times[count:]
	if p.forget {
		s.Values.Cut(count)
		return
	}
	p.values = s.Values.AppendTo(p.values[:0], 0, count)
	s.Values.Cut(count)
	p.b = binary.AppendUvarint(p.b, 1+uint64(place*numKinds+kind))
	if sameTimes(times, p.axes[kind]) {
		p.b = binary.AppendUvarint(p.b, uint64(count)<<1|1)
	} else {
		p.b = binary.AppendUvarint(p.b, uint64(count)<<1)
		p.b = appendSteps(p.b, times, true)
		p.axes[kind] = times
	}
	p.units = slices.Grow(p.units[:0], count)[:count]
	units, scale := unscaled(p.units, p.values)
	p.b = binary.AppendUvarint(p.b, uint64(scale))
	p.b = appendSteps(p.b, units, kind == 0)
}

// sameTimes is slices.Equal, which series that share their times need not ask.
func sameTimes(a, b []int64) bool {
	return len(a) == len(b) && (&a[0] == &b[0] || slices.Equal(a, b))
}

// unscaled divides values by a scale that divides all of them: sensors report
// whole milliwatts, millijoules and percents. It may use dst, which is as long as
// values.
func unscaled(dst, values []int64) (units []int64, scale int64) {
	switch {
	case tenThousands(dst, values):
		return dst, 10_000
	case thousands(dst, values):
		return dst, 1000
	}
	return values, 1
}

// tenThousands divides values into dst, and reports whether that left no rest.
// Each scale has a loop of its own: by a constant a division is a multiplication.
func tenThousands(dst, values []int64) bool {
	dst = dst[:len(values)]
	for i, v := range values {
		dst[i] = v / 10_000
		if dst[i]*10_000 != v {
			return false
		}
	}
	return true
}

func thousands(dst, values []int64) bool {
	dst = dst[:len(values)]
	for i, v := range values {
		dst[i] = v / 1000
		if dst[i]*1000 != v {
			return false
		}
	}
	return true
}

// wordBytes is how many bytes of a varint are written at once; groups of seven
// bits that fit are what eight bytes hold.
const (
	wordBytes = 8
	wordLimit = 1 << (7 * wordBytes)
)

// appendSteps writes numbers as differences from the one before; twice writes the
// differences of these. Their lengths vary from one to the next, so varints are
// written as a word each, without a branch on their bytes.
func appendSteps(b []byte, numbers []int64, twice bool) []byte {
	at := len(b)
	b = slices.Grow(b, binary.MaxVarintLen64*len(numbers)+wordBytes)
	b = b[:cap(b)]
	last, step := int64(0), int64(0)
	again := int64(0)
	if twice {
		again = -1
	}
	for _, v := range numbers {
		d := v - last
		last = v
		d, step = d-step&again, d
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
