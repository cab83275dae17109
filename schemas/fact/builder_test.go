package fact_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/fact"
)

// roundTrip encodes rows, and compares what is decoded with them.
func roundTrip(t *testing.T, name string, rows []fact.Row) (stream []byte) {
	t.Helper()
	stream, _, err := fact.NewBuilder().Encode(rows)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := fact.Check(stream); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	got, err := fact.Decode(stream, memory.DefaultAllocator)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("%s: rows changed (-want +got):\n%s", name, diff)
	}
	return stream
}

// rowsOf makes n rows with a function of their number.
func rowsOf(n int, set func(r *fact.Row, i int)) []fact.Row {
	rows := make([]fact.Row, n)
	for i := range rows {
		set(&rows[i], i)
	}
	return rows
}

// TestNumbersOfColumns holds what decides whether a column is there, and how its numbers
// are kept.
func TestNumbersOfColumns(t *testing.T) {
	for name, set := range map[string]func(r *fact.Row, i int){
		"sums that cancel out": func(r *fact.Row, i int) { r.Sums[fact.Energy] = int64(1 - 2*(i%2)) },
		"the last of a tile is zero": func(r *fact.Row, i int) {
			r.Epoch, r.Step, r.Sums[fact.Requests] = uint64(1-i%2), uint64(1-i%2), int64(1-i%2)
		},
		"windows at the epoch": func(r *fact.Row, i int) { r.WindowStart = int64(i%2) * 60e9 },
		"ends of 64 bits": func(r *fact.Row, i int) {
			r.Sums[fact.Energy], r.Sums[fact.Requests] = math.MaxInt64-int64(i), math.MinInt64+int64(i)
			r.Epoch = math.MaxUint64 - uint64(i)
		},
		"ends of 32 bits": func(r *fact.Row, i int) { r.WindowLength, r.Task = 86_400e9, math.MinInt32+int32(i) },
		"strings in one slot, again and again": func(r *fact.Row, i int) {
			r.Placement = fmt.Sprintf("job-%d1", i%90+10)
		},
	} {
		roundTrip(t, name, rowsOf(200, set))
	}
}

// TestFullParts: a part may have another string in each of its rows, each of them once.
func TestFullParts(t *testing.T) {
	const length = len("GPU-00000000-0000")
	rows := rowsOf(fact.MaxRows, func(r *fact.Row, i int) { r.Device = fmt.Sprintf("GPU-%08d-%04d", i, i%7) })
	if stream := roundTrip(t, "distinct", rows); len(stream) > fact.MaxBytes || cap(stream) > len(stream)+10<<10 {
		t.Errorf("%d bytes of %d", len(stream), cap(stream))
	}
	again := roundTrip(t, "few", rowsOf(fact.MaxRows, func(r *fact.Row, i int) { r.Device = rows[i*7%90].Device }))
	if most := 8<<10 + fact.MaxRows*(8+4+2+8+4+8+8) + 90*(length+4); len(again) > most {
		t.Errorf("90 strings in %d bytes, at most %d", len(again), most)
	}
	b := fact.NewBuilder()
	b.Append(rows)
	b.Append(rows[:1])
	if _, _, err := b.Finish(); err == nil {
		t.Error("a part of too many rows was made")
	}
	if b.Rows() != 0 {
		t.Error("the builder still has them")
	}
}

// TestFitsIsCertain: what fits makes no part that is too large, whatever it turns out to be
// and however little is left.
func TestFitsIsCertain(t *testing.T) {
	for length := 250; length < 350; length += 5 {
		b := fact.NewBuilder()
		next := func() []fact.Row {
			return rowsOf(64, func(r *fact.Row, i int) { *r = fullRow(b.Rows()+i, length) })
		}
		b.Append(rowsOf(700, func(r *fact.Row, _ int) { r.WindowLength = 60e9 })) // columns that come later
		for rows := next(); b.Fits(rows); rows = next() {
			b.Append(rows)
		}
		rows, most := b.Rows(), b.Bytes()
		stream, _, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if most > fact.MaxBytes || len(stream) > most || len(stream) < most-16<<10 || len(stream) < fact.MaxBytes/2 {
			t.Errorf("names of %d: %d rows in %d bytes, at most %d", length, rows, len(stream), most)
		}
	}
}

// fullRow is a row that has something in all of its columns.
func fullRow(i, length int) fact.Row {
	var r fact.Row
	name := func(column string) string { return fmt.Sprintf("%s-%0*d", column, length, i) }
	r.WindowStart, r.WindowLength = int64(i)*60e9, 60e9
	r.Node, r.Device, r.Placement, r.State = name("n"), name("d"), name("p"), name("s")
	r.Dimensions = fact.Dimensions{
		Provider: name("a"), Region: name("b"), Zone: name("c"), InstanceType: name("e"), Cluster: name("f"), DeviceKind: name("g"), DeviceModel: name("h"),
		Manager: name("i"), Workload: name("j"), WorkloadKind: name("k"), Tenant: name("l"), Team: name("m"), Currency: name("o"),
	}
	r.Origin = fact.Origin{RecordedAt: 1e18, Reason: name("q"), Task: 1, Epoch: 2, Step: 3}
	for c := range r.Sums {
		r.Sums[c] = int64(i + 1)
	}
	return r
}

func TestDay(t *testing.T) {
	const day = 24 * 3600e9
	for at, want := range map[int64]int64{0: 0, day - 1: 0, day: 1, -1: -1, -day: -1, -day - 1: -2} {
		if got := (&fact.Row{Key: fact.Key{WindowStart: at}}).Day(); got != want {
			t.Errorf("%d is of day %d, want %d", at, got, want)
		}
	}
}
