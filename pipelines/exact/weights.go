package exact

import (
	"math"
	"math/big"
	"math/bits"
)

// Weights are the proportions in which something is split. They are small
// integers where that is exact, and of any size where shares were written with
// many decimals.
type Weights struct {
	small []int64
	large []*big.Int // nil unless small cannot hold them
}

// EqualWeights returns n weights of one, in buf's memory if it is long enough.
func EqualWeights(buf Weights, n int) Weights {
	buf.large = nil
	buf.small = buf.small[:0]
	for range n {
		buf.small = append(buf.small, 1)
	}
	return buf
}

// IntegerWeights returns weights that are not negative.
func IntegerWeights(weights []int64) Weights {
	sum, carry := uint64(0), uint64(0)
	for _, w := range weights {
		var c uint64
		sum, c = bits.Add64(sum, uint64(w), 0)
		carry |= c
	}
	if carry == 0 && sum < math.MaxInt64 {
		return Weights{small: weights}
	}
	large := make([]*big.Int, len(weights))
	for i, w := range weights {
		large[i] = big.NewInt(w)
	}
	return Weights{large: large}
}

// RationalWeights returns integers in the proportions of rationals that are
// not negative.
func RationalWeights(rats []*big.Rat) Weights {
	common := big.NewInt(1)
	for _, r := range rats {
		g := new(big.Int).GCD(nil, nil, common, r.Denom())
		common.Mul(common, new(big.Int).Quo(r.Denom(), g))
	}
	w := Weights{large: make([]*big.Int, len(rats)), small: make([]int64, len(rats))}
	sum := new(big.Int)
	for i, r := range rats {
		w.large[i] = new(big.Int).Mul(r.Num(), new(big.Int).Quo(common, r.Denom()))
		sum.Add(sum, w.large[i])
	}
	if sum.IsInt64() && sum.Int64() < math.MaxInt64 {
		for i, v := range w.large {
			w.small[i] = v.Int64()
		}
		w.large = nil
	}
	return w
}

// Len is the number of weights.
func (w *Weights) Len() int { return max(len(w.small), len(w.large)) }

// Split is Split with these weights.
func (w *Weights) Split(v int64, parts []int64) {
	if w.large == nil {
		Split(v, w.small, parts)
		return
	}
	splitLarge(v, w.large, parts)
}

// splitLarge is Split for weights of any size.
func splitLarge(v int64, weights []*big.Int, parts []int64) {
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, w)
	}
	whole := new(big.Int).Abs(big.NewInt(v))
	left := new(big.Int).Set(whole).Int64()
	rest := make([]*big.Int, len(weights))
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(whole, w), sum, new(big.Int))
		parts[i], rest[i] = q.Int64(), r
		left -= parts[i]
	}
	for ; left > 0; left-- {
		best := 0
		for i := range rest {
			if rest[i].Cmp(rest[best]) > 0 {
				best = i
			}
		}
		parts[best]++
		rest[best] = big.NewInt(-1)
	}
	if v < 0 {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
}
