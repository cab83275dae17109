package telemetry

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/ntegral/ntegral/schemas/unit"
)

// rateRule says how a kind of rate is written and what is plausible for it.
type rateRule struct {
	suffix   string // of the unit as written; the currency stands before it
	currency bool
	scale    int
	min, max int64
}

var rateRules = [NumRateKinds]rateRule{
	RateDevicePrice:   {suffix: "/h", currency: true, scale: unit.MoneyScale, max: 10_000_000},
	RateInstancePrice: {suffix: "/h", currency: true, scale: unit.MoneyScale, max: 100_000_000},
	RateElectricity:   {suffix: "/kWh", currency: true, scale: unit.MoneyScale, min: -1_000_000, max: 1_000_000},
	RatePUE:           {suffix: "1", scale: unit.RatioScale, min: 1, max: 10},
	RateGridLocation:  {suffix: "g/kWh", scale: unit.CarbonScale, max: 2000},
	RateGridMarket:    {suffix: "g/kWh", scale: unit.CarbonScale, max: 2000},
	RateEmbodied:      {suffix: "kg", scale: unit.CarbonScale + 3, max: 1_000_000},
	RateLifetime:      {suffix: "h", scale: unit.TimeScale, max: 1_000_000},
	RateIdlePower:     {suffix: "W", scale: unit.PowerScale, max: 5000},
	RateFullPower:     {suffix: "W", scale: unit.PowerScale, max: 5000},
}

// ParseRateValue reads a rate's value and unit as written, e.g. "2.95" and
// "USD/h". The error says what would be right.
func ParseRateValue(k RateKind, value, unitText string) (v int64, currency string, err error) {
	rule := rateRules[k]
	if currency, err = rule.readUnit(k, unitText); err != nil {
		return 0, "", err
	}
	d, err := unit.ParseDecimal(value)
	if err != nil {
		return 0, "", fmt.Errorf("value %q: %w", value, err)
	}
	v, err = d.Scaled(rule.scale)
	if err != nil || !rule.plausible(d) {
		return 0, "", fmt.Errorf("value %q %s: %s lies within %d and %d", value, unitText, k, rule.min, rule.max)
	}
	if k == RateLifetime {
		v, err = lifetime(value)
	}
	return v, currency, err
}

// lifetime reads hours, a plausible decimal number, in ns: to round 10⁻⁹ h first would
// be another figure.
func lifetime(hours string) (int64, error) {
	x, ok := new(big.Rat).SetString(hours)
	if !ok {
		return 0, fmt.Errorf("value %q h: %w", hours, unit.ErrSyntax)
	}
	x.Mul(x, big.NewRat(3600*minLifetime, 1))
	if x.Cmp(big.NewRat(minLifetime, 1)) < 0 {
		return 0, fmt.Errorf("value %q h: a lifetime is a second at least", hours)
	}
	x.Add(x, big.NewRat(1, 2))
	return new(big.Int).Quo(x.Num(), x.Denom()).Int64(), nil
}

// minLifetime keeps what is embodied within the figures of a window: in ns.
const minLifetime = 1_000_000_000

// PlausibleRate holds the same bounds against a value that is already an
// integer, as it comes from a record that somebody else wrote.
func PlausibleRate(k RateKind, v int64) bool {
	rule := rateRules[k]
	least, most := rule.min, rule.max
	for range rule.scale {
		least, most = least*10, most*10
	}
	if k == RateLifetime {
		least, most = minLifetime, most*3600
	}
	return v >= least && v <= most
}

func (r rateRule) readUnit(k RateKind, text string) (currency string, err error) {
	if !r.currency {
		if text != r.suffix {
			return "", fmt.Errorf("unit %q: %s is in %q", text, k, r.suffix)
		}
		return "", nil
	}
	currency, ok := strings.CutSuffix(text, r.suffix)
	if !ok || !isCurrency(currency) {
		return "", fmt.Errorf("unit %q: %s is in a currency per unit, such as %q", text, k, "USD"+r.suffix)
	}
	return currency, nil
}

// plausible holds the bounds for the number as written, before it is rounded.
func (r rateRule) plausible(d unit.Decimal) bool {
	bound := r.max
	if d.Negative() {
		bound = -r.min
	}
	if r.min > 0 {
		if n, ok := d.IntegerPart(); d.Negative() || ok && n < uint64(r.min) {
			return false
		}
	}
	return !d.Above(uint64(max(0, bound)), 0)
}

func isCurrency(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}
