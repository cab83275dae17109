// Package exact is the integer arithmetic under every figure: products and
// quotients with 128-bit intermediates, rounding R(x) = ⌊x+½⌋, and the split of
// a whole into parts that add up to it.
//
// Nothing here uses floats, so results do not depend on order or machine.
// Functions are pure; they panic only where a result does not fit 64 bits,
// which the bounds of readings and rates exclude.
package exact

import "math/bits"

// Uint128 is an unsigned 128-bit integer.
type Uint128 struct{ Hi, Lo uint64 }

// Mul returns a·b.
func Mul(a, b uint64) Uint128 {
	hi, lo := bits.Mul64(a, b)
	return Uint128{hi, lo}
}

// Add returns u+v; it must fit 128 bits.
func (u Uint128) Add(v Uint128) Uint128 {
	lo, carry := bits.Add64(u.Lo, v.Lo, 0)
	hi, _ := bits.Add64(u.Hi, v.Hi, carry)
	return Uint128{hi, lo}
}

// Sub returns u-v; v must not be larger.
func (u Uint128) Sub(v Uint128) Uint128 {
	lo, borrow := bits.Sub64(u.Lo, v.Lo, 0)
	hi, _ := bits.Sub64(u.Hi, v.Hi, borrow)
	return Uint128{hi, lo}
}

// Less reports u < v.
func (u Uint128) Less(v Uint128) bool {
	return u.Hi < v.Hi || u.Hi == v.Hi && u.Lo < v.Lo
}

// MulSmall returns u·v; it must fit 128 bits.
func (u Uint128) MulSmall(v uint64) Uint128 {
	hi, lo := bits.Mul64(u.Lo, v)
	return Uint128{hi + u.Hi*v, lo}
}

func (u Uint128) shl1() Uint128 { return Uint128{u.Hi<<1 | u.Lo>>63, u.Lo << 1} }

// DivRound returns R(u/d), d > 0. The result must fit 64 bits.
func (u Uint128) DivRound(d Uint128) uint64 {
	q, rem := u.divRem(d)
	if half := rem.shl1(); rem.Hi>>63 != 0 || !half.Less(d) {
		q++
	}
	return q
}

// divRem divides; a divisor of more than 64 bits takes the slow way, which
// only cuts inside a segment need.
func (u Uint128) divRem(d Uint128) (q uint64, rem Uint128) {
	if d.Hi == 0 {
		q, r := bits.Div64(u.Hi, u.Lo, d.Lo)
		return q, Uint128{0, r}
	}
	// The quotient is below 2^64: estimate it from the leading bits, as in
	// Knuth's algorithm D with one digit, then correct it downwards.
	shift := bits.LeadingZeros64(d.Hi)
	top := d.Hi<<shift | d.Lo>>1>>(63-shift)
	n := Uint128{u.Hi >> 1, u.Hi<<63 | u.Lo>>1} // u/2, so that n.Hi < top
	q, _ = bits.Div64(n.Hi, n.Lo, top)
	q = q >> (63 - shift)
	if q > 0 {
		q--
	}
	rem = u.Sub(d.MulSmall(q))
	for !rem.Less(d) {
		rem = rem.Sub(d)
		q++
	}
	return q, rem
}

// MulDivRound returns R(a·b/c) for b ≥ 0 and c > 0.
func MulDivRound(a, b, c int64) int64 {
	if a >= 0 {
		return int64(Mul(uint64(a), uint64(b)).DivRound(Uint128{0, uint64(c)}))
	}
	// R(-x) = -⌈x-½⌉ = -R(x), but for x half-way, which goes towards zero.
	u := Mul(uint64(-a), uint64(b))
	q, rem := u.divRem(Uint128{0, uint64(c)})
	if (Uint128{0, uint64(c)}).Less(rem.shl1()) {
		q++
	}
	return -int64(q)
}

// Trapezoid returns R of the integral, from t0 to t0+u, of a line that runs
// from v0 at t0 to v1 at t0+dt, divided by unit. 0 ≤ u ≤ dt, v0 and v1 ≥ 0.
func Trapezoid(v0, v1, u, dt, unit int64) int64 {
	if u == dt {
		return int64(Mul(uint64(v0)+uint64(v1), uint64(dt)).DivRound(Mul(2, uint64(unit))))
	}
	// (2·v0·dt·u + (v1-v0)·u²) / (2·dt·unit), kept unsigned as
	// u·(v0·(2dt-u) + v1·u).
	sum := Mul(uint64(v0), uint64(2*dt-u)).Add(Mul(uint64(v1), uint64(u)))
	return int64(sum.MulSmall(uint64(u)).DivRound(Mul(2*uint64(dt), uint64(unit))))
}

// Split divides v by weights into parts, which has the same length: part i
// gets ⌊|v|·wᵢ/Σw⌋ and what is left goes one unit each to the largest
// remainders, ties to the smaller index; then the sign. Weights are not
// negative; if all are zero they count as equal. There must be at least one.
func Split(v int64, weights, parts []int64) {
	if len(weights) == 1 {
		parts[0] = v
		return
	}
	sum := uint64(0)
	for _, w := range weights {
		sum += uint64(w)
	}
	if sum == 0 {
		SplitEqual(v, parts)
		return
	}
	whole, negative := uint64(v), v < 0
	if negative {
		whole = -whole
	}
	left := whole
	for i, w := range weights {
		hi, lo := bits.Mul64(whole, uint64(w))
		q, _ := bits.Div64(hi, lo, sum)
		parts[i] = int64(q)
		left -= q
	}
	if left > 0 {
		giveRest(whole, sum, left, weights, parts)
	}
	if negative {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
}

// giveRest hands one unit each to the left largest remainders. Parts are few,
// so each round looks for the largest anew, below the one before.
func giveRest(whole, sum, left uint64, weights, parts []int64) {
	remainder := func(i int) uint64 {
		hi, lo := bits.Mul64(whole, uint64(weights[i]))
		_, r := bits.Div64(hi, lo, sum)
		return r
	}
	lastR, lastI := ^uint64(0), -1
	for ; left > 0; left-- {
		bestR, best := uint64(0), -1
		for i := range weights {
			r := remainder(i)
			if r > lastR || r == lastR && i <= lastI {
				continue // had one already
			}
			if best < 0 || r > bestR {
				bestR, best = r, i
			}
		}
		parts[best]++
		lastR, lastI = bestR, best
	}
}

// SplitEqual is Split with equal weights.
func SplitEqual(v int64, parts []int64) {
	n := int64(len(parts))
	q, rest := v/n, v%n
	for i := range parts {
		parts[i] = q
		switch {
		case rest > 0:
			parts[i]++
			rest--
		case rest < 0:
			parts[i]--
			rest++
		}
	}
}

// MulDivFloor returns ⌊a·b/c⌋ for a, b ≥ 0 and c > 0, at most limit.
func MulDivFloor(a, b, c, limit int64) int64 {
	product := Mul(uint64(a), uint64(b))
	if !product.Less(Mul(uint64(limit), uint64(c))) {
		return limit
	}
	q, _ := bits.Div64(product.Hi, product.Lo, uint64(c))
	return int64(q)
}
