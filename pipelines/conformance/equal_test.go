package conformance_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
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
	var corrected atomic.Int64
	forSeeds(t, *clusters, func(t *testing.T, seed uint64) {
		d := randomCluster(seed, clusterOptions{late: seed%3 == 0, sharing: seed%2 == 1, states: seed%4 >= 2})
		s := runStream(t, d, seed)
		corrected.Add(int64(s.corrected))
		if s.residuals != [3]int64{} {
			t.Errorf("cluster %d: residuals %v, want none", seed, s.residuals)
		}
		compareStream(t, seed, d, s)
	})
	if corrected.Load() == 0 {
		t.Error("no row was ever corrected: the clusters do not test restatement")
	}
}

// forSeeds runs test for n seeds, as many at once as there are processors, and
// begins no more of them once one has failed.
func forSeeds(t *testing.T, n uint64, test func(t *testing.T, seed uint64)) {
	t.Helper()
	t.Parallel()
	var differs atomic.Bool
	t.Run("clusters", func(t *testing.T) {
		for i := range n {
			seed := *clustersFrom + i
			t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
				t.Parallel()
				if differs.Load() {
					return
				}
				defer func() {
					if t.Failed() {
						differs.Store(true)
						t.Logf("cluster %d differs; rerun with -conformance.from %d -conformance.clusters 1", seed, seed)
					}
				}()
				test(t, seed)
			})
		}
	})
}

// TestEveryStepIsWhatIsKnown is the invariant of a step: at its end, the rows
// written for closed windows are the definitions applied to the events read so
// far. One node a cluster, so that the partition's watermark is the node's.
func TestEveryStepIsWhatIsKnown(t *testing.T) {
	var checked atomic.Int64
	forSeeds(t, max(30, *clusters/5), func(t *testing.T, seed uint64) {
		d := oneNode(randomCluster(seed, clusterOptions{sharing: seed%2 == 1, states: seed%4 >= 2}))
		length := engineWindow(d)
		next := int64(len(d.samples)) / 8
		runSteps(t, d, seed, func(s *stream, watermark int64) {
			if s.delivered < next || watermark == 0 || t.Failed() {
				return
			}
			next = s.delivered + int64(len(d.samples))/6
			closed := time.Unix(0, watermark-watermark%length)
			compareFacts(t, seed, d, plainFacts(knownAt(d, s.delivered, watermark)), s, closed)
			checked.Add(1)
		})
	})
	if checked.Load() < 30 {
		t.Errorf("%d steps were compared, want at least 30", checked.Load())
	}
}

// engineWindow is the length of a directory's windows.
func engineWindow(d directory) int64 {
	if d.window != 0 {
		return d.window.Nanoseconds()
	}
	return minute
}

// oneNode leaves the node of a directory that has the most readings.
func oneNode(d directory) directory {
	count, most := map[string]int{}, ""
	for _, r := range d.samples {
		if count[r["node"]]++; count[r["node"]] > count[most] {
			most = r["node"]
		}
	}
	other := func(r row) bool { return r["node"] != most }
	d.inventory = slices.DeleteFunc(slices.Clone(d.inventory), other)
	d.samples = slices.DeleteFunc(slices.Clone(d.samples), other)
	d.placements = slices.DeleteFunc(slices.Clone(d.placements), other)
	return d
}

// knownAt is a directory as it was known when some rows of samples had been
// read: a placement without an end held up to the watermark. (One that starts
// behind it touches no closed window.)
func knownAt(d directory, rows, watermark int64) directory {
	d.samples = d.samples[:rows]
	d.placements = slices.Clone(d.placements)
	for i, r := range d.placements {
		if start, ok := instant(r["start"]); ok && r["end"] == "" {
			r = maps.Clone(r)
			r["end"] = timeOf(max(watermark, start+1)).Format(time.RFC3339Nano)
			d.placements[i] = r
		}
	}
	return d
}

func compareStream(t *testing.T, seed uint64, d directory, s *stream) {
	compareFacts(t, seed, d, plainFacts(d), s, time.Time{})
}

// compareFacts holds all facts and reports of what a stream wrote against those
// of the windows before to.
func compareFacts(t *testing.T, seed uint64, d directory, facts []plainFact, s *stream, to time.Time) {
	t.Helper()
	compareKeys(t, seed, d, facts, s, to)
	for _, by := range groupings {
		got, want := s.report(by), reportOf(facts, by, time.Time{}, to)
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
