package chserver

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func TestSpliceHeads(t *testing.T) {
	for _, tt := range []struct {
		format string
		pieces []string
		want   string // "" when the format cannot be spliced
	}{
		{"CSV", []string{"1\n", "2\n"}, "1\n2\n"},
		{"CSVWithNames", []string{"\"a\n\"\"b\"\n1\n", "\"a\n\"\"b\"\n2\n"}, "\"a\n\"\"b\"\n1\n2\n"},
		{"TSVWithNamesAndTypes", []string{"a\nInt8\n1\n", "a\nInt8\n2\n"}, "a\nInt8\n1\n2\n"},
		{"JSONCompactEachRowWithNames", []string{"[\"a\"]\n[1]\n", "[\"a\"]\n[2]\n"}, "[\"a\"]\n[1]\n[2]\n"},
		{"RowBinaryWithNamesAndTypes", []string{"\x01\x01a\x04Int8\x07", "\x01\x01a\x04Int8\x08"}, "\x01\x01a\x04Int8\x07\x08"},
		{"JSON", nil, ""},
		{"Parquet", nil, ""},
		{"PrettyCompact", nil, ""},
		{"Vertical", nil, ""},
		{"Values", nil, ""},
		{"NativeWithNames", nil, ""},
	} {
		s := splicerOf(tt.format)
		if s == nil {
			if tt.want != "" {
				t.Errorf("%s: not spliced", tt.format)
			}
			continue
		}
		var got []byte
		for _, p := range tt.pieces {
			b, err := s.add([]byte(p))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b...)
		}
		if got = append(got, s.end()...); string(got) != tt.want {
			t.Errorf("%s: got %q, want %q", tt.format, got, tt.want)
		}
	}
}

func arrowStream(t testing.TB, values ...string) []byte {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}}}, nil)
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	for _, v := range values {
		if err := b.Field(0).(*array.BinaryDictionaryBuilder).AppendString(v); err != nil {
			t.Fatal(err)
		}
	}
	r := b.NewRecord()
	defer r.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema), ipc.WithAllocator(mem))
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSpliceArrow(t *testing.T) {
	var s arrowSplicer
	var all []byte
	for _, piece := range [][]byte{arrowStream(t, "a", "b"), arrowStream(t, "c"), arrowStream(t, "b", "d", "d")} {
		b, err := s.add(piece)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	in := bytes.NewReader(append(all, s.end()...))
	r, err := ipc.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var got string
	for r.Next() {
		column := r.Record().Column(0).(*array.Dictionary)
		for i := range column.Len() {
			got += column.Dictionary().(*array.String).Value(column.GetValueIndex(i))
		}
	}
	if r.Err() != nil || got != "abcbdd" || in.Len() != 0 {
		t.Errorf("got %q, %v, %d bytes left; want abcbdd", got, r.Err(), in.Len())
	}
}

func FuzzArrowMessage(f *testing.F) {
	f.Add(arrowStream(f, "a"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		if _, n, err := arrowMessage(p); err == nil && (n <= 0 || n > len(p)) {
			t.Errorf("got length %d of %d bytes", n, len(p))
		}
	})
}

func FuzzBinaryHead(f *testing.F) {
	f.Add([]byte("\x01\x01a\x04Int8\x07"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if n := binaryHead(p, 2); n < 0 || n > len(p) {
			t.Errorf("got %d of %d bytes", n, len(p))
		}
	})
}
