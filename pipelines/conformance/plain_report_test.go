package conformance_test

import (
	"fmt"
	"math/big"
	"sort"
	"strings"
	"time"
)

// reportRow is one row of `ntegral report --format csv`, cell by cell.
type reportRow struct{ Columns []string }

// groupings are the values of --by.
var groupings = []string{"workload", "team", "tenant", "cluster", "region", "node", "device"}

// reportHeader is the first line of the CSV.
func reportHeader(by string) []string {
	key := []string{by}
	if by == "device" {
		key = []string{"node", "device"}
	}
	return append(key,
		"device_seconds", "busy_seconds", "known_seconds", "energy_j", "overhead_j", "facility_j", "cost", "currency",
		"carbon_location_g", "carbon_market_g", "embodied_g", "covered_seconds", "estimated_j")
}

// plainReport is the report of a directory, over windows that start in
// [from, to); a zero time is unbounded.
func plainReport(d directory, by string, from, to time.Time) []reportRow {
	return reportOf(plainFacts(d), by, from, to)
}

// groupSums are the sums of one group.
type groupSums struct {
	key                                       []string
	times                                     [3]*big.Int // device, busy, known
	energies                                  [3]*big.Int // energy, overhead, facility
	location, market, embodied                *big.Int
	covered, estimated                        *big.Int
	cost                                      map[string]*big.Int
	knownLocation, knownMarket, knownEmbodied bool
}

func newGroup(key []string) *groupSums {
	zero := func() *big.Int { return new(big.Int) }
	return &groupSums{
		key: key, times: [3]*big.Int{zero(), zero(), zero()}, energies: [3]*big.Int{zero(), zero(), zero()},
		location: zero(), market: zero(), embodied: zero(), covered: zero(), estimated: zero(),
		cost: make(map[string]*big.Int),
	}
}

func (g *groupSums) add(f plainFact) {
	plus := func(sum *big.Int, v int64) { sum.Add(sum, big.NewInt(v)) }
	for i, v := range []int64{f.deviceTime, f.busy, f.known} {
		plus(g.times[i], v)
	}
	for i, v := range []int64{f.energy, f.overhead, f.facility} {
		plus(g.energies[i], v)
	}
	plus(g.location, f.carbonLocation)
	plus(g.market, f.carbonMarket)
	plus(g.embodied, f.embodied)
	plus(g.covered, f.covered)
	plus(g.estimated, f.estimated)
	for currency, v := range f.cost {
		if g.cost[currency] == nil {
			g.cost[currency] = new(big.Int)
		}
		plus(g.cost[currency], v)
	}
	g.knownLocation = g.knownLocation || f.knownLocation
	g.knownMarket = g.knownMarket || f.knownMarket
	g.knownEmbodied = g.knownEmbodied || f.knownEmbodied
}

// reportOf sums facts by a column, one row for each distinct value and
// currency, sorted by it.
func reportOf(facts []plainFact, by string, from, to time.Time) []reportRow {
	groups := make(map[string]*groupSums)
	for _, f := range facts {
		if !from.IsZero() && f.window < from.UnixNano() || !to.IsZero() && f.window >= to.UnixNano() {
			continue
		}
		key := keyOf(f, by)
		name := strings.Join(key, "\x00")
		if groups[name] == nil {
			groups[name] = newGroup(key)
		}
		groups[name].add(f)
	}
	names := sortedKeys(groups)
	sort.Strings(names)
	var out []reportRow
	for _, name := range names {
		out = append(out, groups[name].rows()...)
	}
	return out
}

func keyOf(f plainFact, by string) []string {
	switch by {
	case "workload":
		return []string{f.workload}
	case "team":
		return []string{f.team}
	case "tenant":
		return []string{f.tenant}
	case "cluster":
		return []string{f.cluster}
	case "region":
		return []string{f.region}
	case "node":
		return []string{f.node}
	case "device":
		return []string{f.node, f.device}
	}
	panic("unknown grouping " + by)
}

// rows are a group's: one for each currency, times, energies and carbon in the
// first one's (section 7, last sentence).
func (g *groupSums) rows() []reportRow {
	currencies := sortedKeys(g.cost)
	cost := func(i int) []string {
		if len(currencies) == 0 {
			return []string{"", ""}
		}
		return []string{fixed(g.cost[currencies[i]], 9), currencies[i]}
	}
	first := append([]string(nil), g.key...)
	for _, t := range g.times {
		first = append(first, fixed(t, 9))
	}
	for _, e := range g.energies {
		first = append(first, fixed(e, 6))
	}
	first = append(first, cost(0)...)
	first = append(first, known(g.knownLocation, g.location), known(g.knownMarket, g.market), known(g.knownEmbodied, g.embodied))
	first = append(first, fixed(g.covered, 9), fixed(g.estimated, 6))
	out := []reportRow{{first}}
	for i := 1; i < len(currencies); i++ {
		cells := append([]string(nil), g.key...)
		cells = append(cells, "", "", "", "", "", "")
		cells = append(cells, cost(i)...)
		out = append(out, reportRow{append(cells, "", "", "", "", "")})
	}
	return out
}

func known(is bool, v *big.Int) string {
	if !is {
		return ""
	}
	return fixed(v, 6)
}

// fixed writes an integer of 10^-decimals units as a decimal.
func fixed(v *big.Int, decimals int) string {
	sign, digits := "", new(big.Int).Abs(v).String()
	if v.Sign() < 0 {
		sign = "-"
	}
	if len(digits) <= decimals {
		digits = strings.Repeat("0", decimals-len(digits)+1) + digits
	}
	point := len(digits) - decimals
	return fmt.Sprintf("%s%s.%s", sign, digits[:point], digits[point:])
}
