package engine

import (
	"encoding/binary"
	"slices"

	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/schemas/record"
)

// seriesWriter writes series. Times are differences of differences, and are written
// once for series that follow each other and share them; values are as they are held.
type seriesWriter struct {
	times []int64 // of the series before, if it has any
}

func (w *seriesWriter) append(b []byte, s *meter.Series) []byte {
	n := len(s.Times)
	if n == 0 {
		return append(b, 0)
	}
	if sameTimes(s.Times, w.times) {
		b = binary.AppendUvarint(b, uint64(n)<<1|1)
	} else {
		b = appendSteps(binary.AppendUvarint(b, uint64(n)<<1), s.Times)
		w.times = s.Times
	}
	c := s.Values.Column(n)
	b = binary.AppendUvarint(binary.AppendVarint(b, c.Base), c.Scale)
	return append(append(b, c.Width), c.Offsets...)
}

// series reads what a seriesWriter wrote. Series that were written with the times of
// the one before share them.
func (f *fields) series(s *meter.Series) {
	head := f.uvarint()
	count := head >> 1
	switch {
	case head == 0 || f.bad:
		return
	case head&1 == 0 && count > uint64(len(f.b)), head&1 == 1 && count != uint64(len(f.times)):
		f.bad = true
		return
	case head&1 == 0:
		f.times = f.steps(make([]int64, 0, count), count)
		f.bad = f.bad || !rising(f.times)
	}
	base, scale, width := f.varint(), f.uvarint(), int(f.byte())
	c, ok := record.ColumnFrom(base, scale, slices.Clone(f.take(int(count)*width)), int(count))
	s.Times = f.times
	f.bad = f.bad || !ok || !s.Values.Hold(&c)
	looked := int(count)
	if width == 0 {
		looked = 1 // all are equal; there may be more of them than bytes
	}
	for i := 0; i < looked && !f.bad; i++ {
		f.bad = s.Values.At(i) < 0
	}
	if f.bad {
		*s = meter.Series{} // no state of ours
	}
}
