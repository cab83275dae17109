package unit

import (
	"errors"
	"math"
	"strings"
)

// Errors of ParseDecimal and Decimal.Scaled.
var (
	// ErrSyntax: the text is not a decimal number.
	ErrSyntax = errors.New("not a decimal number")
	// ErrNotFinite: the text is a NaN or an infinity.
	ErrNotFinite = errors.New("not a finite number")
	// ErrRange: the number does not fit 64 bits in the unit asked for.
	ErrRange = errors.New("number out of range")
)

const (
	maxDigits   = 19 // significant digits that a uint64 always holds
	maxExponent = 9999
)

var pow10 = [maxDigits + 1]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// Decimal is a number as written: ±mant·10^exp, of which the first nineteen
// significant digits are kept; next is the twentieth, and rest tells whether
// anything but zeros follows it. That is enough to round and to compare
// exactly in every unit that fits 64 bits.
type Decimal struct {
	mant uint64
	exp  int
	next byte
	rest bool
	neg  bool
}

// ParseDecimal reads [+-]digits[.digits][(e|E)[+-]digits]; either run of
// digits may be missing, not both. It returns ErrNotFinite for the usual
// spellings of NaN and infinity and ErrSyntax for anything else.
func ParseDecimal(text string) (Decimal, error) {
	var d Decimal
	body := text
	if body != "" && (body[0] == '-' || body[0] == '+') {
		d.neg = body[0] == '-'
		body = body[1:]
	}
	n := d.readMantissa(body)
	if n == 0 {
		switch strings.ToLower(body) {
		case "nan", "inf", "infinity":
			return Decimal{}, ErrNotFinite
		}
		return Decimal{}, ErrSyntax
	}
	if n < len(body) {
		e, ok := readExponent(body[n:])
		if !ok {
			return Decimal{}, ErrSyntax
		}
		d.exp += e
	}
	if d.mant == 0 {
		d = Decimal{}
	}
	return d, nil
}

// readMantissa takes the digits and the point, and returns how many bytes it
// used, 0 when there was no digit.
func (d *Decimal) readMantissa(body string) int {
	digits, kept, point := 0, 0, -1
	i := 0
	for ; i < len(body); i++ {
		c := body[i]
		if c == '.' && point < 0 {
			point = digits
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		digits++
		switch {
		case kept < maxDigits:
			d.mant = d.mant*10 + uint64(c-'0')
			if d.mant != 0 {
				kept++
			}
			if point >= 0 {
				d.exp--
			}
			continue
		case kept == maxDigits:
			d.next = c - '0'
			kept++
		case c != '0':
			d.rest = true
		}
		if point < 0 {
			d.exp++
		}
	}
	if digits == 0 {
		return 0
	}
	return i
}

func readExponent(s string) (int, bool) {
	if len(s) < 2 || (s[0] != 'e' && s[0] != 'E') {
		return 0, false
	}
	s = s[1:]
	sign := 1
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	e := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		e = min(e*10+int(s[i]-'0'), maxExponent)
	}
	return sign * e, true
}

// Negative reports whether the number is below zero.
func (d Decimal) Negative() bool { return d.neg && d.mant != 0 }

// floorAbs returns ⌊|d|·10^scale⌋, whether a fraction was cut off, and
// whether that fraction is one half or more.
func (d Decimal) floorAbs(scale int) (q uint64, frac, half, ok bool) {
	shift := d.exp + scale
	switch {
	case d.mant == 0:
		return 0, false, false, true
	case shift > maxDigits || shift > 0 && d.mant > math.MaxUint64/pow10[shift]:
		return 0, false, false, false
	case shift > 0:
		if d.next != 0 || d.rest { // more than 19 digits and a larger unit: far out of range
			return 0, false, false, false
		}
		return d.mant * pow10[shift], false, false, true
	case shift == 0:
		return d.mant, d.next != 0 || d.rest, d.next >= 5, true
	case -shift > maxDigits:
		return 0, true, false, true
	}
	unit := pow10[-shift]
	q, rem := d.mant/unit, d.mant%unit
	return q, rem != 0 || d.next != 0 || d.rest, rem >= unit/2, true
}

// Scaled returns R(d·10^scale), R(x) = ⌊x+½⌋, or ErrRange.
func (d Decimal) Scaled(scale int) (int64, error) {
	q, frac, half, ok := d.floorAbs(scale)
	if !ok || q >= math.MaxInt64 {
		return 0, ErrRange
	}
	if !d.neg {
		if half {
			q++
		}
		return int64(q), nil
	}
	// ⌊-x+½⌋ rounds a half towards zero: only what is above a half goes down.
	if half && !d.exactHalf(scale, frac) {
		q++
	}
	return -int64(q), nil
}

func (d Decimal) exactHalf(scale int, frac bool) bool {
	shift := d.exp + scale
	if !frac || d.rest {
		return false
	}
	if shift == 0 {
		return d.next == 5
	}
	unit := pow10[-shift]
	return d.next == 0 && d.mant%unit == unit/2
}

// Above reports whether |d| exceeds bound·10^-scale, before any rounding.
func (d Decimal) Above(bound uint64, scale int) bool {
	q, frac, _, ok := d.floorAbs(scale)
	return !ok || q > bound || q == bound && frac
}

// IntegerPart returns ⌊|d|⌋: the number as written, without its decimals. ok
// is false where it does not fit 64 bits.
func (d Decimal) IntegerPart() (n uint64, ok bool) {
	q, _, _, ok := d.floorAbs(0)
	return q, ok
}
