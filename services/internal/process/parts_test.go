package process

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
)

func TestPartEncoder(t *testing.T) {
	e := partEncoder{builder: fact.NewBuilder()}
	var rows []fact.Row
	for i := range 5000 {
		rows = append(rows, fact.Row{Key: fact.Key{WindowStart: int64(i/3000-1) * nsPerDay, WindowLength: 60e9, Node: strings.Repeat("n", i%300)}})
		rows[i].Sums[fact.Energy] = int64(i)
	}
	var parts [][]byte
	var sums fact.Sums
	put := func(part []byte, of *fact.Sums) {
		parts = append(parts, part)
		sums.Add(of)
	}
	for some := range slices.Chunk(rows, 700) {
		if err := e.add(some, put); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.finish(put); err != nil {
		t.Fatal(err)
	}
	var got []fact.Row
	for _, p := range parts {
		decoded, err := fact.Decode(p, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, decoded...)
	}
	if diff := cmp.Diff(got, rows); diff != "" {
		t.Errorf("rows (-got +want):\n%s", diff)
	}
	if sums[fact.Energy] != 4999*5000/2 || len(parts) > 6 {
		t.Errorf("%d parts with %d energy", len(parts), sums[fact.Energy])
	}
}

// TestPartsOfLongNames: rows whose names are long, and all others, fill a part sooner.
func TestPartsOfLongNames(t *testing.T) {
	e := partEncoder{builder: fact.NewBuilder()}
	rows := make([]fact.Row, 3000)
	for i := range rows {
		row, name := &rows[i], func(column string) string {
			return fmt.Sprintf("%s-%d-%s", column, i, strings.Repeat("x", record.MaxName))
		}
		row.WindowLength = 60e9
		for _, to := range []*string{
			&row.Node, &row.Device, &row.Placement, &row.Provider, &row.Region, &row.Zone, &row.InstanceType, &row.Cluster, &row.Workload, &row.Team,
		} {
			*to = name(fmt.Sprint(to == &row.Node))[:record.MaxName]
		}
	}
	got, parts := 0, 0
	put := func(part []byte, _ *fact.Sums) {
		decoded, err := fact.Decode(part, memory.DefaultAllocator)
		if err != nil {
			t.Error(err)
		}
		got, parts = got+len(decoded), parts+1
	}
	if err := e.add(rows, put); err != nil {
		t.Fatal(err)
	}
	if err := e.finish(put); err != nil {
		t.Fatal(err)
	}
	if got != len(rows) || parts != 5 {
		t.Errorf("%d rows in %d parts", got, parts)
	}
}
