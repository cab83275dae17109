// Package unit holds the integer units in which every figure is kept: energy
// in microjoules, power in microwatts, money in 10⁻⁹ of its currency, carbon
// in micrograms of CO2e and ratios in parts per million. Times are
// nanoseconds, as in package time.
//
// Integers make sums exact and independent of order, which is what lets parts
// add up to the whole. Floats appear only where a person reads a figure.
// Decimal text enters through [ParseDecimal], which rounds half up and never
// passes through a float.
package unit

import "strconv"

// Energy is an amount of energy in microjoules.
type Energy int64

// Power is a rate of energy in microwatts.
type Power int64

// Money is an amount in 10⁻⁹ of a currency that is named beside it.
type Money int64

// Carbon is a mass of CO2 equivalent in micrograms.
type Carbon int64

// Ratio is a part of one in parts per million.
type Ratio int64

// Scales: how many decimals each unit keeps of its SI or currency unit.
const (
	EnergyScale = 6
	PowerScale  = 6
	MoneyScale  = 9
	CarbonScale = 6
	RatioScale  = 6
	TimeScale   = 9
)

// Whole units, as time.Second is for durations.
const (
	Joule Energy = 1_000_000
	Watt  Power  = 1_000_000
	Gram  Carbon = 1_000_000
	One   Ratio  = 1_000_000

	// MicrojoulesPerKilowattHour is exact: 1 kWh is 3.6 MJ.
	MicrojoulesPerKilowattHour = 3_600_000_000_000
	// NanosecondsPerHour divides prices per hour.
	NanosecondsPerHour = 3_600_000_000_000
)

func (e Energy) String() string { return FormatDecimal(int64(e), EnergyScale) + " J" }
func (p Power) String() string  { return FormatDecimal(int64(p), PowerScale) + " W" }
func (m Money) String() string  { return FormatDecimal(int64(m), MoneyScale) }
func (c Carbon) String() string { return FormatDecimal(int64(c), CarbonScale) + " g" }
func (r Ratio) String() string  { return FormatDecimal(int64(r), RatioScale) }

// MarshalText writes the ratio as a decimal.
func (r Ratio) MarshalText() ([]byte, error) { return AppendDecimal(nil, int64(r), RatioScale), nil }

// UnmarshalText reads a decimal, rounded to 10⁻⁶.
func (r *Ratio) UnmarshalText(text []byte) error {
	d, err := ParseDecimal(string(text))
	if err != nil {
		return err
	}
	v, err := d.Scaled(RatioScale)
	*r = Ratio(v)
	return err
}

// FormatDecimal writes v·10⁻ˢᶜᵃˡᵉ with exactly scale decimals.
func FormatDecimal(v int64, scale int) string {
	return string(AppendDecimal(nil, v, scale))
}

// AppendDecimal appends v·10⁻ˢᶜᵃˡᵉ to dst with exactly scale decimals.
func AppendDecimal(dst []byte, v int64, scale int) []byte {
	u := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		u = -u
	}
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], u, 10)
	if scale == 0 {
		return append(dst, text...)
	}
	if len(text) <= scale {
		dst = append(dst, '0', '.')
		for i := len(text); i < scale; i++ {
			dst = append(dst, '0')
		}
		return append(dst, text...)
	}
	dst = append(dst, text[:len(text)-scale]...)
	dst = append(dst, '.')
	return append(dst, text[len(text)-scale:]...)
}
