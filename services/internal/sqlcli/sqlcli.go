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
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
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

// Run asks and copies the answer to w. What has been copied before a failure is
// incomplete: the error says so by being there.
func Run(ctx context.Context, store Store, query, format string, w io.Writer) (err error) {
	query = strings.TrimRight(query, " \t\r\n;")
	if query == "" {
		return errors.New("empty query")
	}
	answer, err := store.QueryFormat(ctx, format, query)
	if err != nil {
		return explain(err)
	}
	defer func() {
		if closing := answer.Close(); closing != nil && err == nil {
			err = fmt.Errorf("end query: %w", closing)
		}
	}()
	if _, err := io.Copy(w, answer); err != nil {
		return explain(err)
	}
	return nil
}

// explain shows the store's own code, by which its documentation names errors.
func explain(err error) error {
	if code := clickhouse.CodeOf(err); code != 0 {
		return fmt.Errorf("the store refused with code %d: %w", code, err)
	}
	return fmt.Errorf("ask store: %w", err)
}
