package replay

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// table reads one file row by row and says what is wrong with it.
type table struct {
	src     Source
	rows    *rows
	columns []string // wanted
	index   []int    // of each wanted column in the file
	names   []string // as the file's header has them
	plain   bool     // the file's columns are the wanted ones, in their order
}

// openTable reads the header. It returns nil, having reported why, where the
// rows cannot be understood. A column that is not known costs only itself.
func openTable(src Source, columns []string, known func(string) bool) *table {
	t := &table{src: src, rows: newRows(src.Reader), columns: columns}
	ok, err := t.rows.next()
	if !ok {
		if !t.torn() {
			t.fileFault(telemetry.Unparsable, "the file is empty: want a header, "+strings.Join(columns, ","))
		}
		return nil
	}
	if err != nil {
		t.lineFault(err)
		return nil
	}
	for _, c := range t.rows.cells {
		t.names = append(t.names, strings.TrimSpace(string(c)))
	}
	return t.header(known)
}

// openOptional is openTable with columns that a file need not have. They follow
// the others; their cells are empty where they are missing.
func openOptional(src Source, columns, optional []string) *table {
	t := openTable(src, columns, func(name string) bool { return slices.Contains(optional, name) })
	if t == nil {
		return nil
	}
	t.columns = slices.Concat(columns, optional)
	for _, name := range optional {
		t.index = append(t.index, slices.Index(t.names, name))
	}
	return t
}

func (t *table) header(known func(string) bool) *table {
	var missing []string
	for _, want := range t.columns {
		i := slices.Index(t.names, want)
		t.index = append(t.index, i)
		if i < 0 {
			missing = append(missing, want)
		}
	}
	for i, n := range t.names {
		f := Fault{Line: t.rows.line, Column: t.rows.starts[i], Field: n, Reason: telemetry.Unparsable}
		switch {
		case slices.Index(t.names, n) < i:
			f.Message = fmt.Sprintf("column %s is there twice: the first one counts", quoteCell(n))
		case !slices.Contains(t.columns, n) && (known == nil || !known(n)):
			f.Message = fmt.Sprintf("unknown column %s: want %s; its cells are not used", quoteCell(n), strings.Join(t.columns, ","))
		default:
			continue
		}
		t.report(f)
	}
	if len(missing) > 0 {
		t.report(Fault{
			Line: t.rows.line, Reason: telemetry.Unparsable,
			Message: fmt.Sprintf("no column %s: want %s; the file is not used", strings.Join(missing, ", "), strings.Join(t.columns, ",")),
		})
		return nil
	}
	t.plain = slices.Equal(t.names, t.columns)
	return t
}

// next moves to the next row that has as many cells as the header.
func (t *table) next() bool {
	for {
		ok, err := t.rows.next()
		switch {
		case !ok:
			t.torn()
			return false
		case err != nil:
			t.lineFault(err)
		case len(t.rows.cells) != len(t.names):
			t.rowFault(telemetry.Unparsable, t.wrongCount())
		default:
			return true
		}
	}
}

func (t *table) wrongCount() string {
	return fmt.Sprintf("%d cells: want %d, as the header has", len(t.rows.cells), len(t.names))
}

// torn reports the read error that ended the file, if one did.
func (t *table) torn() bool {
	if t.rows.err == nil || errors.Is(t.rows.err, io.EOF) {
		return false
	}
	t.report(Fault{
		Line: t.rows.ahead + 1, Reason: telemetry.Unparsable,
		Message: fmt.Sprintf("the file cannot be read further (%v): what stands before counts; want a whole file", t.rows.err),
	})
	return true
}

func (t *table) lineFault(err error) {
	if errors.Is(err, errLineTooLong) {
		t.rowFault(telemetry.TooLarge, fmt.Sprintf("the line is longer than %d bytes: want one row a line", MaxLine))
		return
	}
	t.rowFault(telemetry.Unparsable, err.Error()+`: want "..." around the whole cell and "" for a quote in it`)
}

func (t *table) report(f Fault) {
	f.File = t.src.File
	if t.src.Report != nil {
		t.src.Report(f)
	}
}

func (t *table) fileFault(reason telemetry.Reason, message string) {
	t.report(Fault{Reason: reason, Message: message})
}

func (t *table) rowFault(reason telemetry.Reason, message string) {
	t.report(Fault{Line: t.rows.line, Reason: reason, Message: message})
}

// cell returns the text of a wanted column.
func (t *table) cell(column int) []byte {
	if t.index[column] < 0 {
		return nil
	}
	return t.rows.cells[t.index[column]]
}

// text returns a copy of the cell, and "" with false, having reported why,
// where no name can look like this.
func (t *table) text(column, most int) (string, bool) {
	c := t.cell(column)
	if reason, message := checkText(c, most); reason != telemetry.Accepted {
		t.cellFault(column, reason, message)
		return "", false
	}
	return string(c), true
}

func checkText(c []byte, most int) (telemetry.Reason, string) {
	if len(c) > most {
		return telemetry.TooLarge, fmt.Sprintf("%s is %d bytes long: want at most %d", quoteCell(string(c)), len(c), most)
	}
	if !utf8.Valid(c) {
		return telemetry.Unparsable, fmt.Sprintf("%s is not UTF-8: want the file encoded in UTF-8", quoteCell(string(c)))
	}
	for _, b := range c {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			return telemetry.Unparsable, fmt.Sprintf("%s has a control character in it: want text", quoteCell(string(c)))
		}
	}
	return telemetry.Accepted, ""
}

// texts reads the cells of columns into dst, and reports whether all can be used.
func (t *table) texts(columns []int, dst ...*string) bool {
	good := true
	for i, c := range columns {
		var ok bool
		*dst[i], ok = t.text(c, record.MaxName)
		good = good && ok
	}
	return good
}

func (t *table) cellFault(column int, reason telemetry.Reason, message string) {
	t.report(t.at(column, reason, message))
}

func (t *table) warn(column int, reason telemetry.Reason, message string) {
	f := t.at(column, reason, message)
	f.Warning = true
	t.report(f)
}

func (t *table) at(column int, reason telemetry.Reason, message string) Fault {
	name := t.columns[column]
	return Fault{Line: t.rows.line, Column: t.rows.starts[t.index[column]], Field: name, Reason: reason, Message: name + " " + message}
}

// time reads a cell as a time; an empty one is unset.
func (t *table) time(column int, unset int64) (int64, bool) {
	c := t.cell(column)
	if len(c) == 0 {
		return unset, true
	}
	ns, ok := ParseTime(c)
	if !ok {
		t.cellFault(column, telemetry.Unparsable, quoteCell(string(c))+": "+hintOf(c))
	}
	return ns, ok
}
