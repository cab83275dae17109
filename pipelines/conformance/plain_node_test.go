package conformance_test

import "math/big"

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
			v.cores[holder] = append(v.cores[holder], countedUp(readings))
		case key.metric == "memory_used_bytes":
			v.memory[holder] = append(v.memory[holder], gaugeSegments(readings))
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
		cores := max(p.cores, min(maxCores, v.coresUsed(p.id, iv)))
		memory := max(p.memory, min(maxMemory, v.memoryUsed(p.id, iv)))
		w := product(9, 1<<20, cores)
		weights[i] = w.Add(w, product(1000, memory/1024))
	}
	if !says {
		return ones(len(running))
	}
	return weights
}

// coresUsed is ⌊what cpu_seconds_total gives × 1000 / the time it covers⌋, in
// 10⁻³ cores, added up over the placement's series.
func (v *view) coresUsed(id string, iv interval) int64 {
	sum := int64(0)
	for _, s := range v.cores[id] {
		if given, time := s.over(iv, anyRung); time > 0 {
			mean := new(big.Int).Quo(product(given, 1000), product(time))
			if mean.Cmp(big.NewInt(maxCores)) >= 0 { // it may not fit 64 bits
				return maxCores
			}
			sum += mean.Int64()
		}
	}
	return sum
}

// memoryUsed is ⌊integral / the time it covers⌋ in bytes, added up over the
// placement's series. The integral is exact.
func (v *view) memoryUsed(id string, iv interval) int64 {
	sum := int64(0)
	for _, segments := range v.memory[id] {
		integral, time := new(big.Rat), int64(0)
		for _, s := range segments {
			if part := s.span().meet(iv); part.length() > 0 {
				mean := new(big.Rat).Add(s.at(part.from), s.at(part.to))
				mean.Mul(mean, big.NewRat(part.length(), 2))
				integral.Add(integral, mean)
				time += part.length()
			}
		}
		if time > 0 {
			mean := integral.Quo(integral, big.NewRat(time, 1))
			sum += new(big.Int).Quo(mean.Num(), mean.Denom()).Int64()
		}
	}
	return sum
}

// at is the value of a gauge inside its segment, linear between the readings.
func (s segment) at(x int64) *big.Rat {
	rise := new(big.Rat).SetFrac(product(s.difference(), x-s.first.at), product(s.duration()))
	return rise.Add(rise, big.NewRat(s.first.value, 1))
}
