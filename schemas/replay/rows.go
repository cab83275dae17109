package replay

import (
	"bytes"
	"errors"
	"io"
)

// MaxLine bounds a line, and a row that spans several by quoting.
const MaxLine = 1 << 20

const bufferSize = MaxLine + 256<<10

var (
	errLineTooLong = errors.New("line too long")
	errQuote       = errors.New("a quoted cell is not closed, or goes on after its closing quote")
)

// rows splits a file into rows of cells. A plain line is taken as it stands in
// the buffer; only one with a quote is copied.
type rows struct {
	in    io.Reader
	buf   []byte
	start int // of what is not consumed
	end   int
	read  int64 // bytes consumed
	err   error // why nothing more can be read; io.EOF at the end

	line   int // of the row that next has returned
	ahead  int // lines consumed
	cells  [][]byte
	starts []int // byte at which each cell begins in the row, from 1
	text   []byte
	first  bool
	long   bool // what is buffered is the rest of a line that is too long
}

func newRows(in io.Reader) *rows {
	return &rows{in: in, buf: make([]byte, bufferSize), first: true}
}

// fill reads more, and reports whether there is any.
func (r *rows) fill() bool {
	if r.err != nil {
		return false
	}
	if r.start > 0 && len(r.buf)-r.end < 64<<10 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for range 100 {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		r.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	r.err = io.ErrNoProgress
	return false
}

// peek returns the next line without its end, and how many bytes it takes with
// it. The line stays in the buffer. size is 0 where no line is left.
func (r *rows) peek() (line []byte, size int, err error) {
	if r.long {
		return nil, r.skipLine(), errLineTooLong
	}
	seen := 0
	for {
		if i := bytes.IndexByte(r.buf[r.start+seen:r.end], '\n'); i >= 0 {
			size = seen + i + 1
			break
		}
		seen = r.end - r.start
		if seen > MaxLine {
			r.long = true
			return nil, r.skipLine(), errLineTooLong
		}
		if r.fill() {
			continue
		}
		if !errors.Is(r.err, io.EOF) || seen == 0 {
			return nil, 0, nil // a cut last line is not used
		}
		return trimCR(r.buf[r.start:r.end]), seen, nil
	}
	if size > MaxLine {
		return nil, size, errLineTooLong
	}
	return trimCR(r.buf[r.start : r.start+size-1]), size, nil
}

// skipLine drops what is buffered of a line that is too long, until its end is
// in the buffer, and returns how many bytes are left of it there.
func (r *rows) skipLine() int {
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			return i + 1
		}
		r.read += int64(r.end - r.start)
		r.start = r.end
		if !r.fill() {
			return 0
		}
	}
}

// consume takes size bytes and so many line ends from the buffer.
func (r *rows) consume(size, lines int) {
	r.start += size
	r.read += int64(size)
	r.long = false
	r.line = r.ahead + 1
	r.ahead += lines
}

// next moves to the next row that is not blank and splits it into cells, which
// are valid until the following call. It returns false at the end. An error is
// the row's alone: the next call goes on behind it.
func (r *rows) next() (bool, error) {
	for {
		line, size, err := r.peek()
		if err != nil {
			r.consume(size, 1)
			r.cells = r.cells[:0]
			return true, err
		}
		if size == 0 {
			return false, nil
		}
		if r.first {
			r.first = false
			if rest, ok := bytes.CutPrefix(line, []byte("\ufeff")); ok {
				line = rest
				r.start += len("\ufeff")
				r.read += int64(len("\ufeff"))
				size -= len("\ufeff")
			}
		}
		if len(line) == 0 {
			r.consume(size, 1)
			continue
		}
		if bytes.IndexByte(line, '"') >= 0 {
			return true, r.quoted(size)
		}
		r.split(line)
		r.consume(size, 1)
		return true, nil
	}
}

func (r *rows) split(line []byte) {
	r.cells, r.starts = r.cells[:0], r.starts[:0]
	at := 0
	for {
		i := bytes.IndexByte(line[at:], ',')
		r.starts = append(r.starts, at+1)
		if i < 0 {
			r.cells = append(r.cells, line[at:])
			return
		}
		r.cells = append(r.cells, line[at:at+i])
		at += i + 1
	}
}

func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}
