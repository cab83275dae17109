package chdb

import (
	"runtime"
	"unsafe"
)

// Param is a bound parameter: the statement names it as {Name:Type}. The value is in ClickHouse's
// escaped text form, as in the HTTP interface's param_NAME.
type Param struct{ Name, Value string }

// Stats counts what a statement read and wrote so far.
type Stats struct {
	ReadRows, ReadBytes       uint64
	WrittenRows, WrittenBytes uint64
	ResultRows, ResultBytes   uint64
}

func (s *Stats) add(o Stats) {
	s.ReadRows += o.ReadRows
	s.ReadBytes += o.ReadBytes
	s.WrittenRows += o.WrittenRows
	s.WrittenBytes += o.WrittenBytes
	s.ResultRows += o.ResultRows
	s.ResultBytes += o.ResultBytes
}

// Conn is a session of the engine. It is used by one goroutine at a time.
type Conn struct {
	lib *Library
	ptr handle // what connect returned: a pointer to the connection
	raw handle // the connection itself
}

// Close ends the session and drops what it held: settings, temporary tables, an open stream.
func (c *Conn) Close() {
	if c.ptr == 0 {
		return
	}
	c.lib.closeConn(c.ptr)
	c.ptr, c.raw = 0, 0
}

// Query runs one statement and returns its whole result in the given output format.
func (c *Conn) Query(sql, format string, params ...Param) ([]byte, Stats, error) {
	a := newArguments(sql, format, params)
	r := c.lib.query(c.raw, a.sql(), a.sqlLen(), a.format(), a.formatLen(), a.names(), a.nameLens(), a.values(), a.valueLens(), a.count())
	runtime.KeepAlive(a)
	return c.lib.take(r)
}

// Exec runs one statement and drops its result.
func (c *Conn) Exec(sql string, params ...Param) error {
	_, _, err := c.Query(sql, "Null", params...)
	return err
}

// take copies a result out of the engine and destroys it.
func (l *Library) take(r handle) ([]byte, Stats, error) {
	if r == 0 {
		return nil, Stats{}, &Error{Message: "engine returned no result"}
	}
	defer l.destroyResult(r)
	if msg := l.resultError(r); msg != "" {
		return nil, Stats{}, parseError(msg)
	}
	stats := Stats{
		ReadRows: l.storageRows(r), ReadBytes: l.storageBytes(r),
		WrittenRows: l.writtenRows(r), WrittenBytes: l.writtenBytes(r),
		ResultRows: l.resultRows(r), ResultBytes: l.resultBytes(r),
	}
	n := l.resultLength(r)
	if n == 0 {
		return nil, stats, nil
	}
	out := make([]byte, n)
	copy(out, unsafe.Slice((*byte)(l.resultBuffer(r)), n))
	return out, stats, nil
}

// arguments keeps the memory of one call alive and in place. Everything in it is on the heap.
type arguments struct {
	text, form []byte
	keep       [][]byte
	ptrs       []unsafe.Pointer // names, then values
	lens       []uintptr
	n          int
}

func newArguments(sql, format string, params []Param) *arguments {
	a := &arguments{text: heapBytes(sql), form: heapBytes(format), n: len(params)}
	if a.n == 0 {
		return a
	}
	a.ptrs, a.lens = make([]unsafe.Pointer, 2*a.n), make([]uintptr, 2*a.n)
	for i, p := range params {
		for at, s := range map[int]string{i: p.Name, a.n + i: p.Value} {
			b := heapBytes(s)
			a.keep = append(a.keep, b)
			a.ptrs[at], a.lens[at] = unsafe.Pointer(&b[0]), uintptr(len(s))
		}
	}
	return a
}

// heapBytes copies s with a terminating zero, which makes the slice never empty.
func heapBytes(s string) []byte {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return b
}

func (a *arguments) sql() unsafe.Pointer    { return unsafe.Pointer(&a.text[0]) }
func (a *arguments) sqlLen() uintptr        { return uintptr(len(a.text) - 1) }
func (a *arguments) format() unsafe.Pointer { return unsafe.Pointer(&a.form[0]) }
func (a *arguments) formatLen() uintptr     { return uintptr(len(a.form) - 1) }
func (a *arguments) count() uintptr         { return uintptr(a.n) }

func (a *arguments) names() unsafe.Pointer     { return pointerAt(a.ptrs, 0) }
func (a *arguments) values() unsafe.Pointer    { return pointerAt(a.ptrs, a.n) }
func (a *arguments) nameLens() unsafe.Pointer  { return pointerAt(a.lens, 0) }
func (a *arguments) valueLens() unsafe.Pointer { return pointerAt(a.lens, a.n) }

func pointerAt[T any](s []T, i int) unsafe.Pointer {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Pointer(&s[i])
}
