package conformance_test

import "testing"

// Tokens and requests, worked out by hand: cards g and h, presence [0, 60).
func TestServedVectors(t *testing.T) {
	cards := script("dev g gpu\n dev h gpu\n dev i mig 1g.10gb h\n g sm 0 1 60 1\n h sm 0 1 60 1\n")
	both := cards + "hold a * whole - 0 60\n"
	one := cards + "hold a g whole - 0 60\n"
	runFactVectors(t, []factVector{
		{"on its card", both + "g/a in 0 7 60 107", "g", "a", 0, "active: input_tokens=100 output_tokens=0 requests=0"},
		{"not on the other", both + "g/a in 0 7 60 107", "h", "a", 0, "active: input_tokens=0"},
		// 5 in equal parts: 3 and 2.
		{"on the node", both + "/a out 0 0 60 5", "g", "a", 0, "active: output_tokens=3"},
		{"on the node, the other", both + "/a out 0 0 60 5", "h", "a", 0, "active: output_tokens=2"},
		// A card that a does not hold, and an instance, say no more than that it is a's.
		{"on a card of others", one + "h/a requests 0 0 60 7", "g", "a", 0, "active: requests=7"},
		{"on an instance", both + "i/a requests 0 0 60 7", "g", "a", 0, "active: requests=4"},
		// Shares of the card: a quarter and three.
		{"of a card", cards + "hold a g fraction 0.25 0 60\n g in 0 0 60 100", "g", "a", 0, "active: input_tokens=25"},
		{"of a card, nobody's", cards + "hold a g fraction 0.25 0 60\n g in 0 0 60 100", "g", "", 0, "unallocated: input_tokens=75"},
		// As overhead: 3 and 2 among the cards.
		{"of the node", one + "- requests 0 0 60 5", "g", "a", 0, "active: requests=3"},
		{"of the node, nobody's", one + "- requests 0 0 60 5", "h", "", 0, "unallocated: requests=2"},
		{"of an instance", one + "i requests 0 0 60 5", "h", "", 0, "unallocated: requests=2"},
		// a holds g for [0, 30): half of 10, the rest is in no row.
		{"held for a part", cards + "hold a g whole - 0 30\n /a requests 0 0 60 10", "g", "a", 0, "active: requests=5"},
		{"nobody has none of it", cards + "hold a g whole - 0 30\n /a requests 0 0 60 10", "g", "", 0, "unallocated: requests=0"},
		{"reset", one + "/a requests 0 10 60 4", "g", "a", 0, "active: requests=4"},
		{"reset to nothing", one + "/a requests 0 10 60 0", "g", "a", 0, "active: requests=0"},
		{"equal readings", one + "/a requests 0 10 30 10 60 14", "g", "a", 0, "active: requests=4"},
		// S(60) = R(1·60/120) = R(0.5) = 1; the second window has none.
		{"half a request", cards + "hold a g whole - 0 120\n g sm 120 1\n /a requests 0 0 120 1", "g", "a", 60, "active: requests=1"},
		{"silence of max_silence", one + "/a requests 0 0 3600 60", "g", "a", 60, "active: requests=1"},
		{"silence over max_silence", one + "/a requests 0 0 3600.000000001 60", "g", "a", 60, "active: requests=0"},
		// A device of that very name is an accelerator.
		{"device with a slash", cards + "dev g/a gpu\n hold a g whole - 0 60\n g/a requests 0 0 60 7", "g", "a", 0, "active: requests=0"},
		{"device with a slash, its own", cards + "dev g/a gpu\n hold a g whole - 0 60\n g/a requests 0 0 60 7", "g/a", "", 0, "dark: requests=7"},
		// Two states: 4 of 6 fall into [0, 40), when the card idles.
		{
			"in two states", "dev g gpu\n hold a g whole - 0 60\n hold z - whole - 0 40\n g sm 0 0 40 0 40.000000001 1 60 1\n /a requests 0 0 60 6",
			"g", "a", 0, "active: requests=2 | held_between_requests: requests=4",
		},
		{"no accelerators", "hold a - whole - 0 60\n hold b - whole - 0 60\n /a requests 0 0 60 7", "", "a", 0, ": requests=7"},
		{"no accelerators, not running", "hold a - whole - 0 30\n hold b - whole - 0 60\n /a requests 0 0 60 10", "", "a", 0, ": requests=5"},
		{"no accelerators, nobody", "- requests 0 0 60 7", "", "", 0, ": requests=7"},
	})
}

// A node without accelerators that gives 60 J; a asks for three cores.
func TestNodeVectors(t *testing.T) {
	node := script("- energy 0 0 60 60\n")
	three := node + "hold a - whole - 0 60 3\n"
	other := "hold b * whole - 0 60 "
	half := ": energy_j=30.000000"
	runFactVectors(t, []factVector{
		{"cores", three + script(other+"1"), "", "a", 0, ": energy_j=45.000000 overhead_j=45.000000"},
		{"cores, the other", three + script(other+"1"), "", "b", 0, ": energy_j=15.000000"},
		{"nothing asked", node + "hold a - whole - 0 60\n" + script(other), "", "a", 0, half},
		{"asked by one", three + script(other), "", "a", 0, ": energy_j=60.000000"},
		// Nine GiB weigh as much as a core: 3 to 1.
		{"memory", three + script(other+"- 9663676416"), "", "a", 0, ": energy_j=45.000000"},
		// ⌊9663677439/1024⌋ is the same.
		{"memory below a KiB more", three + script(other+"- 9663677439"), "", "a", 0, ": energy_j=45.000000"},
		// 3000·9·2²⁰ to 1000·9·2²⁰ + 1000: 60 J × 28311552/37748737.
		{"a KiB more", three + script(other+"- 9663677440"), "", "a", 0, ": energy_j=44.999999"},
		{"both", three + script(other+"1 19327352832"), "", "a", 0, half},
		// 60 s of one core in 60 s.
		{"usage", three + script(other) + "\n /b cpu 0 5 60 65", "", "a", 0, ": energy_j=45.000000"},
		{"usage below the request", three + script(other+"1") + "\n /b cpu 0 5 60 35", "", "a", 0, ": energy_j=45.000000"},
		{"usage above the request", three + script(other+"1") + "\n /b cpu 0 5 60 185", "", "a", 0, half},
		// ⌊999.99…⌋ = 999: 60 J × 3000/3999 = 45.0112528 J, the larger remainder.
		{"usage rounded down", three + script(other) + "\n /b cpu 0 5 60 64.999999", "", "a", 0, ": energy_j=45.011253"},
		// One core over the 30 s that it covers.
		{"usage of a part", three + script(other) + "\n /b cpu 0 5 30 35", "", "a", 0, ": energy_j=45.000000"},
		{"usage after a reset", three + script(other) + "\n /b cpu 0 500 60 60", "", "a", 0, ": energy_j=45.000000"},
		{"usage on two devices", three + script(other) + "\n dev c cpu\n /b cpu 0 0 60 30\n c/b cpu 0 0 60 30", "", "a", 0, ": energy_j=45.000000"},
		{"usage of the node", three + script(other) + "\n - cpu 0 0 60 180", "", "a", 0, ": energy_j=60.000000"},
		{"usage where nothing is asked", node + "hold a - whole - 0 60\n" + script(other) + "\n /b cpu 0 0 60 180", "", "a", 0, half},
		{"nothing is as good as not asked", node + "hold a - whole - 0 60 0 0\n" + script(other) + "\n /b cpu 0 0 60 180", "", "a", 0, half},
		// From 0 to 18 GiB: 9 GiB in the mean.
		{"memory usage", three + script(other) + "\n /b memory 0 0 60 19327352832", "", "a", 0, ": energy_j=45.000000"},
		{"memory usage of a part", three + script(other) + "\n /b memory 0 9663676416 30 9663676416", "", "a", 0, ": energy_j=45.000000"},
		{"memory over max_gap", three + script(other) + "\n /b memory 0 9663676416 300.000000001 9663676416", "", "a", 60, ": energy_j=60.000000"},
		// R(9 GiB × 10 ns) = R(96.64) = 97 byte seconds: 9.7·10⁹ bytes, or 9,472,656 KiB:
		// 60 J × 28311552/37784208 = 44.957753779 J, the larger remainder.
		{"memory in byte seconds", three + script(other) + "\n /b memory 0 9663676416 0.00000001 9663676416", "", "a", 0, ": energy_j=44.957754"},
		// No more than 10⁵ cores, each series and their sum, as many as a has at most.
		{"most usage", node + "hold a - whole - 0 60 100000\n" + script(other) + "\n dev c cpu\n /b cpu 0 0 60 5999999\n c/b cpu 0 0 60 5999999", "", "a", 0, half},
		// Less than a KiB and nothing: weights 0 and 0.
		{"weights of nothing", node + "hold a - whole - 0 60 - 1023\n" + script(other), "", "a", 0, half},
		// b runs from 30 s on: all of 30 J, then three quarters.
		{"one after the other", three + "hold b - whole - 30 60 1", "", "a", 0, ": energy_j=52.500000"},
		// Whoever asks has ended: equal parts of the last 30 J.
		{"asked by one that has ended", node + "hold a - whole - 0 60\n hold b - whole - 0 60\n hold c - whole - 0 30 5", "", "a", 0, ": energy_j=15.000000"},
		{"tokens of the node", three + script(other+"1") + "\n - requests 0 0 60 4", "", "a", 0, ": requests=3"},
		{"rejected", node + "hold a - whole - 0 60 -1", "", "a", 0, "none"},
		{"most cores", node + "hold a - whole - 0 60 100000", "", "a", 0, ": energy_j=60.000000"},
		{"too many cores", node + "hold a - whole - 0 60 100000.0001", "", "a", 0, "none"},
		{"most memory", node + "hold a - whole - 0 60 - 1125899906842624", "", "a", 0, ": energy_j=60.000000"},
		{"too much memory", node + "hold a - whole - 0 60 - 1125899906842624.1", "", "a", 0, "none"},
		// With an accelerator nothing of it matters.
		{"an accelerator", "dev g gpu\n - energy 0 0 60 60\n hold a * whole - 0 60 3\n hold b * whole - 0 60 1", "g", "a", 0, "dark: energy_j=30.000000"},
	})
}

// The price of a node without accelerators goes the same way.
func TestNodePriceVector(t *testing.T) {
	runVectors(t, []vector{{
		"price by cores", "place c z r t\n hold a - whole - 0 60 3\n hold b - whole - 0 60 1\n rate instance_price t 3.6 EUR/h",
		"workload", "a", 0, "cost=0.045000000",
	}})
}
