package replay

import (
	"bytes"
	"math"
)

// Times are written as RFC 3339, with up to nine decimals and any offset, or
// as milliseconds since the Unix epoch, with up to six decimals. Both are read
// exactly, to the nanosecond. A leap second (60) and what lies outside the
// years 1678 to 2261, which nanoseconds in 64 bits do not reach, are refused.

const timeHint = "want RFC 3339 such as 2026-09-15T13:00:00Z, or milliseconds since 1970 such as 1789477200000"

const yearHint = "want a year from 1678 to 2261"

// hintOf says what would be right in place of a time that cannot be read.
func hintOf(text []byte) string {
	if len(text) > 4 && text[4] == '-' {
		known := append([]byte("2000"), text[4:]...)
		_, year := digits(text[:4])
		if _, ok := parseRFC3339(known); ok && year {
			return yearHint
		}
	}
	return timeHint
}

// ParseTime reads a time as ns since the Unix epoch.
func ParseTime(text []byte) (ns int64, ok bool) {
	if len(text) > 4 && text[4] == '-' && text[0] != '-' {
		return parseRFC3339(text)
	}
	return parseMillis(text)
}

func parseMillis(text []byte) (int64, bool) {
	neg := len(text) > 0 && text[0] == '-'
	if neg {
		text = text[1:]
	}
	whole, part, point := bytes.Cut(text, []byte{'.'})
	if len(whole) == 0 || len(whole) > 13 || point && (len(part) == 0 || len(part) > 6) {
		return 0, false
	}
	ms, ok1 := digits(whole)
	sub, ok2 := digits(part)
	if !ok1 || !ok2 || ms > (math.MaxInt64/1_000_000)-1 {
		return 0, false
	}
	for range 6 - len(part) {
		sub *= 10
	}
	ns := ms*1_000_000 + sub
	if neg {
		ns = -ns
	}
	return ns, true
}

// digits reads up to 18 decimal digits; none are 0.
func digits(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

func parseRFC3339(b []byte) (int64, bool) {
	const shape = "2006-01-02T15:04:05"
	if len(b) < len(shape)+1 || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != 't' || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	var n [6]int64
	for i, at := range [...][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}} {
		v, ok := digits(b[at[0]:at[1]])
		if !ok {
			return 0, false
		}
		n[i] = v
	}
	year, month, day := n[0], n[1], n[2]
	if year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || n[3] > 23 || n[4] > 59 || n[5] > 59 {
		return 0, false
	}
	sub, rest, ok := fraction(b[len(shape):])
	if !ok {
		return 0, false
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, false
	}
	seconds := daysSinceEpoch(year, month, day)*86_400 + n[3]*3600 + n[4]*60 + n[5] - offset
	return seconds*1_000_000_000 + sub, true
}

// fraction reads [.d{1,9}] as ns.
func fraction(b []byte) (ns int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	i := 1
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	if i == 1 || i > 10 {
		return 0, nil, false
	}
	ns, _ = digits(b[1:i])
	for range 10 - i {
		ns *= 10
	}
	return ns, b[i:], true
}

// zone reads Z or ±hh:mm as seconds east of UTC.
func zone(b []byte) (seconds int64, ok bool) {
	if len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	if len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	h, ok1 := digits(b[1:3])
	m, ok2 := digits(b[4:6])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	seconds = h*3600 + m*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts in years that begin in March, so that the leap day
// comes last; year is positive.
func daysSinceEpoch(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	ofEra := year - era*400
	ofYear := (153*(month-3)+2)/5 + day - 1
	return era*146_097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719_468
}
