package chserver

import "strings"

// statement is the one statement of a request, as far as its text tells.
type statement struct {
	// sql is the text to run. Of an INSERT with data it is the head: without FORMAT and data.
	sql string
	// insert says that data follows, in the given format, from byte dataAt of the text.
	insert bool
	dataAt int
	// format is the statement's own FORMAT, of the data or of the result; empty if it names none.
	format string
	// selects says that the text begins like a query whose result the engine can stream.
	selects bool
}

// parseStatement finds out whether a text begins an INSERT with data, and which FORMAT it names.
// It does not judge the text; that is for the engine.
func parseStatement(text string) statement {
	s := &scanner{text: text}
	first, ok := s.next()
	if !ok || !first.is("INSERT") {
		selects := first.is("SELECT") || first.is("WITH") || first.is("FROM") || first.text == "("
		return statement{sql: text, format: trailingFormat(text), selects: selects}
	}
	depth := 0
	previous := first
	for {
		t, ok := s.next()
		if !ok {
			return statement{sql: text}
		}
		switch {
		case t.text == "(" || t.text == "[" || t.text == "{":
			depth++
		case t.text == ")" || t.text == "]" || t.text == "}":
			depth--
		case depth > 0 || previous.is("INTO") || previous.is("TABLE") || previous.is("FUNCTION") || previous.text == ".":
			// A name, not a keyword.
		case t.is("VALUES"):
			return statement{sql: text[:t.start], insert: true, dataAt: t.end, format: "Values"}
		case t.is("SELECT") || t.is("WITH") || t.is("INFILE") || t.is("WATCH"):
			return statement{sql: text, format: trailingFormat(text)}
		case t.is("FORMAT"):
			f, ok := s.next()
			if !ok {
				return statement{sql: text}
			}
			return statement{sql: text[:t.start], insert: true, dataAt: skipToData(text, f.end), format: f.text}
		}
		previous = t
	}
}

// skipToData passes the blanks after a format's name and one line break, as ClickHouse does: what
// follows is data, whatever it looks like.
func skipToData(text string, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\f' || text[at] == '\r') {
		at++
	}
	if at < len(text) && text[at] == '\n' {
		at++
	}
	return at
}

// trailingFormat returns the name in a FORMAT clause at the end of a text, or nothing. Only
// SETTINGS, a semicolon and the end may follow the clause.
func trailingFormat(text string) string {
	s := &scanner{text: text}
	var format string
	var previous token
	for {
		t, ok := s.next()
		switch {
		case !ok:
			return format
		case previous.is("FORMAT") && isWord(t.text):
			format = t.text
		case format != "" && (t.is("SETTINGS") || t.text == ";"):
			return format
		default:
			format = ""
		}
		previous = t
	}
}

func isWord(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if !wordByte(s[i]) {
			return false
		}
	}
	return true
}

// token is a piece of SQL: a word, a number, a quoted thing, or one other byte.
type token struct {
	text       string
	start, end int
}

func (t token) is(keyword string) bool { return strings.EqualFold(t.text, keyword) }

// scanner cuts SQL into tokens and drops white space and comments.
type scanner struct {
	text string
	at   int
}

func (s *scanner) next() (token, bool) {
	s.skipBlank()
	if s.at >= len(s.text) {
		return token{}, false
	}
	start := s.at
	switch c := s.text[start]; {
	case c == '\'' || c == '"' || c == '`':
		s.skipQuoted(c)
	case c == '$':
		s.skipHeredoc()
	case wordByte(c):
		for s.at < len(s.text) && wordByte(s.text[s.at]) {
			s.at++
		}
	default:
		s.at++
	}
	return token{text: s.text[start:s.at], start: start, end: s.at}, true
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (s *scanner) skipBlank() {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case rest[0] == ' ' || rest[0] >= '\t' && rest[0] <= '\r' || rest[0] == 0:
			s.at++
		case strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "#!") || strings.HasPrefix(rest, "# "):
			s.skipPast("\n", 1)
		case strings.HasPrefix(rest, "/*"):
			s.skipPast("*/", 2)
		default:
			return
		}
	}
}

// skipPast moves behind the next end, looked for from offset bytes on, or to the end of the text.
func (s *scanner) skipPast(end string, offset int) {
	i := strings.Index(s.text[s.at+offset:], end)
	if i < 0 {
		s.at = len(s.text)
		return
	}
	s.at += offset + i + len(end)
}

func (s *scanner) skipQuoted(quote byte) {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case quote:
			s.at++
			if s.at >= len(s.text) || s.text[s.at] != quote {
				return
			}
		}
	}
	s.at = min(s.at, len(s.text))
}

// skipHeredoc passes $tag$ ... $tag$, or the dollar alone if it begins none.
func (s *scanner) skipHeredoc() {
	end := s.at + 1
	for end < len(s.text) && wordByte(s.text[end]) {
		end++
	}
	if end >= len(s.text) || s.text[end] != '$' {
		s.at++
		return
	}
	tag := s.text[s.at : end+1]
	s.skipPast(tag, len(tag))
}
