package unit_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/schemas/unit"
)

func TestScaledRoundsHalfUp(t *testing.T) {
	for _, tc := range []struct {
		text  string
		scale int
		want  int64
	}{
		{"0", 6, 0},
		{"-0", 6, 0},
		{"1", 6, 1_000_000},
		{"0.0000005", 6, 1},
		{"0.00000049999999999999999999", 6, 0},
		{"700.123456", 6, 700_123_456},
		{"1e3", 0, 1000},
		{"2.5", 0, 3},
		{"-2.5", 0, -2},
		{"-2.6", 0, -3},
		{"-2.50000000000000000000001", 0, -3},
		{".5", 0, 1},
		{"5.", 0, 5},
		{"+7", 0, 7},
		{"12345678901234567.8949", 1, 123456789012345679},
		{"000000000000000000000000012", 0, 12},
		{"1e-30", 6, 0},
		{"9223372036854775806", 0, 9223372036854775806},
	} {
		d, err := unit.ParseDecimal(tc.text)
		if err != nil {
			t.Errorf("ParseDecimal(%q): %v", tc.text, err)
			continue
		}
		if got, err := d.Scaled(tc.scale); err != nil || got != tc.want {
			t.Errorf("%q at scale %d = %d, %v, want %d", tc.text, tc.scale, got, err, tc.want)
		}
	}
}

func TestParseDecimalRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"": unit.ErrSyntax, "-": unit.ErrSyntax, ".": unit.ErrSyntax, "1e": unit.ErrSyntax, "1e+": unit.ErrSyntax, "0x10": unit.ErrSyntax,
		"1_0": unit.ErrSyntax, "1 ": unit.ErrSyntax, "1.2.3": unit.ErrSyntax, "NaN": unit.ErrNotFinite, "-Inf": unit.ErrNotFinite, "+infinity": unit.ErrNotFinite,
	} {
		if _, err := unit.ParseDecimal(text); !errors.Is(err, want) {
			t.Errorf("ParseDecimal(%q) = %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{"1e19", "9223372036854775808", "1e9999", "99999999999999999999"} {
		d, err := unit.ParseDecimal(text)
		if err != nil {
			t.Fatalf("ParseDecimal(%q): %v", text, err)
		}
		if _, err := d.Scaled(0); !errors.Is(err, unit.ErrRange) {
			t.Errorf("Scaled(%q) = %v, want ErrRange", text, err)
		}
	}
}

// TestScaledAgainstRationals holds rounding and comparing against math/big on
// random numbers with up to 25 digits.
func TestScaledAgainstRationals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	half := big.NewRat(1, 2)
	for range 20_000 {
		text := randomDecimal(r)
		scale := r.IntN(10)
		exact, _ := new(big.Rat).SetString(text)
		scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		want := floor(new(big.Rat).Add(scaled, half))
		d, err := unit.ParseDecimal(text)
		if err != nil {
			t.Fatalf("ParseDecimal(%q): %v", text, err)
		}
		got, err := d.Scaled(scale)
		if !want.IsInt64() {
			if err == nil {
				t.Fatalf("%q at scale %d = %d, want ErrRange", text, scale, got)
			}
			continue
		}
		if err != nil || got != want.Int64() {
			t.Fatalf("%q at scale %d = %d, %v, want %v", text, scale, got, err, want)
		}
		if above, want := d.Above(105, 2), new(big.Rat).Abs(exact).Cmp(big.NewRat(105, 100)) > 0; above != want {
			t.Fatalf("%q above 1.05 = %t, want %t", text, above, want)
		}
	}
}

func randomDecimal(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(4) == 0 {
		b.WriteByte('-')
	}
	for range 1 + r.IntN(12) {
		b.WriteByte("0123456789"[r.IntN(10)])
	}
	b.WriteByte('.')
	for range r.IntN(14) {
		b.WriteByte("0055123456789"[r.IntN(13)])
	}
	return b.String() + "0"
}

func floor(r *big.Rat) *big.Int {
	q := new(big.Int)
	m := new(big.Int)
	q.DivMod(r.Num(), r.Denom(), m)
	return q
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-0.5", "1e5", "nan", "2147483632.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := unit.ParseDecimal(s)
		if err != nil {
			return
		}
		v, err := d.Scaled(6)
		if err != nil {
			return
		}
		again, err := unit.ParseDecimal(unit.FormatDecimal(v, 6))
		if err != nil {
			t.Fatalf("parse own output of %q: %v", s, err)
		}
		if w, err := again.Scaled(6); err != nil || w != v {
			t.Fatalf("%q: %d is not a fixed point: %d, %v", s, v, w, err)
		}
	})
}
