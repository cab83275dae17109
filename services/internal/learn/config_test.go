package learn

import (
	"strings"
	"testing"
	"time"

	"github.com/ntegral/ntegral/schemas/unit"
)

func TestValidateListsEverything(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	at := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	c := Config{From: at, To: at, ValidFrom: time.Unix(0, 0), Quantile: half + 1, Tolerance: -1}
	err := c.Validate()
	for _, want := range []string{
		"is not before to", "valid from 1970-01-01T00:00:00Z", "quantile 0.500001", "tolerance -0.000001", "min windows 0", "min devices 0",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	c = DefaultConfig()
	c.From, c.To = at, at.Add(maxRange+1)
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a range of more than a year: %v", err)
	}
}

func TestParseRatioIsExact(t *testing.T) {
	if got, err := ParseRatio("quantile", "0.05"); got != 50_000 || err != nil {
		t.Errorf("0.05 is %d, %v", got, err)
	}
	for _, text := range []string{"", "5 %", "NaN", "1e40"} {
		if got, err := ParseRatio("quantile", text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestPercent(t *testing.T) {
	for want, r := range map[string]int64{"5 %": 50_000, "2.5 %": 25_000, "50 %": 500_000, "0.0001 %": 1} {
		if got := percent(unit.Ratio(r)); got != want {
			t.Errorf("%d is %q, want %q", r, got, want)
		}
	}
}
