package chdb

import (
	"regexp"
	"strconv"
	"strings"
)

// Error is a failure reported by the engine, in ClickHouse's own words.
type Error struct {
	// Code is ClickHouse's error code, or 0 when the engine gave none.
	Code int
	// Name is the code's name, such as UNKNOWN_TABLE, or empty.
	Name string
	// Message is the whole text, beginning with "Code: N. DB::Exception:" where there is a code.
	Message string
}

func (e *Error) Error() string { return e.Message }

var (
	codePattern = regexp.MustCompile(`Code: (\d+)\. `)
	namePattern = regexp.MustCompile(`\(([A-Z][A-Z0-9_]{2,})\)\s*$`)
)

// parseError reads code and name out of the engine's text, which is all that its interface has.
// ClickHouse's own HTTP clients read them the same way; error_test.go holds the forms.
func parseError(text string) *Error {
	text = strings.TrimSpace(text)
	for _, prefix := range []string{"Error: ", "Error fetching streaming results: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	e := &Error{Message: text}
	if m := codePattern.FindStringSubmatchIndex(text); m != nil {
		e.Code, _ = strconv.Atoi(text[m[2]:m[3]])
		e.Message = text[m[0]:]
	}
	if m := namePattern.FindStringSubmatch(e.Message); m != nil {
		e.Name = m[1]
	}
	return e
}
