package textrow_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/services/internal/textrow"
)

// answer is a store that gives one answer to everything.
type answer struct {
	text string
	then error // after the text
}

func (a answer) QueryFormat(context.Context, string, string, ...any) (io.ReadCloser, error) {
	rest := io.Reader(strings.NewReader(""))
	if a.then != nil {
		rest = broken{a.then}
	}
	return io.NopCloser(io.MultiReader(strings.NewReader(a.text), rest)), nil
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestEach(t *testing.T) {
	stop := errors.New("server gone")
	for _, tt := range []struct {
		name string
		in   answer
		want [][]string
		err  error
	}{
		{name: "empty"},
		{name: "cells", in: answer{text: "a\t\tb\n\t\t\n"}, want: [][]string{{"a", "", "b"}, {"", "", ""}}},
		{name: "escapes", in: answer{text: `a\tb\nc\\n\'` + "\t\\N\t\\\\N\n"}, want: [][]string{{"a\tb\nc\\n'", textrow.Null, `\N`}}},
		{name: "fails late", in: answer{text: "a\nb\n", then: stop}, want: [][]string{{"a"}, {"b"}}, err: stop},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got [][]string
			err := textrow.Each(t.Context(), tt.in, "", nil, func(row []string) error {
				got = append(got, append([]string(nil), row...))
				return nil
			})
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecimalRoundTrips(t *testing.T) {
	for _, tt := range []struct {
		in    string
		scale int
		want  string
	}{
		{"0", 6, "0.000000"},
		{"-0.5", 6, "-0.500000"},
		{"12.000001", 6, "12.000001"},
		{"7", 0, "7"},
		{"-1", 9, "-1.000000000"},
		{"99999999999999999999999999999.123456789", 9, "99999999999999999999999999999.123456789"},
	} {
		v, err := textrow.Decimal(tt.in, tt.scale)
		if err != nil {
			t.Fatal(err)
		}
		if got := textrow.Format(v, tt.scale); got != tt.want {
			t.Errorf("%s at scale %d: got %s, want %s", tt.in, tt.scale, got, tt.want)
		}
	}
	for _, in := range []string{"", "x", "1.1234567", "1.2.3", textrow.Null} {
		if v, err := textrow.Decimal(in, 6); err == nil {
			t.Errorf("%q read as %v, want an error", in, v)
		}
	}
}
