package learn

import (
	"math/big"
	"slices"
	"testing"

	"github.com/ntegral/ntegral/schemas/unit"
)

func TestRankIsTheLowestThatReachesThePart(t *testing.T) {
	for _, tt := range []struct {
		n    int
		q    unit.Ratio
		want int
	}{
		{1, 1, 1},
		{1, 50_000, 1},
		{19, 50_000, 1},
		{20, 50_000, 1}, // exactly a twentieth
		{21, 50_000, 2},
		{40, 50_000, 2},
		{60, 50_000, 3}, // 3.0000000000000004 as a float
		{61, 50_000, 4},
		{2, 500_000, 1}, // the lower of two medians
		{3, 500_000, 2},
		{1_000_000, 1, 1},
		{1_000_001, 1, 2},
		{1 << 40, 500_000, 1 << 39},
	} {
		if got := rank(tt.n, tt.q); got != tt.want {
			t.Errorf("rank(%d, %s) = %d, want %d", tt.n, tt.q, got, tt.want)
		}
	}
}

func TestQuantileIsAValueThatWasSeen(t *testing.T) {
	var powers []unit.Power
	for i := range 100 {
		powers = append(powers, unit.Power(1000*(100-i)))
	}
	slices.Sort(powers)
	for _, tt := range []struct {
		q    unit.Ratio
		want unit.Power
	}{{50_000, 5000}, {50_001, 6000}, {10_000, 1000}, {500_000, 50_000}} {
		if got := quantile(powers, tt.q); got != tt.want {
			t.Errorf("quantile %s = %d, want %d", tt.q, got, tt.want)
		}
	}
	if got := quantile(nil, half); got != 0 {
		t.Errorf("quantile of nothing = %d", got)
	}
}

func TestMeanPowerRoundsHalvesUp(t *testing.T) {
	for _, tt := range []struct {
		microjoules, seconds int64
		want                 unit.Power
	}{
		{4_080_000_000, 60, 68_000_000}, {29, 60, 0}, {30, 60, 1}, {89, 60, 1}, {90, 60, 2}, {-30, 60, 0}, {-31, 60, -1}, {0, 10, 0},
	} {
		if got, ok := meanPower(big.NewInt(tt.microjoules), tt.seconds); got != tt.want || !ok {
			t.Errorf("%d uJ in %d s = %d uW %v, want %d", tt.microjoules, tt.seconds, got, ok, tt.want)
		}
	}
	if _, ok := meanPower(new(big.Int).Lsh(big.NewInt(1), 80), 60); ok {
		t.Error("2^80 uJ in a minute is a power")
	}
}

func TestJudge(t *testing.T) {
	const watt = unit.Power(1_000_000)
	many := func(power unit.Power) *group {
		g := &group{key: "H100", devices: map[device]struct{}{{"n", "0"}: {}, {"n", "1"}: {}}}
		g.powers = slices.Repeat([]unit.Power{power}, 60)
		return g
	}
	rate := func(p unit.Power) *unit.Power { return &p }
	one := many(68 * watt)
	delete(one.devices, device{"n", "1"})
	few := many(68 * watt)
	few.powers = few.powers[1:]
	for _, tt := range []struct {
		name    string
		g       *group
		now     *unit.Power
		publish bool
		want    Action
	}{
		{"no rate yet", many(68 * watt), nil, false, WouldPublish},
		{"no rate yet, told to", many(68 * watt), nil, true, Published},
		{"exactly the tolerance above", many(102 * watt), rate(100 * watt), true, Keep},
		{"a unit more", many(102*watt + 1), rate(100 * watt), true, Published},
		{"exactly the tolerance below", many(98 * watt), rate(100 * watt), true, Keep},
		{"a unit less", many(98*watt - 1), rate(100 * watt), true, Published},
		{"in force is nothing", many(watt), rate(0), true, Published},
		{"one device", one, nil, true, TooLittle},
		{"one window short", few, rate(1), true, TooLittle},
		{"draws nothing", many(0), nil, true, Implausible},
		{"draws less than nothing", many(-watt), nil, true, Implausible},
		{"draws what no rate may", many(5000*watt + 1), nil, true, Implausible},
		{"as much as a rate may", many(5000 * watt), nil, true, Published},
	} {
		c := DefaultConfig()
		c.Publish = tt.publish
		if got := c.judge(tt.g, tt.now); got.Action != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got.Action, tt.want)
		}
	}
}
