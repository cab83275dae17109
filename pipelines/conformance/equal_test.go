package conformance_test

import (
	"flag"
	"slices"
	"testing"
	"time"
)

var (
	clusters     = flag.Uint64("conformance.clusters", 60, "random clusters on which the streaming engine is held against the plain implementation")
	clustersFrom = flag.Uint64("conformance.from", 1, "seed of the first of them")
)

// TestStreamingEqualsPlain is the product's main law: on random clusters with
// every fault the definitions know, cut at random into records, steps and
// restarts, every figure of every report equals the plain implementation's, to
// the last digit, and nothing is left of the conservation laws.
func TestStreamingEqualsPlain(t *testing.T) {
	corrected := 0
	for i := range *clusters {
		seed := *clustersFrom + i
		d := randomCluster(seed, clusterOptions{late: seed%3 == 0, sharing: seed%2 == 1})
		s := runStream(t, d, seed)
		corrected += s.corrected
		if s.residuals != [3]int64{} {
			t.Errorf("cluster %d: residuals %v, want none", seed, s.residuals)
		}
		compareStream(t, seed, d, s)
		if t.Failed() {
			t.Fatalf("cluster %d differs; rerun with -conformance.from %d -conformance.clusters 1", seed, seed)
		}
	}
	if corrected == 0 {
		t.Error("no row was ever corrected: the clusters do not test restatement")
	}
}

func compareStream(t *testing.T, seed uint64, d directory, s *stream) {
	facts := plainFacts(d)
	for _, by := range groupings {
		got, want := s.report(by), reportOf(facts, by, time.Time{}, time.Time{})
		for i := range max(len(got), len(want)) {
			switch {
			case i >= len(got):
				t.Errorf("cluster %d by %s: row %q is missing", seed, by, want[i].Columns)
			case i >= len(want):
				t.Errorf("cluster %d by %s: row %q is too much", seed, by, got[i].Columns)
			case !slices.Equal(got[i].Columns, want[i].Columns):
				t.Errorf("cluster %d by %s, row %d of %d\n     %q\n got %q\nwant %q", seed, by, i, len(want), reportHeader(by), got[i].Columns, want[i].Columns)
			}
		}
	}
}
