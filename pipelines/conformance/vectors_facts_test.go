package conformance_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/fact"
)

// factVector is one case: what the facts say of a piece, by state.
type factVector struct {
	name              string
	script            script
	device, placement string
	to                int    // windows before this second; 0: all
	want              string // "state: column=value column=value | state: …", by name of state; "none"
}

func (v factVector) run(t *testing.T) {
	t.Helper()
	columns := make(map[string]fact.Column)
	for c := range fact.NumColumns {
		columns[fact.Columns[c].Name] = c
	}
	sums := make(map[string]map[fact.Column]int64)
	for _, f := range plainFacts(v.script.directory()) {
		late := v.to > 0 && f.window >= vectorStart.Add(time.Duration(v.to)*time.Second).UnixNano()
		if late || f.device != v.device || f.placement != v.placement {
			continue
		}
		if sums[f.state] == nil {
			sums[f.state] = make(map[fact.Column]int64)
		}
		for c, x := range f.sums() {
			sums[f.state][c] += x
		}
	}
	var got, want []string
	wants := strings.Split(v.want, "|")
	for i, state := range sortedKeys(sums) {
		_, cells, _ := strings.Cut(wants[min(i, len(wants)-1)], ":")
		line := state + ":"
		for _, pair := range strings.Fields(cells) {
			name, _, _ := strings.Cut(pair, "=")
			c, known := columns[name]
			if !known {
				t.Fatalf("no column %q", name)
			}
			line += " " + name + "=" + strings.TrimSuffix(fixed(big.NewInt(sums[state][c]), fact.Columns[c].Scale), ".")
		}
		got = append(got, line)
	}
	for _, w := range wants {
		want = append(want, strings.Join(strings.Fields(w), " "))
	}
	if v.want == "none" {
		want = nil
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got before want (-got +want):\n%s", diff)
	}
}

func runFactVectors(t *testing.T, vectors []factVector) {
	t.Helper()
	for _, v := range vectors {
		t.Run(strings.ReplaceAll(v.name, " ", "-"), func(t *testing.T) {
			v.run(t)
			v.stream(t)
		})
	}
}

// stream holds the streaming engine against the case, too: boundaries seldom
// turn up at random.
func (v factVector) stream(t *testing.T) {
	t.Helper()
	d := v.script.directory()
	slices.SortStableFunc(d.samples, func(a, b row) int { return strings.Compare(a["time"], b["time"]) })
	for _, r := range d.placements {
		r["manager"], r["kind"] = "k8s", "training"
	}
	compareStream(t, 1, d, runStream(t, d, 1))
}
