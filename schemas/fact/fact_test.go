package fact_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/fact"
)

func randomRows(r *rand.Rand, n int) []fact.Row {
	rows := make([]fact.Row, n)
	names := []string{"", "a", "node-7", "GPU-0f3", "träining"}
	name := func() string { return names[r.IntN(len(names))] }
	for i := range rows {
		row := &rows[i]
		row.WindowStart = r.Int64N(1<<40) * 60_000_000_000 / 1_000_000
		row.WindowStart -= row.WindowStart % 1_000_000
		row.WindowLength = 60_000_000_000
		row.Node, row.Device, row.Placement = name(), name(), name()
		row.Provider, row.Region, row.Cluster, row.DeviceModel = name(), name(), name(), name()
		row.Workload, row.Team, row.Tenant, row.Currency, row.Reason = name(), name(), name(), "USD", fact.ReasonClosed
		for j := range row.Sums {
			row.Sums[j] = r.Int64N(1<<59) - 1<<58
		}
		row.RecordedAt, row.Task, row.Epoch, row.Step = 1_700_000_000_123_000_000, 3, r.Uint64(), r.Uint64()
	}
	return rows
}

func TestRowsRoundTrip(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	b := fact.NewBuilder(mem)
	defer b.Release()
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 100, 1000} {
		want := randomRows(r, n)
		for _, some := range [][]fact.Row{want[:n/3], want[n/3:]} {
			if err := b.Append(some); err != nil {
				t.Fatal(err)
			}
		}
		most, rows := b.Bytes(), b.Rows()
		stream, total, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if rows != n || len(stream) > most {
			t.Errorf("%d of %d rows take %d bytes, more than %d", rows, n, len(stream), most)
		}
		got, err := fact.Decode(stream, mem)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); n > 0 && diff != "" {
			t.Fatalf("%d rows changed (-want +got):\n%s", n, diff)
		}
		var sum fact.Sums
		for i := range want {
			sum.Add(&want[i].Sums)
		}
		if sum != total {
			t.Errorf("%d rows: sums %v, want %v", n, total, sum)
		}
	}
}

// TestPartsHoldTheirOwnStrings: a part is a function of its rows, whatever parts its
// builder made before: strings of theirs would make parts longer and longer.
func TestPartsHoldTheirOwnStrings(t *testing.T) {
	mem := memory.NewGoAllocator()
	used := fact.NewBuilder(mem)
	defer used.Release()
	r := rand.New(rand.NewPCG(7, 8))
	for k := range 20 {
		rows := randomRows(r, 1+r.IntN(300))
		for i := range rows {
			rows[i].Placement = fmt.Sprintf("job-%d-%d", k, i)
		}
		got, _, err := used.Encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		fresh := fact.NewBuilder(mem)
		want, _, err := fresh.Encode(rows)
		fresh.Release()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("part %d: got %d bytes, a new builder makes %d", k, len(got), len(want))
		}
	}
}

func FuzzDecode(f *testing.F) {
	b := fact.NewBuilder(memory.NewGoAllocator())
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 3} {
		stream, _, err := b.Encode(randomRows(r, n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		rows, err := fact.Decode(stream, memory.NewGoAllocator())
		if err != nil {
			return
		}
		b := fact.NewBuilder(memory.NewGoAllocator())
		defer b.Release()
		again, _, err := b.Encode(rows)
		if err != nil {
			return // text that is not UTF-8 and the like
		}
		twice, err := fact.Decode(again, memory.NewGoAllocator())
		if err != nil || !cmp.Equal(rows, twice) {
			t.Fatalf("encode(decode(b)) is not a fixed point: %v\n%s", err, cmp.Diff(rows, twice))
		}
	})
}
