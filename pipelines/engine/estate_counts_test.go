package engine_test

import (
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// counts adds counters of the cards and of placements, on devices and on the
// node itself, and memory of placements.
func (s *estate) counts(name string) {
	for _, c := range []struct {
		device string
		metric telemetry.Metric
		most   int64
	}{
		{"a", telemetry.ThrottleSeconds, 20 * second},
		{"b", telemetry.XIDErrors, 2},
		{"a/p0", telemetry.TokensOutput, 5000},
		{"/p1", telemetry.TokensInput, 5000},
		{"a", telemetry.Requests, 10},
		{"", telemetry.Requests, 10},
		{"b/p1", telemetry.Requests, 2},
		{"/p2", telemetry.CPUSeconds, 100 * second},
		{"/p2", telemetry.MemoryUsed, 1 << 35},
	} {
		if s.r.IntN(2) == 0 {
			continue
		}
		v := s.r.Int64N(c.most)
		for _, t := range s.times(8) {
			switch s.r.IntN(6) {
			case 0: // nothing happened
			case 1:
				v = s.r.Int64N(c.most)
			default:
				v += s.r.Int64N(c.most)
			}
			s.add(name, c.device, c.metric, t, v)
		}
	}
}
