package conformance_test

import (
	"math/big"
	"slices"
)

// The most that a placement can ask for or use (10.5): 10⁻³ cores and bytes.
const (
	maxCores  = int64(100_000_000)
	maxMemory = int64(1) << 50
)

// asked reads what a placement asked for; an empty cell says nothing. What is
// no number, is below 0 or above the bound rejects the placement.
func asked(text string, scale, bound int64) (int64, bool) {
	if text == "" {
		return 0, true
	}
	x, ok := number(text)
	if !ok || x.Sign() < 0 || x.Cmp(big.NewRat(bound, scale)) > 0 {
		return 0, false
	}
	return scaled(x, scale)
}

// readUsage finds the series "D/P" of cores and memory, by placement.
func (v *view) readUsage() {
	for key, readings := range v.node.series {
		_, holder, ok := v.node.activityOf(key.device)
		switch {
		case !ok:
		case key.metric == "cpu_seconds_total":
			v.cores[holder] = append(v.cores[holder], countedUp(readings, mostOfTime))
		case key.metric == "memory_used_bytes":
			plausible := slices.DeleteFunc(gaugeSegments(readings), func(s segment) bool {
				return max(s.first.value, s.second.value) > maxMemory
			})
			used := gaugeCandidates(plausible, second)
			v.memory[holder] = append(v.memory[holder], stretches(nil).add(rungPower, used))
		}
	}
}

// nodeWeights are those by which a node without accelerators goes to the
// placements that run on it: equal, unless one says what it asked for.
func (v *view) nodeWeights(running []placement, iv interval) []*big.Int {
	says := false
	weights := make([]*big.Int, len(running))
	for i, p := range running {
		says = says || p.cores > 0 || p.memory > 0
		cores := max(p.cores, v.coresUsed(p.id, iv))
		memory := max(p.memory, v.memoryUsed(p.id, iv))
		w := product(9, 1<<20, cores)
		weights[i] = w.Add(w, product(1000, memory/1024))
	}
	if !says {
		return ones(len(running))
	}
	return weights
}

// coresUsed is Σ ⌊1000 × what cpu_seconds_total gives / the time it covers⌋ over
// the placement's series, in 10⁻³ cores.
func (v *view) coresUsed(id string, iv interval) int64 {
	sum := int64(0)
	for _, s := range v.cores[id] {
		given, time := s.over(iv, anyRung)
		sum += meanUsed(product(given, 1000), time, maxCores)
	}
	return min(sum, maxCores)
}

// memoryUsed is Σ ⌊10⁹ × integral / the time it covers⌋ over the placement's
// series, in bytes, the integral in byte seconds.
func (v *view) memoryUsed(id string, iv interval) int64 {
	sum := int64(0)
	for _, s := range v.memory[id] {
		integral, time := s.over(iv, anyRung)
		sum += meanUsed(product(integral, second), time, maxMemory)
	}
	return min(sum, maxMemory)
}

// meanUsed is ⌊amount / time⌋, at most bound; 0 where nothing is covered.
func meanUsed(amount *big.Int, time, bound int64) int64 {
	if time == 0 {
		return 0
	}
	mean := new(big.Int).Quo(amount, big.NewInt(time))
	if mean.Cmp(big.NewInt(bound)) > 0 {
		return bound
	}
	return mean.Int64()
}
