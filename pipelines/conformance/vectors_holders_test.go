package conformance_test

import "testing"

// The tree of meters and who holds what, worked out by hand.
func TestHolderVectors(t *testing.T) {
	runVectors(t, []vector{
		// The wall gives 100 J, the card explains 60: 40 J are overhead, on the card's holder.
		{"wall rest", "dev g gpu\n g energy 0 0 60 60\n - energy 0 0 60 100", "", "g", 0, "energy_j=100.000000 overhead_j=40.000000"},
		// Children exceed the wall: it contributes nothing.
		{"children exceed", "dev g gpu\n g energy 0 0 60 60\n - energy 0 0 60 50", "", "g", 0, "energy_j=60.000000 overhead_j=0.000000"},
		// Wall 100 ⊃ module 80 ⊃ card 60: 20 + 20 + 60.
		{"nested", "dev m module\n dev g gpu - m\n g energy 0 0 60 60\n m energy 0 0 60 80\n - energy 0 0 60 100", "", "g", 0, "energy_j=100.000000 overhead_j=40.000000"},
		// Card 60 > module 50; the wall of 70 must explain 60: 10 rest.
		{"nested excess", "dev m module\n dev g gpu - m\n g energy 0 0 60 60\n m energy 0 0 60 50\n - energy 0 0 60 70", "", "g", 0, "energy_j=70.000000 overhead_j=10.000000"},
		// The switch stands beside the wall: 100 + 5.
		{"network is a root", "dev g gpu\n dev s network\n s energy 0 0 60 5\n - energy 0 0 60 100", "", "g", 0, "energy_j=105.000000 overhead_j=105.000000"},
		// A parent that is not there counts as not given: the wall.
		{"parent missing", "dev g gpu - gone\n g energy 0 0 60 60\n - energy 0 0 60 100", "", "g", 0, "energy_j=100.000000 overhead_j=40.000000"},
		// MIG rows repeat the card's energy: dropped; the reading at 90 s is presence all the same.
		{"instance energy", "dev g gpu\n dev i mig 1g.10gb g\n g energy 0 0 60 60\n i power 0 100 90 100", "", "g", 0, "energy_j=60.000000 device_seconds=90.000000000"},
		// The wall's rest is 30 J in [0, 30) and, as the card takes over, −10 J in [30, 60): own = 20 J, all in the first slice.
		{"own by parts", "dev g gpu\n hold a * whole - 0 30\n g energy 0 0 30 10 60 80\n - energy 0 0 30 40 60 100", "workload", "a", 0, "energy_j=30.000000 overhead_j=20.000000"},
		// Module 10 + 50 ⊃ card 50 + 10: in the window 60 explain the wall's 80, in each half 50 its 40. All weights 0: 10 J each.
		{
			"own in equal parts", "dev m module\n dev g gpu - m\n hold a * whole - 0 30\n g energy 0 0 30 50 60 60\n m energy 0 0 30 10 60 60\n - energy 0 0 60 80",
			"workload", "a", 0, "overhead_j=10.000000",
		},
		// 4 µJ among g, h, i: 2, 1, 1; the odd one to the smaller device.
		{"ties to the smaller", "dev i gpu\n dev g gpu\n dev h gpu\n - energy 0 0 60 0.000004", "", "g", 0, "energy_j=0.000002"},
		{"the others", "dev i gpu\n dev g gpu\n dev h gpu\n - energy 0 0 60 0.000004", "", "i", 0, "energy_j=0.000001"},
		// Held for 20 of 60 s at 1 J a second.
		{"held for a part", "dev g gpu\n hold a g whole - 0 20\n g energy 0 0 60 60", "workload", "a", 0, "energy_j=20.000000 device_seconds=20.000000000"},
		{"nobody has the rest", "dev g gpu\n hold a g whole - 0 20\n g energy 0 0 60 60", "workload", "", 0, "energy_j=40.000000 device_seconds=40.000000000"},
		// Two whole holders of 5 µJ: 3 and 2; of 60 s: 30 each.
		{"conflict", "dev g gpu\n hold b g whole - 0 60\n hold a * whole - 0 60\n g energy 0 0 60 0.000005", "workload", "a", 0, "energy_j=0.000003 device_seconds=30.000000000"},
		{"conflict, the other", "dev g gpu\n hold b g whole - 0 60\n hold a * whole - 0 60\n g energy 0 0 60 0.000005", "workload", "b", 0, "energy_j=0.000002 device_seconds=30.000000000"},
		// Without an end up to the last reading, 60 s, though presence goes on to 120 s.
		{"open end", "dev g gpu\n hold a g whole - 30 -\n hold z - whole - 0 120\n g energy 0 0 60 60", "workload", "a", 0, "energy_j=30.000000 device_seconds=30.000000000"},
		{"no devices hold nothing", "dev g gpu\n hold z - whole - 0 120\n g energy 0 0 60 60", "workload", "z", 0, "none"},
		// Without accelerators, equally among the placements, the odd µJ to the smaller id, device empty.
		{
			"no accelerators", "hold b * whole - 0 60\n hold a - whole - 0 60\n - energy 0 0 60 0.000005", "workload", "a", 0,
			"energy_j=0.000003 overhead_j=0.000003 device_seconds=0.000000000",
		},
		{"no accelerators, no device", "hold b * whole - 0 60\n hold a - whole - 0 60\n - energy 0 0 60 0.000005", "", "", 0, "energy_j=0.000005"},
		{"no accelerators, nobody", "- energy 0 0 60 7", "workload", "", 0, "energy_j=7.000000 overhead_j=7.000000"},
		// Rejected whole: nobody holds.
		{"end at start", "dev g gpu\n hold a g whole - 30 30\n g energy 0 0 60 60", "workload", "a", 0, "none"},
		{"share of nothing", "dev g gpu\n hold a g whole 0 0 30\n g energy 0 0 60 60", "workload", "a", 0, "none"},
		{"share above one", "dev g gpu\n hold a g whole 1.0001 0 30\n g energy 0 0 60 60", "workload", "a", 0, "none"},
		{"one device unknown", "dev g gpu\n hold a g;x whole - 0 30\n g energy 0 0 60 60", "workload", "a", 0, "none"},
		{"instance held whole", "dev g gpu\n dev i mig 1g.10gb g\n hold a i whole - 0 30\n g energy 0 0 60 60", "workload", "a", 0, "none"},
		{"card held as instance", "dev g gpu\n hold a g mig - 0 30\n g energy 0 0 60 60", "workload", "a", 0, "none"},
		{"fraction of a partitioned card", "dev g gpu\n dev i mig 1g.10gb g\n hold a g fraction 0.5 0 30\n g energy 0 0 60 60", "workload", "a", 0, "none"},
		// The later row of one id counts; a rejected one is as if never sent.
		{"two versions", "dev g gpu\n hold a g whole - 0 30\n hold a g whole - 0 10\n g energy 0 0 60 60", "workload", "a", 0, "energy_j=10.000000"},
		{"rejected version", "dev g gpu\n hold a g whole - 0 30\n hold a g whole - 9 9\n g energy 0 0 60 60", "workload", "a", 0, "energy_j=30.000000"},
	})
}

func TestPresenceVectors(t *testing.T) {
	runVectors(t, []vector{
		// Presence: 1 h closed, a ns more cut; a placement bridges it.
		{"silence closed", "dev g gpu\n g temp 0 1 3600 1", "", "g", 0, "device_seconds=3600.000000000"},
		{"silence cut", "dev g gpu\n g temp 0 1 60 1 3660.000000001 1\n g temp 3670.000000001 1", "", "g", 0, "device_seconds=70.000000000"},
		{"silence held", "dev g gpu\n hold a - whole - 30 3600\n g temp 0 1 7200 1", "", "g", 0, "device_seconds=7200.000000000"},
		{"an instant", "dev g gpu\n g temp 30 1", "", "g", 0, "none"},
		{"placement alone", "dev g gpu\n hold a g whole - 30 45", "workload", "a", 0, "device_seconds=15.000000000 energy_j=0.000000"},
		// Busy: 0.5 over [0, 60) by sm, then 1 by util: 30 + 60; known 120.
		{"busy by the best", "dev g gpu\n g sm 0 0.5 60 0.5\n g util 0 1 60 1\n g util 120 1", "", "g", 0, "busy_seconds=90.000000000 known_seconds=120.000000000"},
		// 1.05 counts as 1.
		{"busy above one", "dev g gpu\n g gr 0 1.05 60 1.05", "", "g", 0, "busy_seconds=60.000000000"},
		// The wall covers [0, 30), the card [20, 60): 60 s; the switch does not contain the card.
		{"covered", "dev g gpu\n dev s network\n - power 0 9 30 9\n g power 20 9 60 9\n s power 0 9 90 9", "", "g", 0, "covered_seconds=60.000000000 device_seconds=90.000000000"},
	})
}

// Section 8, worked out by hand; card g gives 60 J in 60 s.
func TestSharingVectors(t *testing.T) {
	card := script("dev g gpu H100\n g energy 0 0 60 60\n")
	runVectors(t, []vector{
		// Nobody's weight is 0: the active part is all the holder's. Time follows shares.
		{"fraction", card + "hold a g fraction 0.25 0 60", "workload", "a", 0, "energy_j=60.000000 device_seconds=15.000000000"},
		// Idle 0.5 W × 60 s = 30 J by shares, 7.5 J; active 30 J.
		{"idle part", card + "hold a g fraction 0.25 0 60\n rate idle_power H100 0.5 W", "workload", "a", 0, "energy_j=37.500000"},
		{"idle part of nobody", card + "hold a g fraction 0.25 0 60\n rate idle_power H100 0.5 W", "workload", "", 0, "energy_j=22.500000 device_seconds=45.000000000"},
		// Shares 0.5 and 0.5, activities 0.2 and 0.6: 15 and 45 J.
		{
			"activity", card + "hold a g fraction 0.5 0 60\n hold b g fraction 0.5 0 60\n g/a sm 0 0.2 60 0.2\n g/b sm 0 0.6 60 0.6", "workload", "a", 0,
			"energy_j=15.000000 busy_seconds=6.000000000 known_seconds=30.000000000",
		},
		// b has no own activity and takes the card's 0.6; its busy is its half of the card's 36 s.
		{
			"activity of the card", card + "hold a g fraction 0.5 0 60\n hold b g fraction 0.5 0 60\n g/a sm 0 0.2 60 0.2\n g sm 0 0.6 60 0.6", "workload", "b", 0,
			"energy_j=45.000000 busy_seconds=18.000000000 known_seconds=30.000000000",
		},
		// 1 − 0.5 among two: 0.25 each.
		{"time slices", card + "hold a g fraction 0.5 0 60\n hold b g timeslice - 0 60\n hold c g mps - 0 60", "workload", "b", 0, "energy_j=15.000000 device_seconds=15.000000000"},
		// 0.75 + 0.75 scaled to 0.5 each.
		{"oversubscribed", card + "hold a g fraction 0.75 0 60\n hold b g fraction 0.75 0 60", "workload", "a", 0, "energy_j=30.000000 device_seconds=30.000000000"},
		// 3/7 of the time; nobody's instance says nothing, so the active part is all a's.
		{"instance", card + "dev i mig 3g.40gb g\n dev j mig 4g.40gb g\n hold a i mig - 0 60", "workload", "a", 0, "energy_j=60.000000 device_seconds=25.714285714"},
		// Unheld j is busy at 0.5: weights 3/7 × 1 and 4/7 × 0.5 = 3 : 2.
		{"unheld instance", card + "dev i mig 3g.40gb g\n dev j mig 4g.40gb g\n hold a i mig - 0 60\n j gr 0 0.5 60 0.5", "workload", "a", 0, "energy_j=36.000000"},
		// Two holders of one instance halve it.
		{"instance of two", card + "dev i mig 4g.40gb g\n hold a i mig - 0 60\n hold b i mig - 0 60", "workload", "b", 0, "energy_j=30.000000 device_seconds=17.142857143"},
		// An A30 has four slices.
		{"slices of an A30", "dev g gpu A30\n g energy 0 0 60 60\n dev i mig 1g.6gb g\n hold a i mig - 0 60", "workload", "a", 0, "device_seconds=15.000000000"},
	})
}
