package gokapeer

import (
	"encoding/binary"
	"errors"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

type seriesKey struct {
	device string
	metric telemetry.Metric
}

type reading struct{ t, v int64 }

type sumKey struct {
	minute   int64
	workload string
}

type sums struct{ energy, busy int64 } // µJ, device-ns

// state is a node's value in the group table.
type state struct {
	last map[seriesKey]reading
	sums map[sumKey]*sums
}

func newState() *state { return &state{last: map[seriesKey]reading{}, sums: map[sumKey]*sums{}} }

func (s *state) open(minute int64, workload string) *sums {
	k := sumKey{minute, workload}
	sum := s.sums[k]
	if sum == nil {
		sum = &sums{}
		s.sums[k] = sum
	}
	return sum
}

// stateCodec is varints and texts with their lengths, one after the other.
type stateCodec struct{}

// Encode writes a state.
func (stateCodec) Encode(v any) ([]byte, error) {
	s := v.(*state)
	b := make([]byte, 0, 64*(len(s.last)+len(s.sums)))
	b = binary.AppendUvarint(b, uint64(len(s.last)))
	for k, r := range s.last {
		b = text(b, k.device)
		b = append(b, byte(k.metric))
		b = binary.AppendVarint(binary.AppendVarint(b, r.t), r.v)
	}
	b = binary.AppendUvarint(b, uint64(len(s.sums)))
	for k, sum := range s.sums {
		b = binary.AppendVarint(b, k.minute)
		b = text(b, k.workload)
		b = binary.AppendVarint(binary.AppendVarint(b, sum.energy), sum.busy)
	}
	return b, nil
}

// Decode reads a state.
func (stateCodec) Decode(b []byte) (any, error) {
	s, c := newState(), &cursor{b: b}
	for range c.uint() {
		k := seriesKey{device: c.text(), metric: telemetry.Metric(c.byte())}
		s.last[k] = reading{c.int(), c.int()}
		if c.bad {
			break
		}
	}
	for range c.uint() {
		k := sumKey{c.int(), c.text()}
		s.sums[k] = &sums{c.int(), c.int()}
		if c.bad {
			break
		}
	}
	if c.bad {
		return nil, errors.New("state is cut short")
	}
	return s, nil
}

func text(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// cursor reads what stateCodec writes; once bad, it gives zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) skip(n int) {
	if c.bad = c.bad || n <= 0 || n > len(c.b); c.bad {
		c.b = nil
		return
	}
	c.b = c.b[n:]
}

func (c *cursor) int() int64 {
	v, n := binary.Varint(c.b)
	c.skip(n)
	return v
}

func (c *cursor) uint() uint64 {
	v, n := binary.Uvarint(c.b)
	c.skip(n)
	return v
}

func (c *cursor) byte() (v byte) {
	if len(c.b) > 0 {
		v = c.b[0]
	}
	c.skip(1)
	return v
}

func (c *cursor) text() (s string) {
	n := c.uint()
	if n == 0 {
		return ""
	}
	if n <= uint64(len(c.b)) {
		s = string(c.b[:n])
	}
	c.skip(int(min(n, 1<<30)))
	return s
}
