package sqlcli

import (
	"errors"
	"fmt"
	"regexp"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// advice is what a person can do, by ClickHouse's code.
var advice = map[int32]string{
	62:  "see the syntax of ClickHouse's SQL",
	159: "ask for less at a time, or raise NTEGRAL_CHDB_READER_SECONDS",
	164: "sql may only read, and takes no SETTINGS",
	202: "other questions are being answered: try again",
	241: "ask for less at a time, or raise NTEGRAL_CHDB_READER_MEMORY_BYTES",
	396: "aggregate, add a LIMIT, or raise NTEGRAL_CHDB_READER_RESULT_ROWS and _BYTES",
	497: "sql may only read the product's tables and views",
	516: "NTEGRAL_CLICKHOUSE_READ_USER and _READ_PASSWORD are not those of the store",
}

// refusal is an answer of the store that says no.
type refusal struct {
	text string
	err  error
}

func (r refusal) Error() string { return r.text }
func (r refusal) Unwrap() error { return r.err }

// ending is what ClickHouse puts behind each message.
var ending = regexp.MustCompile(`\.?( \([A-Z_0-9]+\))?( \(version [^()]*(\([^()]*\))?\))?\s*$`)

// explain shows the store's own code, by which its documentation names errors,
// and how much of the answer had been printed by then.
func explain(err error, printed int64) error {
	partial := ""
	if printed > 0 {
		partial = "; the answer above is incomplete"
	}
	e, ok := errors.AsType[*driver.Exception](err)
	if !ok {
		return fmt.Errorf("ask store: %w%s", err, partial)
	}
	name := ""
	if e.CodeName != "" {
		name = " (" + e.CodeName + ")"
	}
	hint := ""
	if text := advice[e.Code]; text != "" {
		hint = ": " + text
	}
	return refusal{fmt.Sprintf("the store refused with code %d%s: %s%s%s", e.Code, name, ending.ReplaceAllString(e.Message, ""), hint, partial), err}
}
