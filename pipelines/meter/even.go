package meter

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// evenStep returns how far apart readings i to j lie, of which there are two at least, in
// ns; ok is false where they are uneven, further apart than longest, or not by a multiple of
// unit. Sensors are read at a beat: where nothing disturbs it, what is asked of a run of
// readings need not ask of each how long after the one before it came.
func evenStep(times []int64, i, j int, longest, unit int64) (step int64, ok bool) {
	step = times[i+1] - times[i]
	if step > longest || step%unit != 0 {
		return 0, false
	}
	for k := i + 1; k < j; k++ {
		if times[k+1]-times[k] != step {
			return 0, false
		}
	}
	return step, true
}

// evenArea is area where readings are even and nothing is rounded. False: ask area.
func (r *Reader) evenArea(s *Series, i int, until int64) (j int, sum int64, ok bool) {
	j = s.Before(until)
	if j <= i {
		return 0, 0, false
	}
	step, ok := evenStep(s.Times, i, j, r.Limits.MaxGap, 2*ratioUnit)
	if !ok {
		return 0, 0, false
	}
	total, ok := s.Values.sum(i, j+1)
	// All but the first and the last value end one segment and begin another.
	hi, lo := bits.Mul64(uint64(2*total-s.Values.At(i)-s.Values.At(j)), uint64(step/(2*ratioUnit)))
	return j, int64(lo), ok && hi == 0 && lo <= math.MaxInt64
}

// sum adds up values [from, to); ok is false where that could overflow, as it cannot
// with ratios, however many there are.
func (v *Values) sum(from, to int) (total int64, ok bool) {
	const most = 1 << 40
	n := to - from
	if v.width > 2 || v.base < -most || v.base > most || n > 1<<20 {
		return 0, false
	}
	offsets, b := uint64(0), v.offsets[from*int(v.width):to*int(v.width)]
	switch v.width {
	case 1:
		for _, x := range b {
			offsets += uint64(x)
		}
	case 2:
		for i := 2; i <= len(b); i += 2 {
			offsets += uint64(binary.LittleEndian.Uint16(b[i-2 : i]))
		}
	}
	return int64(n)*v.base + int64(uint64(v.scale)*offsets), true
}

// rising returns the last of values i to j up to which each is above the one before it, by
// most at most.
func (v *Values) rising(i, j int, most int64) int {
	steps := uint64(max(most, 0)) / uint64(v.scale)
	if v.width != 4 { // as the counter of a device nearly always is
		for ; i < j; i++ {
			if rise := v.offset(i+1) - v.offset(i); rise-1 >= steps {
				break
			}
		}
		return i
	}
	b := v.offsets[4*i : 4*j+4]
	last, k := binary.LittleEndian.Uint32(b), 8
	for ; k <= len(b); k += 4 {
		next := binary.LittleEndian.Uint32(b[k-4 : k])
		if rise := uint64(next) - uint64(last); rise-1 >= steps {
			break
		}
		last = next
	}
	return i + k/4 - 2
}
