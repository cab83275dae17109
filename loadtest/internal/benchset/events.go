package benchset

import "sort"

// events turns jobs into the moments at which devices start and stop working.
func events(o Options, jobs []job) []event {
	var out []event
	for _, j := range jobs {
		for n := j.node; n < j.node+j.nodes; n++ {
			for d := j.first; d < j.last; d++ {
				out = append(out,
					event{second: j.from, gpu: n*o.Devices + d, goal: int64(j.level)},
					event{second: j.to, gpu: n*o.Devices + d})
			}
		}
	}
	// A job that ends in the second in which the next one begins ends first.
	sort.SliceStable(out, func(i, k int) bool {
		if out[i].second != out[k].second {
			return out[i].second < out[k].second
		}
		return out[i].goal == 0 && out[k].goal != 0
	})
	return out
}
