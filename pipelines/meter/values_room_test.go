package meter

import "testing"

// TestSensorsTakeFourBytes: what sensors report is kept in 32 bits, with a quarter of
// room behind, and so is a counter again once what did not fit with it has gone.
func TestSensorsTakeFourBytes(t *testing.T) {
	for name, next := range map[string]func(i int64) int64{
		"energy in mJ":           func(i int64) int64 { return 1<<50 + i*700_000_000 + i%7*1000 },
		"power in mW":            func(i int64) int64 { return 400_000_000 + i%977*1000 },
		"utilisation in percent": func(i int64) int64 { return i % 101 * 10_000 },
		"activity in ppm":        func(i int64) int64 { return i * 7919 % 1_000_000 },
	} {
		var v Values
		for i := range int64(200) {
			v.Append([]int64{next(2 * i), next(2*i + 1)})
			if n := v.Len(); v.wide != nil || n > 8 && cap(v.narrow) > n+n/4+2 {
				t.Fatalf("%s: %d values have room for %d, wide: %t", name, n, cap(v.narrow), v.wide != nil)
			}
		}
		v.Append([]int64{1 << 61})
		if v.wide == nil {
			t.Fatalf("%s: 2^61 fits into 32 bits", name)
		}
		before := v
		v.Cut(401)
		v.Settle(before)
		v.Append([]int64{next(402), next(403)})
		before = v
		v.Cut(1)
		v.Settle(before)
		if v.wide != nil || v.At(0) != next(403) {
			t.Fatalf("%s: it does not fit again", name)
		}
	}
}
