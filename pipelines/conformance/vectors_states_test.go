package conformance_test

import "testing"

// States, worked out by hand: card g is held by a for 60 s unless it says
// otherwise. One row on each side of every threshold.
func TestStateVectors(t *testing.T) {
	held := script("dev g gpu H100\n hold a g whole - 0 60\n")
	minute := ": device_seconds=60.000000000"
	runFactVectors(t, []factVector{
		{"dark", held + "g temp 0 1 60 1", "g", "a", 0, "dark" + minute},
		// Nobody's, but first of all dark.
		{"dark and free", "dev g gpu\n g temp 0 1 60 1", "g", "", 0, "dark" + minute},
		{"dark with errors", held + "g xid 0 0 60 9", "g", "a", 0, "dark" + minute},
		// A hung counter covers nothing.
		{"dark with a hung counter", held + "g energy 0 5 60 5", "g", "a", 0, "dark" + minute},
		{"free by meter", "dev g gpu\n g energy 0 0 60 60", "g", "", 0, "unallocated" + minute},
		{"free by ratio", "dev g gpu\n g sm 0 1 60 1", "g", "", 0, "unallocated" + minute},
		{"free with errors", "dev g gpu\n g sm 0 1 60 1\n g xid 0 0 60 1", "g", "", 0, "unallocated" + minute},
		// A wall's meter is not the accelerator's own.
		{"dark below a wall", held + "- energy 0 0 60 60", "g", "a", 0, "dark: device_seconds=60.000000000 energy_j=60.000000 covered_seconds=60.000000000"},
		// busy/known = 0.6/60 = 0.01 is not below 0.01.
		{"at idle", held + "g sm 0 0.01 60 0.01", "g", "a", 0, "underused: busy_seconds=0.600000000"},
		{"below idle", held + "g sm 0 0.009999 60 0.009999", "g", "a", 0, "allocated_idle: busy_seconds=0.599940000"},
		{"at underused", held + "g sm 0 0.25 60 0.25", "g", "a", 0, "active: busy_seconds=15.000000000"},
		{"below underused", held + "g sm 0 0.249999 60 0.249999", "g", "a", 0, "underused: busy_seconds=14.999940000"},
		// Metered, no ratio and no idle power: nothing speaks against it.
		{"meter alone", held + "g energy 0 0 60 60", "g", "a", 0, "active" + minute},
		// Of the first 30 s a ratio is known: 0 of 30; the meter says nothing of idle power.
		{"known for a part", held + "g sm 0 0 30 0\n g energy 0 0 60 60000", "g", "a", 0, "allocated_idle: known_seconds=30.000000000 device_seconds=60.000000000"},
	})
}

// Throttling: 6 s of 60 s are not below 0.1.
func TestThrottledVectors(t *testing.T) {
	busy := script("dev g gpu H100\n hold a g whole - 0 60\n g sm 0 0.5 60 0.5\n")
	minute := ": device_seconds=60.000000000"
	runFactVectors(t, []factVector{
		{"at throttled", busy + "g throttle 0 1 60 7", "g", "a", 0, "throttled" + minute},
		{"below throttled", busy + "g throttle 0 1 60 6.999999999", "g", "a", 0, "active" + minute},
		{"after a reset", busy + "g throttle 0 100 60 6", "g", "a", 0, "throttled" + minute},
		{"after a reset, below", busy + "g throttle 0 100 60 5.999999999", "g", "a", 0, "active" + minute},
		// 6 s in [0, 30), nothing in [30, 60): readings that are equal are neighbours all the same.
		{"for a part", busy + "g throttle 0 0 30 6 60 6", "g", "a", 0, "throttled" + minute},
		// 360 s in an hour are 6 s a minute.
		{"silence of max_silence", busy + "g throttle 0 0 3600 360", "g", "a", 60, "throttled" + minute},
		{"silence over max_silence", busy + "g throttle 0 0 3600.000000001 3600", "g", "a", 60, "active" + minute},
		// S(60) = R(12·60/120) = 6 s.
		{"cut by the window", busy + "g throttle 0 0 120 12", "g", "a", 60, "throttled" + minute},
		{"before underused", "dev g gpu\n hold a g whole - 0 60\n g sm 0 0.1 60 0.1\n g throttle 0 0 60 6", "g", "a", 0, "throttled" + minute},
		{"after idle", "dev g gpu\n hold a g whole - 0 60\n g sm 0 0 60 0\n g throttle 0 0 60 60", "g", "a", 0, "allocated_idle" + minute},
		{"not known to be busy", "dev g gpu\n hold a g whole - 0 60\n g energy 0 0 60 60\n g throttle 0 0 60 60", "g", "a", 0, "active" + minute},
		{"free", "dev g gpu\n g sm 0 1 60 1\n g throttle 0 0 60 60", "g", "", 0, "unallocated" + minute},
	})
}

// Errors: the segment's [t₀, t₁) must overlap the interval and rise.
func TestErrorVectors(t *testing.T) {
	busy := script("dev g gpu H100\n hold a g whole - 0 60\n g sm 0 0.5 60 0.5\n")
	cut := busy + "hold z - whole - 30 60\n" // an interval begins at 30 s
	minute := ": device_seconds=60.000000000"
	halves := "active: device_seconds=30.000000000 | fault: device_seconds=30.000000000"
	runFactVectors(t, []factVector{
		{"rises", busy + "g xid 0 0 60 1", "g", "a", 0, "fault" + minute},
		{"does not rise", busy + "g xid 0 7 60 7", "g", "a", 0, "active" + minute},
		// 0.4 is rounded to 0.
		{"rises by less than one", busy + "g xid 0 0 60 0.4", "g", "a", 0, "active" + minute},
		// It touches a part of the only interval.
		{"for a part", busy + "g xid 20 0 21 1", "g", "a", 0, "fault" + minute},
		{"ends at the interval's start", cut + "g xid 0 0 30 1 60 1", "g", "a", 0, halves},
		{"begins at the interval's end", cut + "g xid 0 0 30 0 60 1", "g", "a", 0, halves},
		{"a ns over", cut + "g xid 0 0 30.000000001 1", "g", "a", 0, "fault" + minute},
		{"reset to nothing", busy + "g xid 0 7 60 0", "g", "a", 0, "active" + minute},
		{"reset to one", busy + "g xid 0 7 60 1", "g", "a", 0, "fault" + minute},
		{"silence of max_silence", busy + "g xid 0 0 3600 1", "g", "a", 60, "fault" + minute},
		{"silence over max_silence", busy + "g xid 0 0 3600.000000001 1", "g", "a", 60, "active" + minute},
		// More than one a ns says nothing.
		{"rises by the most", busy + "g xid 0 0 60 60000000000", "g", "a", 0, "fault" + minute},
		{"rises by more", busy + "g xid 0 0 60 60000000001", "g", "a", 0, "active" + minute},
		{"of the placement's series", busy + "g/a xid 0 0 60 1", "g", "a", 0, "active" + minute},
		{"before idle", "dev g gpu\n hold a g whole - 0 60\n g sm 0 0 60 0\n g xid 0 0 60 1", "g", "a", 0, "fault" + minute},
	})
}

// Idle by power, and readings that contradict each other; idle power is 70 W,
// so 140 W on average, 8400 J in 60 s, are high.
func TestPowerVectors(t *testing.T) {
	held := script("dev g gpu H100\n hold a g whole - 0 60\n rate idle_power H100 70 W\n")
	free := script("dev g gpu H100\n hold a g whole - 0 60\n")
	still := "g sm 0 0 60 0\n"
	minute := ": device_seconds=60.000000000"
	runFactVectors(t, []factVector{
		{"high", held + "g energy 0 0 60 8400", "g", "a", 0, "active: energy_j=8400.000000 idle_j=4200.000000 idle_intervals=1"},
		{"not high", held + "g energy 0 0 60 8399.999999", "g", "a", 0, "allocated_idle: energy_j=8399.999999 idle_j=4200.000000"},
		{"no idle power", free + "g energy 0 0 60 60", "g", "a", 0, "active" + minute},
		// Power and its hold cover 40 s: 140 W over them.
		{"high while seen", held + "g power 0 140 30 140\n g temp 60 1", "g", "a", 0, "active: energy_j=5600.000000 idle_j=4200.000000"},
		{"not high while seen", held + "g power 0 139.999999 30 139.999999\n g temp 60 1", "g", "a", 0, "allocated_idle: energy_j=5599.999960"},
		// An idle power of 0 W: whatever it draws is high.
		{"idle power of nothing", free + "rate idle_power H100 0 W\n g energy 0 1 60 0", "g", "a", 0, "active: energy_j=0.000000 idle_j=0.000000 idle_intervals=1"},
		{"contradictory by power", script(still) + held + "g energy 0 0 60 8400", "g", "a", 0, "fault" + minute},
		{"still and not high", script(still) + held + "g energy 0 0 60 8399.999999", "g", "a", 0, "allocated_idle" + minute},
		{"still without idle power", script(still) + free + "g energy 0 0 60 60000", "g", "a", 0, "allocated_idle" + minute},
		{"at idle and high", "g sm 0 0.01 60 0.01\n" + held + "g energy 0 0 60 8400", "g", "a", 0, "underused" + minute},
		{"contradictory by utilisation", script(still) + free + "g util 0 0.1 60 0.1", "g", "a", 0, "fault: busy_seconds=0.000000000"},
		{"below in utilisation", script(still) + free + "g util 0 0.099999 60 0.099999", "g", "a", 0, "allocated_idle" + minute},
		// The mean over what it covers, 30 s, is 0.1; the segment's end lies in the interval.
		{"utilisation of a part", script(still) + free + "g util 0 0 30 0.2", "g", "a", 0, "fault" + minute},
		// Utilisation is the best there is, and not at odds with itself.
		{"low utilisation alone", free + "g util 0 0.005 60 0.005", "g", "a", 0, "allocated_idle" + minute},
		// The card is at fault for all that hold it, whatever they say themselves.
		{
			"contradictory and shared", "dev g gpu H100\n hold a g fraction 0.5 0 60\n g/a sm 0 0.5 60 0.5\n g util 0 1 60 1\n" + script(still),
			"g", "a", 0, "fault: busy_seconds=15.000000000 known_seconds=30.000000000",
		},
		{"contradictory and nobody's", script(still) + "dev g gpu\n g util 0 1 60 1", "g", "", 0, "unallocated" + minute},
	})
}

// Held between requests: any segment of requests of the placement.
func TestRequestStateVectors(t *testing.T) {
	idle := script("dev g gpu H100\n dev h gpu\n hold a g whole - 0 60\n g sm 0 0 60 0\n")
	minute := ": device_seconds=60.000000000"
	waits := "held_between_requests" + minute
	runFactVectors(t, []factVector{
		{"on the node", idle + "/a requests 0 5 60 5", "g", "a", 0, waits},
		{"on its card", idle + "g/a requests 0 5 60 9", "g", "a", 0, "held_between_requests: requests=4"},
		{"on another card", idle + "h/a requests 0 5 60 5", "g", "a", 0, waits},
		{"for a part", idle + "/a requests 20 5 21 5", "g", "a", 0, waits},
		{"of another placement", idle + "/b requests 0 5 60 5", "g", "a", 0, "allocated_idle" + minute},
		{"of the card", idle + "g requests 0 5 60 5", "g", "a", 0, "allocated_idle" + minute},
		{"tokens alone", idle + "/a in 0 5 60 5", "g", "a", 0, "allocated_idle" + minute},
		{"from its end", idle + "/a requests 60 5 120 5", "g", "a", 0, "allocated_idle" + minute},
		{"silence of max_silence", idle + "/a requests 0 5 3600 5", "g", "a", 0, waits},
		{"silence over max_silence", idle + "/a requests 0 5 3600.000000001 5", "g", "a", 0, "allocated_idle" + minute},
		{"not idle", "dev g gpu\n hold a g whole - 0 60\n g sm 0 0.5 60 0.5\n /a requests 0 5 60 5", "g", "a", 0, "active" + minute},
		{"errors", idle + "g xid 0 0 60 1\n /a requests 0 5 60 5", "g", "a", 0, "fault" + minute},
		// Idle by power: 1 W where 70 W are idle.
		{"by power", "dev g gpu H100\n hold a g whole - 0 60\n rate idle_power H100 70 W\n g energy 0 0 60 60\n /a requests 0 5 60 5", "g", "a", 0, waits},
	})
}

// Pieces of a shared card are judged apart.
func TestSharedStateVectors(t *testing.T) {
	shared := script("dev g gpu H100\n hold a g fraction 0.25 0 60\n hold b g fraction 0.5 0 60\n")
	runFactVectors(t, []factVector{
		// a: 0.001, b as the card, 0.5.
		{"one idles", shared + "g sm 0 0.5 60 0.5\n g/a sm 0 0.001 60 0.001", "g", "a", 0, "allocated_idle: device_seconds=15.000000000"},
		{"the other does not", shared + "g sm 0 0.5 60 0.5\n g/a sm 0 0.001 60 0.001", "g", "b", 0, "active: device_seconds=30.000000000"},
		{"nobody's rest", shared + "g sm 0 0.5 60 0.5", "g", "", 0, "unallocated: device_seconds=15.000000000"},
		// The card says nothing; a's own series does, b and nobody are dark.
		{"known to one", shared + "g/a sm 0 0.5 60 0.5", "g", "a", 0, "active: known_seconds=15.000000000"},
		{"not to the other", shared + "g/a sm 0 0.5 60 0.5", "g", "b", 0, "dark: known_seconds=0.000000000"},
		{"nor to nobody", shared + "g/a sm 0 0.5 60 0.5", "g", "", 0, "dark: device_seconds=15.000000000"},
		// Held for [0, 20), then free.
		{"held for a part", "dev g gpu\n hold a g whole - 0 20\n g sm 0 1 60 1", "g", "a", 0, "active: device_seconds=20.000000000"},
		{"free for a part", "dev g gpu\n hold a g whole - 0 20\n g sm 0 1 60 1", "g", "", 0, "unallocated: device_seconds=40.000000000"},
		{"no accelerators", "hold a - whole - 0 60\n - energy 0 0 60 7", "", "a", 0, ": energy_j=7.000000 device_seconds=0.000000000 idle_intervals=0"},
	})
}
