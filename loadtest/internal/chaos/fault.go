package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/fleet"
)

// fault is what happens to some parts of a fleet at once: how it begins, how
// long it lasts, and what ends it follows from its kind.
type fault struct {
	kind   string
	parts  []string
	hold   time.Duration
	beside *fault // on other parts at the same time; nil for most
}

// Kinds of faults.
const (
	faultKill   = "kill"   // SIGKILL, and started again
	faultFreeze = "freeze" // SIGSTOP for longer than the group's patience, SIGCONT: a zombie
	faultLeave  = "leave"  // SIGTERM, an orderly end, and started again
	faultJoin   = "join"   // one more member for a while, which then leaves
	faultGuest  = "guest"  // one more member for a while, which is then killed
)

// sessionTimeout is the members' default: after it, a silent one has lost its
// tasks.
const sessionTimeout = 6 * time.Second

// plan draws n faults for a fleet; the same seed draws the same ones. The first
// ones are one of each sort, so that a short run meets every sort before one comes
// twice.
func plan(rng *rand.Rand, n, processors, sinks int) (out []fault) {
	var sorts []func() fault
	for len(out) < n {
		if len(sorts) == 0 {
			sorts = faultSorts(rng, processors, sinks)
			rng.Shuffle(len(sorts), func(i, j int) { sorts[i], sorts[j] = sorts[j], sorts[i] })
		}
		f := sorts[0]()
		sorts = sorts[1:]
		if rng.IntN(4) == 0 {
			all := faultSorts(rng, processors, sinks)
			if other := all[rng.IntN(len(all))](); !f.meets(other) {
				f.beside = &other
			}
		}
		out = append(out, f)
	}
	return out
}

// faultSorts are the ways to draw a fault.
func faultSorts(rng *rand.Rand, processors, sinks int) []func() fault {
	between := func(from, to time.Duration) time.Duration { return from + time.Duration(rng.Int64N(int64(to-from))) }
	members := func() string {
		all := fleet.Members(processors, sinks)
		return all[rng.IntN(len(all))]
	}
	processor := func() string { return fleet.Processor(1 + rng.IntN(processors)) }
	sink := func() string { return fleet.Sink(1 + rng.IntN(sinks)) }
	one := func(kind string, part func() string, from, to time.Duration) func() fault {
		return func() fault { return fault{kind: kind, parts: []string{part()}, hold: between(from, to)} }
	}
	all := func(parts []string) func() fault {
		return func() fault { return fault{kind: faultKill, parts: parts, hold: between(0, 4*time.Second)} }
	}
	named := func(name string) func() string { return func() string { return name } }
	const s = time.Second
	return []func() fault{
		one(faultKill, members, 0, 10*s), one(faultKill, named(fleet.Broker), 0, 4*s), one(faultKill, named(fleet.Store), 0, 4*s),
		one(faultKill, named(fleet.Store), 8*s, 20*s), one(faultKill, named(fleet.Broker), 5*s, 12*s),
		one(faultLeave, members, 0, 6*s), one(faultLeave, named(fleet.Broker), 0, 3*s), one(faultLeave, named(fleet.Store), 0, 3*s),
		one(faultFreeze, processor, sessionTimeout+2*s, sessionTimeout+8*s), one(faultFreeze, sink, sessionTimeout+2*s, sessionTimeout+8*s),
		one(faultFreeze, named(fleet.Broker), 2*s, 12*s), one(faultFreeze, named(fleet.Store), 2*s, 12*s),
		one(faultJoin, named(fleet.Processor(processors+1)), 5*s, 12*s), one(faultJoin, named(fleet.Sink(sinks+1)), 5*s, 12*s),
		one(faultGuest, named(fleet.Processor(processors+1)), 5*s, 12*s),
		all(fleet.Members(processors, 0)), all(fleet.Members(0, sinks)),
	}
}

// meets says whether two faults have a part in common.
func (f fault) meets(other fault) bool {
	for _, a := range f.parts {
		for _, b := range other.parts {
			if a == b {
				return true
			}
		}
	}
	return false
}

func (f fault) String() string {
	text := fmt.Sprintf("%s %s for %.1f s", f.kind, strings.Join(f.parts, " and "), f.hold.Seconds())
	if f.beside != nil {
		text += ", and " + f.beside.String()
	}
	return text
}
