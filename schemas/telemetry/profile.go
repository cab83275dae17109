package telemetry

import (
	"strconv"
	"strings"
)

// ProfileSlices is how many slices of its card an instance has whose profile is "Ng.…":
// N. It is 0 for anything else, such as the profile of a compute instance, "1c.2g.10gb".
//
// Source: NVIDIA Multi-Instance GPU user guide, supported profiles.
func ProfileSlices(profile string) int64 {
	digits, _, ok := strings.Cut(profile, "g")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil {
		return 0
	}
	return int64(n)
}
