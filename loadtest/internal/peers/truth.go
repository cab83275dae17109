package peers

import (
	"fmt"
	"sort"
)

// Key says what a fact is about; Minute is Unix time in minutes, an empty
// Workload nobody.
type Key struct {
	Minute         int64
	Node, Workload string
}

// Facts are the energies of a contender, in µJ.
type Facts map[Key]int64

// differ says how got differs from want: empty if it does not.
func differ(got, want Facts) string {
	missing, extra, other := 0, 0, 0
	var off, total int64
	var worst []string
	for k, w := range want {
		g, ok := got[k]
		total += w
		switch {
		case !ok:
			missing++
		case g != w:
			other++
			worst = append(worst, fmt.Sprintf("%d/%s/%s: %d µJ, not %d", k.Minute, k.Node, k.Workload, g, w))
		}
		off += abs(g - w)
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			extra++
			off += abs(g)
		}
	}
	if missing+extra+other == 0 {
		return ""
	}
	sort.Strings(worst)
	s := fmt.Sprintf("%d missing, %d more, %d of other energy, of %d; differences add up to %.4f %% of the energy", missing, extra, other, len(want), 100*float64(off)/float64(max(total, 1)))
	if len(worst) > 0 {
		s += "; first " + worst[0]
	}
	return s
}

func abs(v int64) int64 { return max(v, -v) }
