package fact_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/fact"
)

// randomRows returns rows of which some have zeros, alone and in a row, in some columns.
func randomRows(r *rand.Rand, n int) []fact.Row {
	rows := make([]fact.Row, n)
	var from, to [fact.NumColumns]int // where sums are not zero
	for j := range from {
		if from[j], to[j] = 0, n; r.IntN(2) == 0 {
			from[j], to[j] = r.IntN(n+1), r.IntN(n+1)
		}
	}
	names := []string{"", "a", "node-7", "GPU-0f3", "träining"}
	name := func() string { return names[r.IntN(len(names))] }
	for i := range rows {
		row := &rows[i]
		row.WindowStart = r.Int64N(1<<40) * 60_000_000_000 / 1_000_000
		row.WindowStart -= row.WindowStart % 1_000_000
		row.WindowLength = 60_000_000_000
		row.Node, row.Device, row.Placement = name(), name(), name()
		row.State, row.Zone, row.InstanceType, row.DeviceKind, row.Manager, row.WorkloadKind = name(), name(), name(), name(), name(), name()
		row.Provider, row.Region, row.Cluster, row.DeviceModel = name(), name(), name(), name()
		row.Workload, row.Team, row.Tenant, row.Currency, row.Reason = name(), name(), name(), "USD", fact.ReasonClosed
		for j := range row.Sums {
			if i < from[j] || i >= to[j] {
				continue
			}
			row.Sums[j] = r.Int64N(1<<59) - 1<<58
		}
		row.RecordedAt, row.Task, row.Epoch, row.Step = 1_700_000_000_123_000_000, 3, r.Uint64(), r.Uint64()
	}
	return rows
}

func TestRowsRoundTrip(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	b := fact.NewBuilder()
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 100, 1000} {
		want := randomRows(r, n)
		b.Append(want[:n/3])
		b.Append(want[n/3:])
		most, rows := b.Bytes(), b.Rows()
		stream, total, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if rows != n || len(stream) > most || cap(stream) > len(stream)+10<<10 {
			t.Errorf("%d of %d rows take %d bytes of %d, more than %d", rows, n, len(stream), cap(stream), most)
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
	used := fact.NewBuilder()
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
		fresh := fact.NewBuilder()
		want, _, err := fresh.Encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("part %d: got %d bytes, a new builder makes %d", k, len(got), len(want))
		}
	}
}

// TestPartsLeaveOutWhatIsNothing: strings that are all empty and sums that are all zero are
// not in a part, and come back so; what tells of the window and of the origin always is.
func TestPartsLeaveOutWhatIsNothing(t *testing.T) {
	rows := make([]fact.Row, 200)
	rows[150].Team = "late"
	rows[170].Sums[fact.Energy] = -1
	rows[3].Sums[fact.Requests] = 1
	b := fact.NewBuilder()
	b.Append(rows[:1]) // zeros of earlier tiles, too
	b.Append(rows[1:160])
	b.Append(rows[160:])
	stream, _, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var names []string
	for _, f := range r.Schema().Fields() {
		names = append(names, f.Name)
	}
	want := []string{"window_start", "window_seconds", "team", "energy_j", "requests", "recorded_at", "task", "epoch", "step"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	got, err := fact.Decode(stream, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestDecodeRefusesOtherSchemas: what is left out must be what may be, and what is there
// must be facts', each once and in its place.
func TestDecodeRefusesOtherSchemas(t *testing.T) {
	all := fact.Schema().Fields()
	drop := func(at int) []arrow.Field { return slices.Delete(slices.Clone(all), at, at+1) }
	swapped := slices.Clone(all)
	swapped[3], swapped[4] = swapped[4], swapped[3]
	for name, fields := range map[string][]arrow.Field{
		"no column":          nil,
		"no window_start":    drop(0),
		"no window_seconds":  drop(1),
		"no recorded_at":     drop(len(all) - 4),
		"no epoch":           drop(len(all) - 2),
		"no step":            drop(len(all) - 1),
		"columns swapped":    swapped,
		"a column twice":     slices.Insert(slices.Clone(all), 3, all[3]),
		"a column more":      append(slices.Clone(all), arrow.Field{Name: "more", Type: arrow.PrimitiveTypes.Int64}),
		"a column of floats": slices.Replace(slices.Clone(all), 22, 23, arrow.Field{Name: all[22].Name, Type: arrow.PrimitiveTypes.Float64}),
	} {
		var buf bytes.Buffer
		w := ipc.NewWriter(&buf, ipc.WithSchema(arrow.NewSchema(fields, nil)))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := fact.Decode(buf.Bytes(), memory.DefaultAllocator)
		if !errors.Is(err, fact.ErrMalformed) || errors.Is(err, fact.ErrUnknownColumn) != (name == "a column more") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	b := fact.NewBuilder()
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
		b := fact.NewBuilder()
		again, _, err := b.Encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := fact.Decode(again, memory.NewGoAllocator())
		if err != nil || !cmp.Equal(rows, twice) {
			t.Fatalf("encode(decode(b)) is not a fixed point: %v\n%s", err, cmp.Diff(rows, twice))
		}
	})
}
