package meter

import "testing"

// TestSensorsTakeFewBytes: what sensors report is kept in one to four bytes, with a
// quarter of room behind, and so it is again once what did not fit with it has gone.
func TestSensorsTakeFewBytes(t *testing.T) {
	for name, c := range map[string]struct {
		width uint8
		next  func(i int64) int64
	}{
		"energy in mJ":           {4, func(i int64) int64 { return 1<<50 + i*700_000_000 + i%7*1000 }},
		"power in mW":            {2, func(i int64) int64 { return 400_000_000 + i*7919%50_000*1000 }},
		"utilisation in percent": {1, func(i int64) int64 { return i * 7919 % 101 * 10_000 }},
		"activity in ppm":        {4, func(i int64) int64 { return i * 7919 % 1_000_000 }},
		"activity in 10⁻⁴":       {2, func(i int64) int64 { return i * 7919 % 10_000 * 100 }},
		"memory in pages":        {4, func(i int64) int64 { return i * 7919 % 10_000_000 * 4096 }},
		"a limit":                {0, func(int64) int64 { return 700_000_000 }},
	} {
		var v Values
		for i := range int64(200) {
			v.Append([]int64{c.next(2 * i), c.next(2*i + 1)})
			if n := len(v.offsets); n > 8 && cap(v.offsets) > n+n/4+2*int(v.width) {
				t.Fatalf("%s: %d bytes have room for %d", name, n, cap(v.offsets))
			}
		}
		if v.width != c.width {
			t.Fatalf("%s: takes %d bytes, want %d", name, v.width, c.width)
		}
		v.Append([]int64{1<<61 + 1})
		if v.width != 8 {
			t.Fatalf("%s: 2^61 fits into %d bytes", name, v.width)
		}
		before := v
		v.Cut(400)
		v.Settle(before)
		for i := int64(402); i < 500; i++ {
			v.Append([]int64{c.next(i)})
			if before = v; v.Len() > 2 {
				v.Cut(v.Len() - 2)
				v.Settle(before)
			}
		}
		if v.width > c.width || v.At(1) != c.next(499) {
			t.Fatalf("%s: it does not fit again: %d bytes", name, v.width)
		}
		if cap(v.offsets) > 64 {
			t.Errorf("%s: two values keep room for %d bytes", name, cap(v.offsets))
		}
	}
}
