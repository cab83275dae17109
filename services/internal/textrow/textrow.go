// Package textrow reads the rows of a query as text.
//
// The figures of the store are decimals of up to 38 digits. As text they come
// across exactly, need no Go type of their own, and compare and add up without
// a float in between; what a caller wants as a number it parses itself, with
// [Decimal] for scaled integers.
//
// A row is a slice of strings, one for each column of the query, unescaped
// (the wire form is TabSeparated). NULL comes as [Null]. The slice is reused
// for the next row, its strings stay valid. A failure after the first rows
// ends in an error like any other: whoever uses the rows must not act on them
// before Each has returned nil.
package textrow

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// Null is how NULL comes in a row.
const Null = `\N`

// maxRow bounds a row: no query of ours has a longer one.
const maxRow = 16 << 20

// Store asks the store, and streams the answer in a format.
type Store interface {
	QueryFormat(ctx context.Context, format, query string, args ...any) (io.ReadCloser, error)
}

// Each calls fn for each row of the query's result. Args are bound as
// parameters. The first error of fn ends it.
func Each(ctx context.Context, s Store, query string, args []any, fn func(row []string) error) (err error) {
	stream, err := s.QueryFormat(ctx, "TabSeparated", query, args...)
	if err != nil {
		return fmt.Errorf("query store: %w", err)
	}
	defer func() {
		if closing := stream.Close(); closing != nil && err == nil {
			err = fmt.Errorf("end query: %w", closing)
		}
	}()
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 64<<10), maxRow)
	var row []string
	for lines.Scan() {
		row = row[:0]
		for cell := range bytes.SplitSeq(lines.Bytes(), []byte{'\t'}) {
			row = append(row, unescape(cell))
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read query result: %w", err)
	}
	return nil
}

// One returns the only row of a query that always has one, such as an
// aggregate without groups.
func One(ctx context.Context, s Store, query string, args ...any) ([]string, error) {
	var only []string
	err := Each(ctx, s, query, args, func(row []string) error {
		if only != nil {
			return errors.New("more than one row")
		}
		only = append(only, row...)
		return nil
	})
	if err == nil && only == nil {
		err = errors.New("no row")
	}
	return only, err
}

var escapes = map[byte]byte{'t': '\t', 'n': '\n', 'r': '\r', 'b': '\b', 'f': '\f', '0': 0, 'a': '\a', 'v': '\v', 'e': 0x1b}

// unescape undoes TabSeparated's escapes, but for the whole cell that is NULL.
func unescape(cell []byte) string {
	if string(cell) == Null || bytes.IndexByte(cell, '\\') < 0 {
		return string(cell)
	}
	var out strings.Builder
	for i := 0; i < len(cell); i++ {
		if cell[i] != '\\' || i+1 == len(cell) {
			out.WriteByte(cell[i])
			continue
		}
		i++
		if to, ok := escapes[cell[i]]; ok {
			out.WriteByte(to)
			continue
		}
		out.WriteByte(cell[i])
	}
	return out.String()
}

// Decimal reads a decimal, as the store writes it, as an integer of 10⁻ˢᶜᵃˡᵉ.
func Decimal(text string, scale int) (*big.Int, error) {
	whole, frac, _ := strings.Cut(text, ".")
	if len(frac) > scale {
		return nil, fmt.Errorf("parse decimal %q: more than %d decimals", text, scale)
	}
	v, ok := new(big.Int).SetString(whole+frac+strings.Repeat("0", scale-len(frac)), 10)
	if !ok || whole == "" {
		return nil, fmt.Errorf("parse decimal %q: not a number", text)
	}
	return v, nil
}

// Format writes v·10⁻ˢᶜᵃˡᵉ with exactly scale decimals.
func Format(v *big.Int, scale int) string {
	digits := new(big.Int).Abs(v).String()
	if scale > 0 {
		if short := scale + 1 - len(digits); short > 0 {
			digits = strings.Repeat("0", short) + digits
		}
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if v.Sign() < 0 {
		return "-" + digits
	}
	return digits
}
