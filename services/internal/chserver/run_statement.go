package chserver

import (
	"context"
	"errors"
	"io"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

// stream runs a statement that reads and passes its result on piece by piece.
func (h *Handler) stream(conn *chdb.Conn, req *request, a *answer) error {
	splice := splicerOf(req.format)
	s, err := conn.Stream(req.sql, req.format, req.params...)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		piece, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			a.stats = s.Stats()
			h.metrics.sent(len(piece))
			piece, err = splice.add(piece)
		}
		if err == nil {
			err = a.write(piece)
		}
		if err != nil {
			return h.breakOff(a, err)
		}
	}
	a.stats = s.Stats()
	if err := a.write(splice.end()); err != nil {
		return h.breakOff(a, err)
	}
	return h.finish(a)
}

// exec runs a statement and answers with its result as one piece: one that changes something, one
// that the engine does not stream, or one whose format cannot be spliced. The session bounds its size.
func (h *Handler) exec(conn *chdb.Conn, req *request, a *answer) error {
	out, stats, err := conn.Query(req.sql, req.format, req.params...)
	if err != nil {
		return err
	}
	a.stats = stats
	if err := a.write(out); err != nil {
		return h.breakOff(a, err)
	}
	return h.finish(a)
}

// insertChunk is how much of a body the engine is given at a time; it holds at most 16 of them.
const insertChunk = 256 << 10

// insert passes the request's data on to the engine. Nothing is answered before all is stored.
func (h *Handler) insert(ctx context.Context, conn *chdb.Conn, req *request, a *answer) error {
	in, err := conn.Insert(req.sql, req.format, req.params...)
	if err != nil {
		return err
	}
	defer in.Cancel()
	buffer := make([]byte, insertChunk)
	for {
		n, err := fill(req.data, buffer)
		if n > 0 {
			if _, werr := in.Write(buffer[:n]); werr != nil {
				break // Finish says why
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err // and Cancel: a cut body is not stored as if it were whole
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	stats, err := in.Finish()
	if err != nil {
		return err
	}
	a.stats = stats
	h.metrics.wrote(stats)
	return h.finish(a)
}

// fill reads until the buffer is full or the input ends. Unlike io.ReadFull it passes the input's
// own error on: a client that was cut off ends with io.ErrUnexpectedEOF, a whole body with io.EOF.
func fill(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.Read(buffer[n:])
		n += m
	}
	return n, err
}

// finish ends an answer well.
func (h *Handler) finish(a *answer) error {
	if err := a.close(); err != nil {
		return h.breakOff(a, err)
	}
	return nil
}

// breakOff reports an error: as an ordinary one while nothing is sent, else in the stream.
func (h *Handler) breakOff(a *answer, err error) error {
	if !a.begun {
		return err
	}
	code, text := h.describe(a.ctx, err)
	h.metrics.failed(code)
	a.fail(text)
	abort()
	return nil
}
