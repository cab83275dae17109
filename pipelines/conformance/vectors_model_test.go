package conformance_test

import "testing"

// Idle energy, worked out by hand; card g gives 60 J in 60 s.
func TestIdleVectors(t *testing.T) {
	card := script("dev g gpu H100\n g energy 0 0 60 60\n")
	runFactVectors(t, []factVector{
		// 0.5 W × 60 s.
		{"idle part", card + "hold a g whole - 0 60\n rate idle_power H100 0.5 W", "g", "a", 0, "active: energy_j=60.000000 idle_j=30.000000 idle_intervals=1"},
		{"no more than all", card + "hold a g whole - 0 60\n rate idle_power H100 2 W", "g", "a", 0, "allocated_idle: energy_j=60.000000 idle_j=60.000000"},
		{"none known", card + "hold a g whole - 0 60", "g", "a", 0, "active: energy_j=60.000000 idle_j=0.000000 idle_intervals=0"},
		{"another model's", card + "hold a g whole - 0 60\n rate idle_power L4 2 W", "g", "a", 0, "active: idle_j=0.000000 idle_intervals=0"},
		// Two intervals of 30 J; in the first 0.5 W × 30 s are idle, and 1 W is high.
		{"known for a part", card + "hold a g whole - 0 60\n rate idle_power H100 0.5 W - 30", "g", "a", 0, "active: energy_j=60.000000 idle_j=15.000000 idle_intervals=1"},
		{"of nobody", card + "rate idle_power H100 0.5 W", "g", "", 0, "unallocated: energy_j=60.000000 idle_j=30.000000 idle_intervals=1"},
		// A wall's rest of 40 J is no idle energy.
		{"beside overhead", card + "- energy 0 0 60 100\n rate idle_power H100 2 W", "g", "", 0, "unallocated: energy_j=100.000000 overhead_j=40.000000 idle_j=60.000000"},
		// 0.083 µW is rounded to none.
		{"finer than the unit", card + "hold a g whole - 0 60\n hold b * whole - 0 60\n rate idle_power H100 0.000000083 W", "g", "a", 0, "active: energy_j=30.000000 idle_j=0.000000 idle_intervals=1"},
		// 45 µJ over 45 s among two: 23 and 22.
		{"odd among two", card + "hold a g whole - 0 45\n hold b * whole - 0 45\n rate idle_power H100 0.000001 W", "g", "a", 0, "active: idle_j=0.000023 idle_intervals=1"},
		{"the other", card + "hold a g whole - 0 45\n hold b * whole - 0 45\n rate idle_power H100 0.000001 W", "g", "b", 0, "active: idle_j=0.000022 idle_intervals=1"},
		// Shares 0.25 and 0.75 of 30 J; the active rest is all a's.
		{"by shares", card + "hold a g fraction 0.25 0 60\n rate idle_power H100 0.5 W", "g", "a", 0, "active: energy_j=37.500000 idle_j=7.500000"},
		{"nobody's share", card + "hold a g fraction 0.25 0 60\n rate idle_power H100 0.5 W", "g", "", 0, "unallocated: energy_j=22.500000 idle_j=22.500000"},
		// R(1 µW × 0.5 s) = R(0.5 µJ) = 1 µJ.
		{"half a microjoule", "dev g gpu H100\n g energy 0 0 0.5 60\n rate idle_power H100 0.000001 W", "g", "", 0, "unallocated: idle_j=0.000001"},
		// Known, though dark: 0 J, and counted.
		{"dark", "dev g gpu H100\n g temp 0 1 60 1\n rate idle_power H100 70 W", "g", "", 0, "dark: idle_j=0.000000 idle_intervals=1"},
	})
}

// Modelled energy: idle power 100 W, full power 700 W.
func TestModelVectors(t *testing.T) {
	rates := script("rate idle_power H100 100 W\n rate full_power H100 700 W\n")
	card := script("dev g gpu H100\n") + rates
	half := card + "g sm 0 0.5 60 0.5\n"
	runFactVectors(t, []factVector{
		// 100 W × 60 s + 600 W × 30 s = 24,000 J, of which 6000 J are idle.
		{"model", half, "g", "", 0, "unallocated: energy_j=24000.000000 estimated_j=24000.000000 covered_seconds=0.000000000 idle_j=6000.000000 idle_intervals=1"},
		{"model of a holder", half + "hold a g whole - 0 60", "g", "a", 0, "active: energy_j=24000.000000"},
		// Nothing is seen, so its power is not high and 0 is no contradiction.
		{"model of an idle holder", card + "hold a g whole - 0 60\n g sm 0 0 60 0", "g", "a", 0, "allocated_idle: energy_j=6000.000000 idle_j=6000.000000"},
		// Counter over [0, 20): 2000 J; model over 40 s: 4000 + 600 × 20 = 16,000 J.
		{"beside a counter", half + "g energy 0 0 20 2000", "g", "", 0, "unallocated: energy_j=18000.000000 estimated_j=16000.000000 covered_seconds=20.000000000 idle_j=6000.000000"},
		// Power 2000 J and hold 1000 J; model over 30 s: 3000 + 9000.
		{"beside a hold", half + "g power 0 100 20 100", "g", "", 0, "unallocated: energy_j=15000.000000 estimated_j=13000.000000 covered_seconds=20.000000000"},
		// A bridge of 600 J over 600 s leaves the model no time.
		{"below a bridge", half + "g energy 0 0 600 600", "g", "", 60, "unallocated: energy_j=60.000000 estimated_j=60.000000"},
		{"below a reset", half + "g energy 0 100 60 30", "g", "", 0, "unallocated: energy_j=30.000000 estimated_j=30.000000"},
		// A ratio for 30 s only: 3000 + 9000 J.
		{"ratio for a part", card + "g sm 0 0.5 30 0.5\n g temp 60 1", "g", "", 0, "unallocated: energy_j=12000.000000"},
		// sm 0.5 over [0, 30), then utilisation 1: 6000 + 600 × (15 + 30).
		{"best ratio", card + "g sm 0 0.5 30 0.5\n g util 0 1 60 1", "g", "", 0, "unallocated: energy_j=33000.000000"},
		{"no ratio", card + "g temp 0 1 60 1", "g", "", 0, "dark: energy_j=0.000000 idle_j=0.000000"},
		{"no full power", "dev g gpu H100\n rate idle_power H100 100 W\n g sm 0 0.5 60 0.5", "g", "", 0, "unallocated: energy_j=0.000000 idle_j=0.000000 idle_intervals=1"},
		{"no idle power", "dev g gpu H100\n rate full_power H100 700 W\n g sm 0 0.5 60 0.5", "g", "", 0, "unallocated: energy_j=0.000000"},
		// Full power below idle power adds nothing.
		{"full below idle", "dev g gpu H100\n rate idle_power H100 100 W\n rate full_power H100 40 W\n g sm 0 0.5 60 0.5", "g", "", 0, "unallocated: energy_j=6000.000000"},
		// From 30 s on full power is 300 W: 3000 + 9000 and 3000 + 3000, in two intervals.
		{"full power changes", half + "rate full_power H100 300 W 30 -", "g", "", 0, "unallocated: energy_j=18000.000000 idle_intervals=2"},
		// Idle power ends at 30 s, and with it the model.
		{"idle power ends", "dev g gpu H100\n rate idle_power H100 100 W - 30\n rate full_power H100 700 W\n g sm 0 0.5 60 0.5", "g", "", 0, "unallocated: energy_j=12000.000000 idle_intervals=1"},
		// R(1 µW × 0.5 s) = R(0.5 µJ) = 1 µJ.
		{"half a microjoule", "dev g gpu H100\n rate idle_power H100 0 W\n rate full_power H100 0.000001 W\n g sm 0 0.5 1 0.5", "g", "", 0, "unallocated: energy_j=0.000001"},
		// Below a wall of 20,000 J the model explains it all; of 30,000 J 6000 J are left.
		{"exceeds the wall", half + "- energy 0 0 60 20000", "g", "", 0, "unallocated: energy_j=24000.000000 overhead_j=0.000000 estimated_j=24000.000000 covered_seconds=60.000000000"},
		{"below the wall", half + "- energy 0 0 60 30000", "g", "", 0, "unallocated: energy_j=30000.000000 overhead_j=6000.000000 estimated_j=24000.000000"},
		// By shares 0.25: idle 1500 J, and all of the active 18,000 J.
		{"model of a fraction", half + "hold a g fraction 0.25 0 60", "g", "a", 0, "active: energy_j=19500.000000 idle_j=1500.000000 estimated_j=19500.000000"},
	})
}
