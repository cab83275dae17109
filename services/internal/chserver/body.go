package chserver

import (
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// decoderWindow bounds the memory that a compressed body can make a decoder allocate.
const decoderWindow = 64 << 20

// requestBody returns the body behind its Content-Encoding and, with decompress=1, ClickHouse's
// compressed blocks, cut at the limit.
func (h *Handler) requestBody(r *http.Request, q url.Values) (io.Reader, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil, newError(48, "NOT_IMPLEMENTED", "External tables and multipart forms are not supported")
	}
	var body io.Reader = r.Body
	switch encoding := r.Header.Get("Content-Encoding"); strings.ToLower(encoding) {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, badBody(encoding, err)
		}
		body = z
	case "deflate":
		z, err := zlib.NewReader(body)
		if err != nil {
			return nil, badBody(encoding, err)
		}
		body = z
	case "br":
		body = brotli.NewReader(body)
	case "lz4":
		body = lz4.NewReader(body)
	case "zstd":
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(decoderWindow))
		if err != nil {
			return nil, badBody(encoding, err)
		}
		body = &closingReader{r: z, close: z.Close}
	default:
		return nil, newError(48, "NOT_IMPLEMENTED", "Unknown Content-Encoding %q", encoding)
	}
	if enabled(q.Get("decompress")) {
		body = &blockReader{r: compress.NewReader(body)}
	}
	if h.config.MaxBodyBytes > 0 {
		body = &limitedBody{r: body, left: h.config.MaxBodyBytes}
	}
	return body, nil
}

// Bounds of what is read of a body that is not wanted any more.
const (
	unwantedBytes = 8 << 20
	unwantedTime  = 2 * time.Second
)

// discardRest reads on where a request failed before its end: a client that is
// still writing when its connection is closed meets a reset, and never sees the
// error. It is bounded, so the answer can be lost on larger bodies.
func discardRest(w http.ResponseWriter, r *http.Request) {
	if http.NewResponseController(w).SetReadDeadline(time.Now().Add(unwantedTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, unwantedBytes) // whether it worked, the client will see
}

func badBody(encoding string, err error) error {
	return newError(117, "INCORRECT_DATA", "Cannot read the %s body: %v", encoding, err)
}

// closingReader frees a decoder at the end of its input. A request that ends earlier leaves it to
// the garbage collector; with one decoder a body it holds no goroutine.
type closingReader struct {
	r     io.Reader
	close func()
}

func (c *closingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && c.close != nil {
		c.close()
		c.close = nil
	}
	return n, err
}

// blockReader turns the end of the blocks, which their reader reports as a wrapped error, into
// the plain end of input.
type blockReader struct{ r io.Reader }

func (b *blockReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// limitedBody fails, rather than ends, behind its limit: a cut INSERT must not look complete.
type limitedBody struct {
	r    io.Reader
	left int64
}

func (l *limitedBody) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, errBodyTooLarge
	}
	// One byte more than allowed tells a full body from one that is too long.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, errBodyTooLarge
	}
	return n, err
}

var errBodyTooLarge = fmt.Errorf("body is larger than the limit")
