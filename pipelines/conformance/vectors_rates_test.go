package conformance_test

import "testing"

// Cost and carbon, worked out by hand. Card g, model H100, gives 3600 J in 60 s
// unless it says otherwise.
func TestRateVectors(t *testing.T) {
	card := script("dev g gpu H100\n place c z r t\n g energy 0 0 60 3600\n")
	runVectors(t, []vector{
		// 3.6 EUR/h is 0.001 EUR/s.
		{"instance price", card + "rate instance_price t 3.6 EUR/h", "", "g", 0, "cost=0.060000000 currency=EUR carbon_location_g= embodied_g="},
		{"device price", card + "rate device_price H100 3.6 EUR/h", "", "g", 0, "cost=0.060000000 currency=EUR"},
		// The node's price leaves none to the device.
		{"instance before device", card + "rate instance_price t 3.6 EUR/h\n rate device_price H100 7.2 USD/h", "", "g", 0, "cost=0.060000000 currency=EUR"},
		{"no price", card, "", "g", 0, "cost= currency="},
		{"price of nothing", card + "rate device_price H100 0 EUR/h", "", "g", 0, "cost=0.000000000 currency=EUR"},
		// The key with the region is the more specific, while it is valid: 20 s × 0.002 + 40 s × 0.001.
		{"specific key", card + "rate device_price H100 3.6 EUR/h\n rate device_price H100@r 7.2 EUR/h - 20", "", "g", 0, "cost=0.080000000"},
		// The later valid_from wins from 30 s on: 0.03 + 0.06.
		{"overlap", card + "rate device_price H100 7.2 EUR/h 30 -\n rate device_price H100 3.6 EUR/h", "", "g", 0, "cost=0.090000000"},
		{"published again", card + "rate device_price H100 7.2 EUR/h\n rate device_price H100 3.6 EUR/h", "", "g", 0, "cost=0.060000000"},
		{"to before from", card + "rate device_price H100 3.6 EUR/h 30 30", "", "g", 0, "cost="},
		// 30 nano/h: R(30·60/3600) = R(0.5) = 1 nano.
		{"rounded per window", card + "rate device_price H100 0.00000003 EUR/h", "", "g", 0, "cost=0.000000001"},
		// A second row begins anew at 30 s: R(0.25) = 0, twice.
		{"each row anew", card + "rate device_price H100 0.00000003 EUR/h - 30\n rate device_price H100 0.00000003 EUR/h 30 -", "", "g", 0, "cost=0.000000000"},
		// A placement's start is no new beginning: 1 nano in all, in the later part.
		{"cut but not anew", card + "hold a g whole - 30 60\n rate device_price H100 0.00000003 EUR/h", "workload", "a", 0, "cost=0.000000001"},
		// PUE 1.5: 5400 J; 0.36 EUR/kWh is 10⁻⁷ EUR/J; 400 g/kWh × 0.0015 kWh = 0.6 g.
		{
			"energy cost", card + "rate pue c 1.5 1\n rate electricity z 0.36 EUR/kWh\n rate grid_location r 400 g/kWh", "", "g", 0,
			"facility_j=5400.000000 cost=0.000540000 currency=EUR carbon_location_g=0.600000 carbon_market_g=0.600000",
		},
		{"market factor", card + "rate grid_location - 400 g/kWh\n rate grid_market - 0 g/kWh", "", "g", 0, "carbon_location_g=0.400000 carbon_market_g=0.000000"},
		{"market factor alone", card + "rate grid_market - 100 g/kWh", "", "g", 0, "carbon_location_g= carbon_market_g=0.100000"},
		// Cluster before zone before region before the empty key.
		{"order of keys", card + "rate electricity - 1 A/kWh\n rate electricity r 2 B/kWh\n rate electricity z 3 C/kWh\n rate electricity c 4 D/kWh", "", "g", 0, "cost=0.004000000 currency=D"},
		// Resolved, but dark: 0, not empty.
		{"dark", "dev g gpu\n g temp 0 1 60 1\n rate electricity - 1 EUR/kWh\n rate grid_location - 1 g/kWh", "", "g", 0, "cost=0.000000000 currency=EUR carbon_location_g=0.000000"},
		// Two currencies: two rows, all else in the first.
		{
			"currencies", card + "rate device_price H100 3.6 USD/h\n rate electricity - 1 EUR/kWh", "", "g", 0,
			"currency=EUR cost=0.001000000 energy_j=3600.000000 covered_seconds=60.000000000 | currency=USD cost=0.060000000 energy_j= covered_seconds= estimated_j= device_seconds=",
		},
		// 35,040 kg over 35,040 h is 1 kg an hour: 60 s are 16.666667 g.
		{"embodied", card + "rate embodied H100 35040 kg", "", "g", 0, "embodied_g=16.666667"},
		{"lifetime", card + "rate embodied H100 35040 kg\n rate lifetime H100 70080 h", "", "g", 0, "embodied_g=8.333333"},
		// The rate begins at 30 s: half a minute of 1 kg/h.
		{"embodied from the middle", card + "rate embodied H100 35040 kg 30 -", "", "g", 0, "embodied_g=8.333333"},
		// No accelerators: the price is the placements'.
		{"no accelerators", "place c z r t\n hold a - whole - 0 60\n rate instance_price t 3.6 EUR/h", "workload", "a", 0, "cost=0.060000000 device_seconds=0.000000000"},
	})
}
