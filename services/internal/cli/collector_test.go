package cli

import "testing"

func TestCollectorPercent(t *testing.T) {
	for _, tc := range []struct {
		live uint64
		want int
	}{
		{0, 200},
		{100 << 20, 200},
		{512 << 20, 200},
		{800 << 20, 128},
		{1 << 30, 100},
		{2 << 30, 50},
		{3 << 30, 33},
		{64 << 30, 15},
	} {
		if got := collectorPercent(tc.live); got != tc.want {
			t.Errorf("%d MiB live: got %d, want %d", tc.live>>20, got, tc.want)
		}
	}
}
