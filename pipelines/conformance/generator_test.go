package conformance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSameSeedSameCluster(t *testing.T) {
	for seed := range uint64(5) {
		o := clusterOptions{sharing: true, late: true, states: true}
		a, b := randomCluster(seed, o), randomCluster(seed, o)
		for i, pair := range [][2][]row{
			{a.inventory, b.inventory}, {a.samples, b.samples}, {a.placements, b.placements}, {a.rates, b.rates},
		} {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Errorf("seed %d, file %d (-first +second):\n%s", seed, i, diff)
			}
		}
	}
}

// Clusters with names of their own can share one system: nothing that one of
// them publishes resolves in another.
func TestUniqueNames(t *testing.T) {
	for seed := range uint64(20) {
		d := randomCluster(seed, clusterOptions{unique: true, states: seed%2 == 1})
		prefix := fmt.Sprintf("s%d-", seed)
		own := func(name string) bool { return name == "" || strings.HasPrefix(name, prefix) }
		for _, r := range append(d.inventory, d.placements...) {
			for _, column := range []string{"cluster", "zone", "region", "workload", "team", "tenant"} {
				if !own(r[column]) {
					t.Errorf("seed %d: %s %q has no prefix", seed, column, r[column])
				}
			}
		}
		for _, r := range d.rates {
			_, region, byModel := strings.Cut(r["key"], "@")
			if byModel && !own(region) || !byModel && (r["key"] == "" || !own(r["key"])) {
				t.Errorf("seed %d: %s has the key %q", seed, r["kind"], r["key"])
			}
		}
	}
}
