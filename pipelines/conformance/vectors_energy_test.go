package conformance_test

import "testing"

// Each case is worked out by hand in its comment. Node n has a wall without
// readings and card g; windows are 60 s.
func TestEnergyVectors(t *testing.T) {
	runVectors(t, []vector{
		// 160 − 100 = 60 J; presence [0, 60).
		{
			"counter", "dev g gpu\n g energy 0 100 60 160", "", "g", 0,
			"energy_j=60.000000 device_seconds=60.000000000 covered_seconds=60.000000000 estimated_j=0.000000",
		},
		// Up to 60 s half of 100 J has been given; presence in that window is 30 s.
		{"counter over an edge", "dev g gpu\n g energy 30 0 90 100", "", "g", 60, "energy_j=50.000000 device_seconds=30.000000000"},
		// S(60) = R(1·60/120) = R(0.5) = 1 µJ: the first window has it all.
		{"half a microjoule", "dev g gpu\n g energy 0 0 120 0.000001", "", "g", 60, "energy_j=0.000001"},
		// 0.0000005 J is rounded to 1 µJ, 0.00000049 J to 0.
		{"decimals finer than the unit", "dev g gpu\n g energy 0 0.00000049 60 0.0000005", "", "g", 0, "energy_j=0.000001"},
		// (100 + 200)/2 W × 60 s = 9000 J; the holds lie outside presence.
		{"trapezoid", "dev g gpu\n g power 0 100 60 200", "", "g", 0, "energy_j=9000.000000 estimated_j=0.000000"},
		// Half way power is 150 W: (100 + 150)/2 × 30 = 3750 J, in the window that ends there.
		{"trapezoid cut", "dev g gpu\n g power 30 100 90 200", "", "g", 60, "energy_j=3750.000000"},
		// A temperature at 100 s lengthens presence: 200 W × 10 s held after 60 s.
		{
			"held after", "dev g gpu\n g power 0 100 60 200\n g temp 100 30", "", "g", 0,
			"energy_j=11000.000000 estimated_j=2000.000000 covered_seconds=60.000000000 device_seconds=100.000000000",
		},
		// Held over [20, 30) at 100 W = 1000 J, then 30 s × 100 W.
		{"held before", "dev g gpu\n g power 30 100 60 100\n g temp 0 30", "", "g", 0, "energy_j=4000.000000 estimated_j=1000.000000"},
		// Presence begins at 25 s: S(30) − S(25) of a hold that begins at 20 s = 500 J.
		{"hold clipped", "dev g gpu\n g power 30 100 60 100\n g temp 25 30", "", "g", 0, "energy_j=3500.000000 estimated_j=500.000000"},
		// One reading is no segment and is not held.
		{"isolated reading", "dev g gpu\n g power 30 100\n g temp 0 30 60 30", "", "g", 0, "energy_j=0.000000 covered_seconds=0.000000000"},
		// Exactly 5 min is a segment: 100 W × 300 s.
		{"gap of max_gap", "dev g gpu\n g power 0 100 300 100", "", "g", 0, "energy_j=30000.000000 estimated_j=0.000000"},
		// 1 ns longer is none, and both readings are isolated.
		{"gap over max_gap", "dev g gpu\n g power 0 100 300.000000001 100", "", "g", 0, "energy_j=0.000000"},
	})
}

// The lower rungs, limits and silences.
func TestBridgeAndLimitVectors(t *testing.T) {
	runVectors(t, []vector{
		// 600 J over 600 s: 1 J a second, estimated, yet covered.
		{"bridge", "dev g gpu\n g energy 0 0 600 600", "", "g", 60, "energy_j=60.000000 estimated_j=60.000000 covered_seconds=60.000000000"},
		// Power gives 60 s × 100 W = 6000 J and a hold 1000 J; the bridge the other 93,000 J over 530 s.
		{
			"bridge beside power", "dev g gpu\n g energy 0 0 600 100000\n g power 0 100 60 100", "", "g", 0,
			"energy_j=100000.000000 estimated_j=94000.000000 covered_seconds=590.000000000",
		},
		// The better rungs give 7000 J > 1 J: the bridge gives nothing, its time is covered.
		{
			"bridge of nothing", "dev g gpu\n g energy 0 0 600 1\n g power 0 100 60 100", "", "g", 0,
			"energy_j=7000.000000 estimated_j=1000.000000 covered_seconds=590.000000000",
		},
		// Power covers all of the bridge (two segments of 300 s): 90,000 J stay, 10,000 J are unplaced.
		{"bridge without room", "dev g gpu\n g energy 0 0 600 100000\n g power 0 150 300 150 600 150", "", "g", 0, "energy_j=90000.000000 estimated_j=0.000000"},
		// After a reset the counter's 30 J are spread, estimated and not covered.
		{"reset", "dev g gpu\n g energy 0 100 60 30", "", "g", 0, "energy_j=30.000000 estimated_j=30.000000 covered_seconds=0.000000000"},
		// Power covers [0, 30) at 100 W and holds to 40 s: 3000 + 1000; 30 J lie on the other 20 s.
		{"reset beside power", "dev g gpu\n g energy 0 100 60 30\n g power 0 100 30 100", "", "g", 0, "energy_j=4030.000000 estimated_j=1030.000000"},
		// 1.2 × 5000 W × 60 s = 360,000 J is the most that a card can give.
		{"at the limit", "dev g gpu\n g energy 0 0 60 360000", "", "g", 0, "energy_j=360000.000000"},
		{"over the limit", "dev g gpu\n g energy 0 0 60 360000.000001", "", "g", 0, "energy_j=0.000000 covered_seconds=0.000000000"},
		// Limit 700 W: 50,400 J.
		{"at the power limit", "dev g gpu\n g energy 0 0 60 50400\n g limit 60 700", "", "g", 0, "energy_j=50400.000000"},
		{"over the power limit", "dev g gpu\n g energy 0 0 60 50401\n g limit 0 700 61 5000", "", "g", 0, "energy_j=0.000000"},
		// The latest limit is 0: as if there were none.
		{"power limit of 0", "dev g gpu\n g energy 0 0 60 50401\n g limit 0 700 30 0", "", "g", 0, "energy_j=50401.000000"},
		// After a reset the amount is v₁: 360,001 J in 60 s is no reset, but a fault.
		{"reset over the limit", "dev g gpu\n g energy 0 400000 60 360001", "", "g", 0, "energy_j=0.000000"},
		// The reading at 60 s says nothing: 120 J over 120 s.
		{"hung counter", "dev g gpu\n g energy 0 100 60 100 120 220", "", "g", 60, "energy_j=60.000000"},
		// Hung to the end: no segment at all, hence dark.
		{"hung to the end", "dev g gpu\n g energy 0 100 60 100", "", "g", 0, "energy_j=0.000000 covered_seconds=0.000000000"},
		// Hung for 6 min makes a bridge.
		{"hung over max_gap", "dev g gpu\n g energy 0 100 180 100 360 460", "", "g", 60, "energy_j=60.000000 estimated_j=60.000000"},
		// 1 h is bridged; a ns more is unplaced and not even presence.
		{"silence of max_silence", "dev g gpu\n g energy 0 0 3600 3600", "", "g", 0, "energy_j=3600.000000 device_seconds=3600.000000000"},
		{"silence over max_silence", "dev g gpu\n g energy 0 0 3600.000000001 3600", "", "g", 0, "none"},
		// The largest of three at one time counts.
		{"readings at one time", "dev g gpu\n g energy 0 0 60 50 60 60\n g energy 60 55", "", "g", 0, "energy_j=60.000000"},
		// A counter covers [0, 60); power answers for the other 60 s alone: 60 + 6000 J.
		{"counter over power", "dev g gpu\n g energy 0 0 60 60\n g power 0 100 60 100 120 100", "", "g", 0, "energy_j=6060.000000 covered_seconds=120.000000000"},
	})
}

// Readings that are rejected are as if never sent.
func TestRejectedVectors(t *testing.T) {
	base := "dev g gpu\n g power 0 100 60 100\n"
	same := "energy_j=6000.000000 device_seconds=60.000000000"
	var vectors []vector
	for name, line := range map[string]script{
		"not a number": "g power 120 NaN", "infinite": "g power 120 +Inf", "negative": "g power 120 -0.0000001",
		"unparsable": "g power 120 12W", "sentinel": "g temp 120 2147483635.9", "sentinel of 64 bits": "g temp 120 9223372036854775792",
		"sentinel of a double": "g temp 120 140737488355331", "unknown metric": "g warp 120 1", "unknown device": "x power 120 1",
		"unknown activity": "x/p temp 120 1", "ratio": "g sm 120 1.0500001", "power": "g power 120 5000.0000001",
		"limit": "g limit 120 5000.0000001", "counter": "g energy 120 1000000000000.1", "before 2000": "g temp -900000000 1",
	} {
		vectors = append(vectors, vector{name, script(base) + line, "", "g", 0, same})
	}
	for name, line := range map[string]script{
		"beside a sentinel": "g temp 120 2147483636", "minus nothing": "g power 120 -0", "activity of a stranger": "g/p temp 120 1",
		"ratio within": "g sm 120 1.05", "wall": "- power 120 200000",
	} {
		want := "device_seconds=120.000000000"
		vectors = append(vectors, vector{name, script(base) + line, "", "g", 0, want})
	}
	runVectors(t, vectors)
}

func TestFutureReading(t *testing.T) {
	d := script("dev g gpu\n g power 0 100 60 100\n g temp 120 30").directory()
	for _, c := range []struct {
		name string
		skew int64
		want string
	}{{"five minutes ahead", 300e9, "120.000000000"}, {"a nanosecond more", 300e9 + 1, "60.000000000"}} {
		d.takenIn = vectorStart.Add(120e9).Add(-1 * durationOf(c.skew))
		rows := plainReport(d, "device", zeroTime, zeroTime)
		if got := cell(reportHeader("device"), rows[len(rows)-1], "device_seconds"); got != c.want {
			t.Errorf("%s: device_seconds %s, want %s", c.name, got, c.want)
		}
	}
}
