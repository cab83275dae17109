package fact_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/ntegral/ntegral/schemas/fact"
)

// foreign is a stream of facts that somebody else wrote: of batches of rows with a team and
// an energy each.
type foreign struct {
	t    *testing.T
	buf  bytes.Buffer
	w    *ipc.Writer
	data *array.RecordBuilder
}

func newForeign(t *testing.T) *foreign {
	var fields []arrow.Field
	for _, f := range fact.Schema().Fields() {
		switch f.Name {
		case "window_start", "window_seconds", "team", "energy_j", "recorded_at", "task", "epoch", "step":
			fields = append(fields, f)
		}
	}
	schema := arrow.NewSchema(fields, nil)
	f := &foreign{t: t, data: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
	f.w = ipc.NewWriter(&f.buf, ipc.WithSchema(schema))
	return f
}

func (f *foreign) row(team string, energy decimal128.Num) {
	f.t.Helper()
	f.data.Field(0).(*array.TimestampBuilder).Append(60_000)
	f.data.Field(1).(*array.Uint32Builder).Append(60)
	if err := f.data.Field(2).(*array.BinaryDictionaryBuilder).AppendString(team); err != nil {
		f.t.Fatal(err)
	}
	f.data.Field(3).(*array.Decimal128Builder).Append(energy)
	f.data.Field(4).(*array.TimestampBuilder).Append(1)
	f.data.Field(5).(*array.Int32Builder).Append(1)
	f.data.Field(6).(*array.Uint64Builder).Append(1)
	f.data.Field(7).(*array.Uint64Builder).Append(1)
}

// batch ends a batch; the next has a dictionary of its own.
func (f *foreign) batch() {
	f.t.Helper()
	r := f.data.NewRecord()
	defer r.Release()
	if err := f.w.Write(r); err != nil {
		f.t.Fatal(err)
	}
	f.data.Field(2).(*array.BinaryDictionaryBuilder).ResetFull()
}

func (f *foreign) decode() ([]fact.Row, error) {
	f.t.Helper()
	if err := f.w.Close(); err != nil {
		f.t.Fatal(err)
	}
	return fact.Decode(f.buf.Bytes(), memory.DefaultAllocator)
}

// TestStreamsOfSeveralBatches: ours have one, others may have more.
func TestStreamsOfSeveralBatches(t *testing.T) {
	f := newForeign(t)
	for k := range 3 {
		for i := range 5 {
			f.row(fmt.Sprintf("team-%d-%d", k, i), decimal128.FromI64(int64(10*k+i)))
		}
		f.batch()
	}
	rows, err := f.decode()
	if err != nil || len(rows) != 15 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for n := range rows {
		k, i := n/5, n%5
		if r := &rows[n]; r.Team != fmt.Sprintf("team-%d-%d", k, i) || r.Sums[fact.Energy] != int64(10*k+i) || r.WindowLength != 60e9 {
			t.Errorf("row %d: %+v", n, r)
		}
	}
}

// TestWhatNoPartHolds: too many rows, nulls and numbers that do not fit are refused.
func TestWhatNoPartHolds(t *testing.T) {
	many := newForeign(t)
	for range 2 {
		for range fact.MaxRows/2 + 1 {
			many.row("a", decimal128.FromI64(1))
		}
		many.batch()
	}
	large := newForeign(t)
	large.row("a", decimal128.New(1, 0))
	large.batch()
	null := newForeign(t)
	null.row("a", decimal128.FromI64(1))
	null.row("a", decimal128.FromI64(1))
	for i := range 8 {
		null.data.Field(i).AppendNull()
	}
	null.batch()
	for name, f := range map[string]*foreign{"too many rows": many, "an energy of 65 bits": large, "nulls": null} {
		if _, err := f.decode(); !errors.Is(err, fact.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
