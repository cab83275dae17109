// Package conformance_test is a second, plain implementation of what a figure
// means (docs/methodology.md), written apart from the streaming one so that the
// two can be held against each other on random clusters.
//
// It takes a whole replay directory as text cells and every event of it at
// once, and follows the definitions sentence by sentence: exact integers and
// rationals of math/big, no state, no order of arrival, no cleverness. It is
// slow and meant to be read beside the page; the comment of each function names
// the section it follows. Where the page leaves room, README.md lists the
// reading that was taken; comments cite those as "reading N".
//
// Words. A stretch is a part of a meter's time that one rung answers for. A
// piece is what one placement, or nobody, has of one device. A span is the time
// during which a kind of rate resolves to one row.
//
// Invariants, held by laws_test.go: parts add up to the whole to the unit, row
// order and double delivery change nothing. Nothing here is shared between
// goroutines.
package conformance_test

import (
	"math"
	"math/big"
	"sort"
	"time"
)

// row is one line of a file: column name to cell.
type row map[string]string

// directory is a replay directory in memory. A sample row with the cell "late"
// is written to the files but counts as never read.
type directory struct {
	inventory, samples, placements, rates []row

	takenIn time.Time     // when the readings enter the system; zero: no bound
	window  time.Duration // 0: 60 s

	thresholds *thresholds // of states; nil: the defaults
}

// The constants of the definitions.
const (
	second     = int64(time.Second)
	minute     = 60 * second
	hour       = 60 * minute
	maxGap     = 5 * minute
	maxSilence = 1 * hour
	holdTime   = 10 * second
	maxSkew    = 5 * minute

	unboundedFrom = math.MinInt64
	unboundedTo   = math.MaxInt64
)

// interval is [from, to).
type interval struct{ from, to int64 }

func (i interval) length() int64 { return max(0, i.to-i.from) }

func (i interval) meet(o interval) interval {
	return interval{max(i.from, o.from), min(i.to, o.to)}
}

// halfUp is R(n/d) of section 1: floor(n/d + 1/2), d > 0.
func halfUp(n, d *big.Int) int64 {
	double := new(big.Int).Lsh(n, 1)
	double.Add(double, d)
	double.Div(double, new(big.Int).Lsh(d, 1)) // Euclidean: floor for d > 0
	if !double.IsInt64() {
		panic("a figure does not fit 64 bits")
	}
	return double.Int64()
}

// product multiplies integers without limit.
func product(factors ...int64) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, big.NewInt(f))
	}
	return p
}

// parts splits v by weights (section 1, "split by parts"). The weights stand in
// the order of identity, so a tie goes to the earlier one.
func parts(v int64, weights []*big.Int) []int64 {
	out := make([]int64, len(weights))
	switch {
	case len(weights) == 0:
		panic("nothing to split among")
	case v == 0:
		return out
	case len(weights) == 1:
		out[0] = v
		return out
	case v < 0:
		for i, p := range parts(-v, weights) {
			out[i] = -p
		}
		return out
	}
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, w)
	}
	if sum.Sign() == 0 {
		return parts(v, ones(len(weights)))
	}
	remainders := make([]*big.Int, len(weights))
	order := make([]int, len(weights))
	left := v
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(v), w), sum, new(big.Int))
		out[i], remainders[i], order[i] = q.Int64(), r, i
		left -= out[i]
	}
	sort.SliceStable(order, func(a, b int) bool { return remainders[order[a]].Cmp(remainders[order[b]]) > 0 })
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}

func ones(n int) []*big.Int {
	w := make([]*big.Int, n)
	for i := range w {
		w[i] = big.NewInt(1)
	}
	return w
}

func integers(values []int64) []*big.Int {
	w := make([]*big.Int, len(values))
	for i, v := range values {
		w[i] = big.NewInt(v)
	}
	return w
}

// integral turns rational weights into integers in the same proportions.
func integral(weights []*big.Rat) []*big.Int {
	common := big.NewInt(1)
	for _, w := range weights {
		g := new(big.Int).GCD(nil, nil, common, w.Denom())
		common.Mul(common, new(big.Int).Quo(w.Denom(), g))
	}
	out := make([]*big.Int, len(weights))
	for i, w := range weights {
		out[i] = new(big.Int).Mul(w.Num(), new(big.Int).Quo(common, w.Denom()))
	}
	return out
}

// roundRat is R(x) of a rational.
func roundRat(x *big.Rat) int64 { return halfUp(x.Num(), x.Denom()) }
