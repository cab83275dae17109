package chserver

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

// maxStatementBytes bounds the text of a statement (without the data of an INSERT), as
// max_query_size does in ClickHouse.
const maxStatementBytes = 256 << 10

// nativeRevision is the first protocol revision whose Native blocks differ from those that the
// engine writes (revision 0): by block information, and by a byte a column from 54454 on.
const nativeRevision = 54454

// request is one request to run a statement.
type request struct {
	id  string // as the client knows it
	tag string // as the engine knows it: unique, whatever id the client chose
	statement
	data     io.Reader // what follows the head of an INSERT
	database string
	params   []chdb.Param
	settings []setting
	format   string // of the result, or of the data
	revision uint64 // client_protocol_version
	compress bool   // result in ClickHouse's compressed blocks
	method   string // and by which method: LZ4, ZSTD
}

type setting struct{ name, value string }

// notSettings are parameters of the URL that are no settings of the engine.
var notSettings = []string{
	"query", "user", "password", "database", "default_format", "query_id", "compress", "decompress", "client_protocol_version",
	"session_id", "session_timeout", "session_check", "quota_key", "stacktrace", "role", "buffer_size", "wait_end_of_query",
	"network_compression_method", "network_zstd_compression_level", "enable_http_compression", "http_zlib_compression_level",
	"send_progress_in_http_headers", "http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close",
	"http_write_exception_in_output_format", "add_http_cors_header", "async_insert", "wait_for_async_insert",
}

// parseRequest reads the statement out of a request. The rest of the body is left in data.
func (h *Handler) parseRequest(r *http.Request) (*request, error) {
	q := r.URL.Query()
	req := &request{
		id: q.Get("query_id"), database: q.Get("database"), format: r.Header.Get("X-ClickHouse-Format"),
		compress: enabled(q.Get("compress")), method: strings.ToUpper(q.Get("network_compression_method")),
	}
	if req.id == "" {
		req.id = newID()
	}
	req.tag = "query_id=" + req.id + " request=" + newID()
	if comment := q.Get("log_comment"); comment != "" {
		req.tag += " " + comment
	}
	if db := r.Header.Get("X-ClickHouse-Database"); req.database == "" {
		req.database = db
	}
	if req.database == "" {
		req.database = h.config.Database
	}
	if req.format == "" {
		req.format = q.Get("default_format")
	}
	if v := q.Get("client_protocol_version"); v != "" {
		n, err := strconv.ParseUint(v, 10, 32)
		if err != nil {
			return nil, newError(36, "BAD_ARGUMENTS", "Bad client_protocol_version %q", v)
		}
		req.revision = n
	}
	if q.Get("session_id") != "" {
		return nil, newError(48, "NOT_IMPLEMENTED", "Sessions over HTTP are not supported")
	}
	req.params, req.settings = urlParams(q)
	body, err := h.requestBody(r, q)
	if err != nil {
		return nil, err
	}
	return req, req.readStatement(q.Get("query"), body)
}

func urlParams(q url.Values) (params []chdb.Param, settings []setting) {
	for name, values := range q {
		value := values[len(values)-1]
		if p, ok := strings.CutPrefix(name, "param_"); ok {
			params = append(params, chdb.Param{Name: p, Value: value})
		} else if !slices.Contains(notSettings, name) {
			settings = append(settings, setting{name, value})
		}
	}
	slices.SortFunc(settings, func(a, b setting) int { return strings.Compare(a.name, b.name) })
	return params, settings
}

// readStatement takes the statement from the query parameter, continued by the body; without the
// parameter, from the body alone.
func (r *request) readStatement(query string, body io.Reader) error {
	if query != "" {
		if r.statement = parseStatement(query); r.insert {
			r.data = io.MultiReader(strings.NewReader(query[r.dataAt:]), body)
			r.chooseFormat()
			return nil
		}
	}
	in := bufio.NewReaderSize(body, maxStatementBytes+1)
	text, err := in.Peek(maxStatementBytes + 1 - min(len(query), maxStatementBytes))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read statement: %w", err)
	}
	whole := errors.Is(err, io.EOF)
	// The text is only read up to its data, so what is cut off here is data or is refused below.
	r.statement = parseStatement(query + string(text))
	switch {
	case r.insert && r.dataAt >= len(query):
		if _, err := in.Discard(r.dataAt - len(query)); err != nil {
			return fmt.Errorf("read statement: %w", err)
		}
		r.data = in
	case !whole || len(query) > maxStatementBytes:
		return newError(62, "SYNTAX_ERROR", "Max query size exceeded: the statement is longer than %d bytes", maxStatementBytes)
	case strings.TrimSpace(r.sql) == "":
		return newError(62, "SYNTAX_ERROR", "Syntax error: failed at position 1 (end of query): Empty query")
	}
	r.chooseFormat()
	return nil
}

// chooseFormat lets the statement's own FORMAT win over the request's default.
func (r *request) chooseFormat() {
	if r.statement.format != "" {
		r.format = r.statement.format
	}
	if r.format == "" {
		r.format = "TabSeparated"
	}
}

// streams says that the result of a statement that reads comes in pieces.
func (r *request) streams() bool { return r.selects && splicerOf(r.format) != nil }

// reframes says that the client expects Native blocks of a newer revision than the engine writes.
func (r *request) reframes() bool {
	return r.revision >= nativeRevision && strings.EqualFold(r.format, "Native")
}

func enabled(v string) bool { return v == "1" || strings.EqualFold(v, "true") }

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
