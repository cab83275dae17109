// Package sqlcli asks the store a question in SQL and shows the answer as it
// comes.
//
// The answer is streamed in one of ClickHouse's formats; for a person at a
// terminal that is a table, for a program tab-separated text with names. The
// store itself enforces what the user may do: this package neither reads nor
// changes the statement, but for a semicolon at its end.
//
// It keeps no state.
package sqlcli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Formats that are chosen where none is given.
const (
	TerminalFormat = "PrettyCompactMonoBlock"
	ProgramFormat  = "TabSeparatedWithNames"
)

// Store answers in a format.
type Store interface {
	QueryFormat(ctx context.Context, format, query string, args ...any) (io.ReadCloser, error)
}

// ErrEmpty says that there is nothing to ask.
var ErrEmpty = errors.New("empty query")

// trailingFormat is ClickHouse's own way to choose a format.
var trailingFormat = regexp.MustCompile(`(?is)^(.*\S)\s+FORMAT\s+([A-Za-z]\w*)$`)

// Run asks and copies the answer to w, in format, or, where that is empty, in
// the one that the query ends with, or in fallback. What has been copied before
// a failure is incomplete: the error says so.
func Run(ctx context.Context, store Store, query, format, fallback string, w io.Writer) (err error) {
	query = strings.TrimRight(query, " \t\r\n;")
	if strings.TrimSpace(query) == "" {
		return ErrEmpty
	}
	if m := trailingFormat.FindStringSubmatch(query); m != nil {
		query, fallback = m[1], m[2]
	}
	answer, err := store.QueryFormat(ctx, cmp.Or(format, fallback), query)
	if err != nil {
		return explain(err, 0)
	}
	defer func() {
		if closing := answer.Close(); closing != nil && err == nil {
			err = fmt.Errorf("end query: %w", closing)
		}
	}()
	if n, err := io.Copy(w, answer); err != nil {
		return explain(err, n)
	}
	return nil
}
