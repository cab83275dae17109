package chserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

const (
	codeTooManyQueries = 202
	codeQueryCancelled = 394
	codeQueryTooLarge  = 223
	codeIncorrectData  = 117
	codeUnknownError   = 1002
	codeCannotReadBody = 33
	codeCorruptedData  = 246
)

// statusOf maps ClickHouse's codes to HTTP as ClickHouse does. What is not listed is 500.
var statusOf = map[int]int{
	codeRequiredPassword: http.StatusUnauthorized,
	192:                  http.StatusForbidden, 193: http.StatusForbidden, codeAuthenticationFailed: http.StatusForbidden, codeAccessDenied: http.StatusForbidden,
	codeReadonly: http.StatusForbidden, 452: http.StatusForbidden,
	codeTooManyQueries: http.StatusTooManyRequests,
	codeQueryTooLarge:  http.StatusRequestEntityTooLarge,
	48:                 http.StatusNotImplemented,
	159:                http.StatusRequestTimeout,
	209:                http.StatusServiceUnavailable, 210: http.StatusServiceUnavailable, 439: http.StatusServiceUnavailable,

	// The statement names something that is not there.
	46: http.StatusNotFound, 47: http.StatusNotFound, 50: http.StatusNotFound, 56: http.StatusNotFound, 60: http.StatusNotFound, 63: http.StatusNotFound,
	73: http.StatusNotFound, 78: http.StatusNotFound, 81: http.StatusNotFound, 82: http.StatusNotFound, 115: http.StatusNotFound, 511: http.StatusNotFound,

	// The statement or its data cannot be read.
	6: http.StatusBadRequest, 25: http.StatusBadRequest, 26: http.StatusBadRequest, 27: http.StatusBadRequest, 36: http.StatusBadRequest,
	38: http.StatusBadRequest, 41: http.StatusBadRequest, 42: http.StatusBadRequest, 43: http.StatusBadRequest, 53: http.StatusBadRequest,
	codeSyntaxError: http.StatusBadRequest, 69: http.StatusBadRequest, 70: http.StatusBadRequest, 72: http.StatusBadRequest,
	codeIncorrectData: http.StatusBadRequest, 130: http.StatusBadRequest, 131: http.StatusBadRequest, 167: http.StatusBadRequest, 168: http.StatusBadRequest,
	456: http.StatusBadRequest, 457: http.StatusBadRequest, 467: http.StatusBadRequest, 675: http.StatusBadRequest, 676: http.StatusBadRequest,
}

// describe turns any error of a request into ClickHouse's form.
func (h *Handler) describe(ctx context.Context, err error) (code int, text string) {
	var e *chdb.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, errBodyTooLarge):
		e = newError(codeQueryTooLarge, "TOO_LARGE", "The body is larger than %d bytes", h.config.MaxBodyBytes)
	case ctx.Err() != nil:
		e = newError(codeQueryCancelled, "QUERY_WAS_CANCELLED", "Query was cancelled: %v", context.Cause(ctx))
	case errors.Is(err, io.ErrUnexpectedEOF):
		e = newError(codeCannotReadBody, "CANNOT_READ_ALL_DATA", "Cannot read the whole body: %v", err)
	default:
		e = newError(codeUnknownError, "UNKNOWN_EXCEPTION", "%v", err)
	}
	if e.Code == 0 {
		e = newError(codeUnknownError, "UNKNOWN_EXCEPTION", "%s", e.Message)
	}
	text = h.finishText(e)
	if e.Code == codeCorruptedData && strings.Contains(text, "while reading from part ") {
		h.damage.met(text) // other corrupted data are the statement's own
	}
	return e.Code, text
}

// finishText gives an error the end that ClickHouse's texts have: the name of the code, then the
// version. An error that the engine wrapped in itself says each only once.
func (h *Handler) finishText(e *chdb.Error) string {
	text := strings.TrimSpace(e.Message)
	prefix := fmt.Sprintf("Code: %d. DB::Exception: ", e.Code)
	for strings.HasPrefix(text, prefix+prefix) {
		text = text[len(prefix):]
	}
	suffix := " (version " + h.version + ")"
	if e.Name != "" {
		if i := strings.Index(text, "("+e.Name+")"+suffix); i >= 0 {
			text = text[:i] + "(" + e.Name + ")"
		}
	}
	text = strings.TrimSuffix(text, ".")
	return text + " (version " + h.version + " (official build))"
}

// fail answers a request that failed before the first byte of its result.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	code, text := h.describe(r.Context(), err)
	status, ok := statusOf[code]
	if !ok {
		status = http.StatusInternalServerError
	}
	header := w.Header()
	for _, name := range []string{"Content-Encoding", "Content-Length", "X-ClickHouse-Format"} {
		header.Del(name)
	}
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Basic realm="ClickHouse"`)
	}
	header.Set("Content-Type", "text/plain; charset=UTF-8")
	header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
	h.metrics.failed(code)
}

// failBlock is the exception as ClickHouse writes it into a result that has begun.
func failBlock(tag, text string) string {
	const limit = 16 << 10 // what clients look for at the end of a stream
	if len(text) > limit-512 {
		text = text[:limit-512]
	}
	return fmt.Sprintf("\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", tag, text, len(text)+1, tag)
}
