package estate

import (
	"math"
	"math/rand/v2"
)

// shape makes the course of a workload's utilisation, 0 to 1, one figure a
// second for n+1 seconds, common to all its devices: the parts of a synchronous
// job wait for each other.
type shape func(rng *rand.Rand, n int) []float64

// training ramps up, runs steadily, dips while it writes a checkpoint and for
// longer when it evaluates between epochs; a period of 0 leaves the dip out.
func training(level float64, checkpoint, epoch int) shape {
	return func(rng *rand.Rand, n int) []float64 {
		u := make([]float64, n+1)
		drift := 0.0
		for i := range u {
			drift = 0.995*drift + 0.004*rng.NormFloat64()
			x := level + drift
			switch {
			case i < 75:
				x *= float64(i) / 75
			case epoch > 0 && i%epoch > epoch-70:
				x = 0.52 + drift
			case checkpoint > 0 && i%checkpoint > checkpoint-28:
				x = 0.11 + drift
			}
			u[i] = within(x, 0, 0.99)
		}
		return u
	}
}

// stalling waits for its data now and then: spells of work and of waiting,
// both of random length.
func stalling(level float64) shape {
	return func(rng *rand.Rand, n int) []float64 {
		u := make([]float64, n+1)
		working, left, x := true, 40, 0.0
		for i := range u {
			if left--; left <= 0 {
				working = !working
				left = 8 + int(rng.ExpFloat64()*22)
				if working {
					left = 40 + int(rng.ExpFloat64()*120)
				}
			}
			target := 0.08
			if working {
				target = level * 1.12
			}
			x += (target - x) * 0.35
			u[i] = within(x+0.015*rng.NormFloat64(), 0, 0.99)
		}
		return u
	}
}

// serving answers requests. The arrival rate wanders (log-normal, correlated
// over about a minute, the stronger the larger burst) around a slow swell, each
// request brings work with a long tail, and batching smooths over seconds.
func serving(level, burst float64) shape {
	return func(rng *rand.Rand, n int) []float64 {
		const arrivals, tail = 5.5, 0.9
		u := make([]float64, n+1)
		wander, queue := 0.0, level
		for i := range u {
			wander = 0.985*wander + 0.1725*burst*rng.NormFloat64()
			swell := 1 + 0.25*math.Sin(2*math.Pi*(float64(i)/5400+0.1))
			mean := arrivals * swell * math.Exp(wander-burst*burst/2)
			work := 0.0
			for range poisson(rng, mean) {
				work += math.Exp(tail*rng.NormFloat64() - tail*tail/2)
			}
			queue += (level*work/arrivals - queue) * 0.14
			u[i] = within(queue, 0, 0.985)
		}
		return u
	}
}

// waiting is a server to which nobody sends a request in a part of the recording.
func waiting(s shape, from, to float64) shape {
	return func(rng *rand.Rand, n int) []float64 {
		u := s(rng, n)
		clear(u[int(from*float64(n)):int(to*float64(n))])
		return u
	}
}

// resident holds a model in memory and asks nothing of it.
func resident(_ *rand.Rand, n int) []float64 { return make([]float64, n+1) }

// framing works frame by frame, with pauses between.
func framing(level float64) shape {
	return func(rng *rand.Rand, n int) []float64 {
		u := make([]float64, n+1)
		period, phase := 180, 0
		for i := range u {
			if phase++; phase >= period {
				phase, period = 0, 120+rng.IntN(180)
			}
			x := level
			if phase > period*4/5 {
				x = 0.02
			}
			u[i] = within(x+0.01*rng.NormFloat64(), 0, 0.99)
		}
		return u
	}
}

// poisson draws a count by multiplying uniforms, good for small means.
func poisson(rng *rand.Rand, mean float64) int {
	limit, p := math.Exp(-math.Min(mean, 60)), 1.0
	for k := 0; ; k++ {
		if p *= rng.Float64(); p <= limit {
			return k
		}
	}
}

func within(x, low, high float64) float64 { return math.Min(math.Max(x, low), high) }
