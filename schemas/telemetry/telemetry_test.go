package telemetry_test

import (
	"math"
	"testing"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

func TestParseValue(t *testing.T) {
	for _, tc := range []struct {
		metric telemetry.Metric
		kind   telemetry.Kind
		text   string
		want   int64
		reason telemetry.Reason
	}{
		{telemetry.PowerWatts, telemetry.KindGPU, "700.5", 700_500_000, telemetry.Accepted},
		{telemetry.PowerWatts, telemetry.KindGPU, "5000", 5_000_000_000, telemetry.Accepted},
		{telemetry.PowerWatts, telemetry.KindGPU, "5000.0000000000000000001", 0, telemetry.OutOfRange},
		{telemetry.PowerWatts, telemetry.KindWall, "5001", 5_001_000_000, telemetry.Accepted},
		{telemetry.PowerWatts, telemetry.KindNetwork, "200000.1", 0, telemetry.OutOfRange},
		{telemetry.EnergyJoules, telemetry.KindGPU, "1000000000000", 1_000_000_000_000_000_000, telemetry.Accepted},
		{telemetry.EnergyJoules, telemetry.KindGPU, "1000000000000.1", 0, telemetry.OutOfRange},
		{telemetry.SMActive, telemetry.KindGPU, "1.05", 1_000_000, telemetry.Accepted},
		{telemetry.SMActive, telemetry.KindGPU, "1.0500001", 0, telemetry.OutOfRange},
		{telemetry.SMActive, telemetry.KindGPU, "0.1234565", 123_457, telemetry.Accepted},
		{telemetry.PowerWatts, telemetry.KindGPU, "-0.0000001", 0, telemetry.Negative},
		{telemetry.PowerWatts, telemetry.KindGPU, "-0", 0, telemetry.Accepted},
		{telemetry.PowerWatts, telemetry.KindGPU, "NaN", 0, telemetry.NotFinite},
		{telemetry.PowerWatts, telemetry.KindGPU, "1e400", 0, telemetry.OutOfRange},
		{telemetry.PowerWatts, telemetry.KindGPU, "12W", 0, telemetry.Unparsable},
		{telemetry.MemoryUsed, telemetry.KindGPU, "2147483632", 0, telemetry.Sentinel},
		{telemetry.MemoryUsed, telemetry.KindGPU, "2147483635.9", 0, telemetry.Sentinel},
		{telemetry.MemoryUsed, telemetry.KindGPU, "2147483636", 2147483636, telemetry.Accepted},
		{telemetry.EnergyJoules, telemetry.KindGPU, "9223372036854775795", 0, telemetry.Sentinel},
		{telemetry.EnergyJoules, telemetry.KindGPU, "140737488355331.0", 0, telemetry.Sentinel},
	} {
		got, reason := telemetry.ParseValue(tc.metric, tc.kind, tc.text)
		if got != tc.want || reason != tc.reason {
			t.Errorf("ParseValue(%s, %s, %q) = %d, %s, want %d, %s", tc.metric, tc.kind, tc.text, got, reason, tc.want, tc.reason)
		}
	}
}

func TestParseRateValue(t *testing.T) {
	for _, tc := range []struct {
		kind        telemetry.RateKind
		value, unit string
		want        int64
		currency    string
	}{
		{telemetry.RateDevicePrice, "2.95", "USD/h", 2_950_000_000, "USD"},
		{telemetry.RateElectricity, "-0.01", "EUR/kWh", -10_000_000, "EUR"},
		{telemetry.RatePUE, "1", "1", 1_000_000, ""},
		{telemetry.RatePUE, "1.19", "1", 1_190_000, ""},
		{telemetry.RateGridLocation, "396.25", "g/kWh", 396_250_000, ""},
		{telemetry.RateGridMarket, "0", "g/kWh", 0, ""},
		{telemetry.RateEmbodied, "164", "kg", 164_000_000_000, ""},
		{telemetry.RateLifetime, "35040", "h", 35_040 * 3_600_000_000_000, ""},
		{telemetry.RateIdlePower, "66.3", "W", 66_300_000, ""},
	} {
		got, currency, err := telemetry.ParseRateValue(tc.kind, tc.value, tc.unit)
		if err != nil || got != tc.want || currency != tc.currency {
			t.Errorf("ParseRateValue(%s, %q, %q) = %d, %q, %v, want %d, %q", tc.kind, tc.value, tc.unit, got, currency, err, tc.want, tc.currency)
		}
	}
	for _, tc := range []struct {
		kind        telemetry.RateKind
		value, unit string
	}{
		{telemetry.RatePUE, "0.99", "1"},
		{telemetry.RatePUE, "19", "1"},
		{telemetry.RateGridLocation, "2000.1", "g/kWh"},
		{telemetry.RateGridLocation, "-1", "g/kWh"},
		{telemetry.RateDevicePrice, "-1", "USD/h"},
		{telemetry.RateDevicePrice, "1", "USD/kWh"},
		{telemetry.RateDevicePrice, "1", "usd/h"},
		{telemetry.RateLifetime, "0", "h"},
		{telemetry.RateIdlePower, "x", "W"},
		{telemetry.RateEmbodied, "NaN", "kg"},
	} {
		if got, _, err := telemetry.ParseRateValue(tc.kind, tc.value, tc.unit); err == nil {
			t.Errorf("ParseRateValue(%s, %q, %q) = %d, want an error", tc.kind, tc.value, tc.unit, got)
		}
	}
}

func TestCheckTime(t *testing.T) {
	const now, skew = 1_700_000_000_000_000_000, 300_000_000_000
	for _, tc := range []struct {
		time int64
		want telemetry.Reason
	}{
		{now + skew, telemetry.Accepted},
		{now + skew + 1, telemetry.InFuture},
		{946_684_800_000_000_000, telemetry.Accepted},
		{946_684_799_999_999_999, telemetry.TooOld},
		{math.MinInt64, telemetry.TooOld},
		{math.MaxInt64, telemetry.InFuture},
	} {
		if got := telemetry.CheckTime(tc.time, now, skew); got != tc.want {
			t.Errorf("CheckTime(%d) = %s, want %s", tc.time, got, tc.want)
		}
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for _, n := range telemetry.MetricNames() {
		if got := telemetry.ParseMetric(n).String(); got != n {
			t.Errorf("metric %q became %q", n, got)
		}
	}
	for _, n := range telemetry.KindNames() {
		if got := telemetry.ParseKind(n).String(); got != n {
			t.Errorf("kind %q became %q", n, got)
		}
	}
	for _, n := range telemetry.RateKindNames() {
		if got := telemetry.ParseRateKind(n).String(); got != n {
			t.Errorf("rate kind %q became %q", n, got)
		}
	}
}

// A value that passes as written passes as an integer, and bounds hold for both.
func TestRatesBeyondBounds(t *testing.T) {
	for _, tc := range []struct {
		kind  telemetry.RateKind
		value int64
		want  bool
	}{
		{telemetry.RateLifetime, 999_999_999, false},
		{telemetry.RateLifetime, 1_000_000_000, true},
		{telemetry.RateLifetime, 3_600_000_000_000_000_000, true},
		{telemetry.RateEmbodied, 1_000_000_000_000_000, true},
		{telemetry.RateEmbodied, 1_100_000_000_000_000, false},
		{telemetry.RatePUE, 999_999, false},
		{telemetry.RatePUE, 1_000_000, true},
		{telemetry.RateElectricity, -1_000_000_000, true},
		{telemetry.RateDevicePrice, -1, false},
		{telemetry.RateDevicePrice, 9_000_000_000_000_000_000, false},
		{telemetry.RateIdlePower, 5_000_000_000, true},
	} {
		if got := telemetry.PlausibleRate(tc.kind, tc.value); got != tc.want {
			t.Errorf("PlausibleRate(%v, %d) = %t, want %t", tc.kind, tc.value, got, tc.want)
		}
	}
	if _, _, err := telemetry.ParseRateValue(telemetry.RateLifetime, "0.000000001", "h"); err == nil {
		t.Error("a lifetime of 3600 ns is taken")
	}
	for text, want := range map[string]int64{
		"0.0010000004": 3_600_001_440, "1e-3": 3_600_000_000, "0.000277777777777777777777": 0, "0.00027777777777777777778": 1_000_000_000,
		"1000000": 3_600_000_000_000_000_000, "0.0005000000001388888": 1_800_000_000, "0.0005000000001388889": 1_800_000_001,
	} {
		if got, _, err := telemetry.ParseRateValue(telemetry.RateLifetime, text, "h"); got != want || (err == nil) != (want != 0) {
			t.Errorf("a lifetime of %s h: %d ns, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]bool{"1": true, "0.9999999": false, "10": true, "10.0000001": false, "-1.5": false} {
		if _, _, err := telemetry.ParseRateValue(telemetry.RatePUE, text, "1"); (err == nil) != want {
			t.Errorf("a PUE of %s: %v, want it taken: %t", text, err, want)
		}
	}
}
