package learn

import (
	"math/big"
	"math/bits"

	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

// rank is which of n values in ascending order, counted from 1, is their quantile
// q: ⌈q·n⌉, the lowest rank at or below which the part q of them stands.
func rank(n int, q unit.Ratio) int {
	high, low := bits.Mul64(uint64(n), uint64(q))
	low, carry := bits.Add64(low, uint64(one)-1, 0)
	quotient, _ := bits.Div64(high+carry, low, uint64(one))
	return max(1, int(quotient))
}

// quantile is the quantile q of sorted powers, which is one of them; 0 of none.
func quantile(sorted []unit.Power, q unit.Ratio) unit.Power {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[rank(len(sorted), q)-1]
}

// meanPower is energy over time, rounded as everything is: halves go up.
func meanPower(microjoules *big.Int, seconds int64) (unit.Power, bool) {
	twice := new(big.Int).Lsh(microjoules, 1)
	twice.Add(twice, big.NewInt(seconds))
	q, _ := new(big.Int).DivMod(twice, big.NewInt(2*seconds), new(big.Int)) // Euclidean: floor, as 2·seconds > 0
	return unit.Power(q.Int64()), q.IsInt64()
}

// differs reports whether a figure is further from the rate in force than the
// part tolerance of that.
func differs(figure, now unit.Power, tolerance unit.Ratio) bool {
	distance := new(big.Int).Sub(big.NewInt(int64(figure)), big.NewInt(int64(now)))
	distance.Abs(distance).Mul(distance, big.NewInt(int64(one)))
	bound := new(big.Int).Mul(big.NewInt(int64(now)), big.NewInt(int64(tolerance)))
	return distance.Cmp(bound) > 0
}

// plausible holds a figure against what any published rate is held against; and
// a card that is on does not draw nothing.
func plausible(figure unit.Power) bool {
	return figure > 0 && telemetry.PlausibleRate(telemetry.RateIdlePower, int64(figure))
}
