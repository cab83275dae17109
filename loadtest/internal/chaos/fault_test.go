package chaos

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/loadtest/internal/fleet"
)

func planOf(seed uint64, n int) []fault {
	return plan(rand.New(rand.NewPCG(seed, 5)), n, 2, 2)
}

func texts(faults []fault) (out []string) {
	for _, f := range faults {
		out = append(out, f.String())
	}
	return out
}

func TestPlanIsTheSeeds(t *testing.T) {
	if d := cmp.Diff(texts(planOf(7, 40)), texts(planOf(7, 40))); d != "" {
		t.Errorf("same seed, another plan (-first +second):\n%s", d)
	}
	if cmp.Equal(texts(planOf(7, 40)), texts(planOf(8, 40))) {
		t.Error("another seed, same plan")
	}
}

func TestPlannedFaults(t *testing.T) {
	known := append([]string{fleet.Broker, fleet.Store}, fleet.Members(3, 3)...)
	met := map[string]bool{}
	for seed := range uint64(20) {
		for _, f := range planOf(seed, 40) {
			for one := &f; one != nil; one = one.beside {
				if one.hold < 0 || one.hold > 20*time.Second {
					t.Errorf("%s: holds too long or not at all", one)
				}
				if one.kind == faultFreeze && one.parts[0] != fleet.Broker && one.parts[0] != fleet.Store && one.hold <= sessionTimeout {
					t.Errorf("%s: over before the session is", one)
				}
				for _, p := range one.parts {
					if !slices.Contains(known, p) {
						t.Errorf("%s: no such part", one)
					}
					met[one.kind+" "+p] = true
				}
			}
			if f.beside != nil && f.meets(*f.beside) {
				t.Errorf("%s: both on one part", f)
			}
		}
	}
	for _, want := range []string{"kill broker", "kill store", "leave broker", "freeze process-2", "freeze sink-1", "join process-3", "join sink-3", "guest process-3", "kill process-1", "leave sink-2"} {
		if !met[want] {
			t.Errorf("no plan has: %s", want)
		}
	}
}

func TestFleetAndDiskOptions(t *testing.T) {
	base := Options{Round: 10 * time.Second, Every: time.Second}
	if err := (FleetOptions{Options: base, Faults: 1, Processors: 2, Sinks: 2}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (FleetOptions{Options: base, Faults: 0, Processors: 2, Sinks: 2}).Validate(); err == nil {
		t.Error("no faults pass")
	}
	if err := (DiskOptions{Options: base, Under: "all", Times: 1, Hold: time.Second}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (DiskOptions{Options: base, Under: "sink", Times: 1, Hold: time.Second}).Validate(); err == nil {
		t.Error("the disk of a part without one passes")
	}
}
