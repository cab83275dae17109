package replay

import (
	"errors"
	"io"
)

// quotedRow is a row with quotes while it is split: at is the next byte of it
// in the buffer, which may move while more is read.
type quotedRow struct {
	*rows
	at    int
	lines int
	text  []byte // of all cells so far
	ends  []int  // of each of them in text
}

// quoted splits a row that has quotes. firstLine is the size of its first line:
// all that is given up where the quoting is broken.
func (r *rows) quoted(firstLine int) error {
	r.cells, r.starts = r.cells[:0], r.starts[:0]
	q := quotedRow{rows: r, lines: 1, text: r.text[:0], ends: make([]int, 0, 16)}
	for last := false; !last; {
		r.starts = append(r.starts, q.at+1)
		ok := q.more() && q.byte() == '"'
		if ok {
			ok = q.inside()
		} else {
			ok = q.outside()
		}
		q.ends = append(q.ends, len(q.text))
		if ok {
			last, ok = q.separator()
		}
		if !ok {
			r.consume(firstLine, 1)
			return errQuote
		}
	}
	if r.err != nil && !errors.Is(r.err, io.EOF) && q.at >= r.end-r.start && r.buf[r.start+q.at-1] != '\n' {
		r.consume(q.at, 0) // cut off by a read error
		return errQuote
	}
	q.cut()
	r.consume(q.at, q.lines)
	return nil
}

func (q *quotedRow) more() bool { return q.at < q.end-q.start || q.at <= MaxLine && q.fill() }

func (q *quotedRow) byte() byte { return q.buf[q.start+q.at] }

// inside takes a cell in quotes.
func (q *quotedRow) inside() bool {
	for q.at++; q.at <= MaxLine && q.more(); q.at++ {
		c := q.byte()
		if c == '"' {
			q.at++
			if !q.more() || q.byte() != '"' {
				return true
			}
		}
		if c == '\n' {
			q.lines++
		}
		q.text = append(q.text, c)
	}
	return false
}

// outside takes a cell without quotes.
func (q *quotedRow) outside() bool {
	for ; q.more() && q.byte() != ',' && q.byte() != '\n'; q.at++ {
		if q.byte() == '"' || q.at > MaxLine {
			return false
		}
		q.text = append(q.text, q.byte())
	}
	return true
}

// separator takes what ends a cell, and reports whether it ends the row.
func (q *quotedRow) separator() (last, ok bool) {
	if !q.more() {
		return true, true
	}
	c := q.byte()
	q.at++
	if c == '\r' {
		if !q.more() {
			return true, true
		}
		c = q.byte()
		q.at++
		return true, c == '\n'
	}
	return c == '\n', c == '\n' || c == ','
}

// cut makes the cells of a quoted row. An unquoted last cell may carry the
// carriage return of its line's end.
func (q *quotedRow) cut() {
	q.rows.text = q.text
	from := 0
	for _, to := range q.ends {
		q.cells = append(q.cells, q.text[from:to:to])
		from = to
	}
	last := len(q.cells) - 1
	q.cells[last] = trimCR(q.cells[last])
}
