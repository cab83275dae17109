package replay_test

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ntegral/ntegral/schemas/replay"
)

var (
	rfc3339 = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$`)
	millis  = regexp.MustCompile(`^-?\d{1,13}(\.\d{1,6})?$`)
	errTime = errors.New("not a time")
)

// parseTimePlainly is ParseTime again, by the standard library.
func parseTimePlainly(text string) (int64, error) {
	if millis.MatchString(text) {
		r, _ := new(big.Rat).SetString(text)
		r.Mul(r, big.NewRat(1_000_000, 1))
		if !r.Num().IsInt64() || len(strings.TrimLeft(text, "-")) > 13 && r.Num().BitLen() > 63 {
			return 0, errTime
		}
		if bound := int64(9223372036854); new(big.Int).Abs(new(big.Int).Quo(r.Num(), big.NewInt(1_000_000))).Int64() > bound-1 {
			return 0, errTime
		}
		return r.Num().Int64(), nil
	}
	if !rfc3339.MatchString(text) {
		return 0, errTime
	}
	// The library takes an offset of 24 hours or 60 minutes, RFC 3339 does not.
	if zone := text[len(text)-6:]; strings.ContainsAny(zone[:1], "+-") && (zone[1:3] > "23" || zone[4:] > "59") {
		return 0, errTime
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
	if err != nil || text[:4] < "1678" || text[:4] > "2261" {
		return 0, errTime
	}
	return t.UnixNano(), nil
}

func TestParseTime(t *testing.T) {
	for _, tc := range []struct {
		text string
		want string // RFC 3339; empty: refused
	}{
		{"2026-09-15T13:00:00Z", "2026-09-15T13:00:00Z"},
		{"2024-02-29T23:59:59.999999999Z", "2024-02-29T23:59:59.999999999Z"},
		{"2026-09-15T13:00:00.5-07:30", "2026-09-15T20:30:00.5Z"},
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"2000-03-01T00:00:00+14:00", "2000-02-29T10:00:00Z"},
		{"1789477200000", "2026-09-15T13:00:00Z"},
		{"1789477200000.000001", "2026-09-15T13:00:00.000000001Z"},
		{"0", "1970-01-01T00:00:00Z"},
		{"-1", "1969-12-31T23:59:59.999Z"},
		{"2023-02-29T00:00:00Z", ""},
		{"2026-13-01T00:00:00Z", ""},
		{"2026-09-15T24:00:00Z", ""},
		{"2026-09-15T23:59:60Z", ""},
		{"2026-09-15 13:00:00Z", ""},
		{"2026-09-15T13:00:00", ""},
		{"2026-09-15T13:00:00.Z", ""},
		{"2026-09-15T13:00:00.1234567890Z", ""},
		{"2026-09-15T13:00:00+2:00", ""},
		{"2026-09-15T13:00:00+23:59", "2026-09-14T13:01:00Z"},
		{"2026-09-15T13:00:00-24:00", ""},
		{"2026-09-15T13:00:00+05:60", ""},
		{"9999-01-01T00:00:00Z", ""},
		{"1789477200000000", ""},
		{"1e12", ""},
		{"", ""},
		{"1789477200.", ""},
		{"1.0000001", ""},
	} {
		got, ok := replay.ParseTime([]byte(tc.text))
		if ok != (tc.want != "") {
			t.Errorf("ParseTime(%q) = %d, %t, want %q", tc.text, got, ok, tc.want)
			continue
		}
		if s := time.Unix(0, got).UTC().Format(time.RFC3339Nano); ok && s != tc.want {
			t.Errorf("ParseTime(%q) = %s, want %s", tc.text, s, tc.want)
		}
	}
}
