package chdb

import (
	"io"
	"runtime"
	"unsafe"
)

// Stream is a query whose result arrives block by block.
type Stream struct {
	conn  *Conn
	ptr   handle
	stats Stats
	ended bool
}

// Stream starts a query, which must be a SELECT. The conn runs nothing else until the stream is
// closed. What is wrong with the query shows here or with its first piece. Each piece is formatted
// as a document of its own.
func (c *Conn) Stream(sql, format string, params ...Param) (*Stream, error) {
	a := newArguments(sql, format, params)
	r := c.lib.streamQuery(c.raw, a.sql(), a.sqlLen(), a.format(), a.formatLen(), a.names(), a.nameLens(), a.values(), a.valueLens(), a.count())
	runtime.KeepAlive(a)
	if r == 0 {
		return nil, &Error{Message: "engine returned no stream"}
	}
	if msg := c.lib.resultError(r); msg != "" {
		c.lib.destroyResult(r)
		return nil, parseError(msg)
	}
	return &Stream{conn: c, ptr: r}, nil
}

// Next returns the next piece of the result, in the query's format. It returns io.EOF at the end.
func (s *Stream) Next() ([]byte, error) {
	if s.ended {
		return nil, io.EOF
	}
	b, stats, err := s.conn.lib.take(s.conn.lib.streamFetch(s.conn.raw, s.ptr))
	if err != nil {
		s.ended = true
		return nil, err
	}
	s.stats.add(stats)
	if len(b) == 0 {
		s.ended = true
		return nil, io.EOF
	}
	return b, nil
}

// Stats returns what the query has read so far.
func (s *Stream) Stats() Stats { return s.stats }

// Close cancels what is left of the query and frees it.
func (s *Stream) Close() {
	if s.ptr == 0 {
		return
	}
	if !s.ended {
		s.conn.lib.streamCancel(s.conn.raw, s.ptr)
	}
	s.conn.lib.destroyResult(s.ptr)
	s.ptr, s.ended = 0, true
}

// Insert is an INSERT statement whose data is appended in chunks. The engine holds at most 16
// chunks ahead of its parser, so Write blocks when the caller is faster than the disk.
type Insert struct {
	conn *Conn
	ptr  handle
	done bool
}

// Insert starts an INSERT of data in the given input format; sql has no FORMAT clause and no data.
func (c *Conn) Insert(sql, format string, params ...Param) (*Insert, error) {
	a := newArguments(sql, format, params)
	p := c.lib.streamInsert(c.raw, a.sql(), a.sqlLen(), a.format(), a.formatLen(), a.names(), a.nameLens(), a.values(), a.valueLens(), a.count())
	runtime.KeepAlive(a)
	if p == 0 {
		return nil, &Error{Message: "engine returned no insert stream"}
	}
	if msg := c.lib.insertError(p); msg != "" {
		c.lib.insertDestroy(p)
		return nil, parseError(msg)
	}
	return &Insert{conn: c, ptr: p}, nil
}

// Write appends data. After an error the insert has failed and Finish tells why.
func (i *Insert) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	rc := i.conn.lib.insertAppend(i.ptr, unsafe.Pointer(&p[0]), uintptr(len(p)))
	runtime.KeepAlive(p)
	if rc != 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// Finish ends the data, waits until the engine has stored it, and frees the insert.
func (i *Insert) Finish() (Stats, error) {
	_, stats, err := i.conn.lib.take(i.conn.lib.insertDone(i.ptr))
	i.done = true
	i.Cancel()
	return stats, err
}

// Cancel gives the insert up without storing what is not yet stored, and frees it. It is safe
// after Finish.
func (i *Insert) Cancel() {
	if i.ptr == 0 {
		return
	}
	if !i.done {
		i.conn.lib.insertCancel(i.ptr)
	}
	i.conn.lib.insertDestroy(i.ptr)
	i.ptr = 0
}
