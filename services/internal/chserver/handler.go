package chserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

// Handler answers ClickHouse's HTTP interface out of an engine.
type Handler struct {
	engine  *chdb.Engine
	config  Config
	logger  *slog.Logger
	metrics *metrics
	damage  *damage
	served  http.Handler // the metrics
	version string
	slots   chan struct{} // one a running statement
	readers chan struct{} // one a running statement of the reader
}

// NewHandler prepares the engine (the database, the version) and returns its interface.
func NewHandler(e *chdb.Engine, c Config, s Settings) (*Handler, error) {
	registry := s.Registry
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	h := &Handler{
		engine: e, config: c, logger: s.Logger, metrics: newMetrics(registry), damage: newDamage(c.DamagePause),
		served: promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}),
		slots:  make(chan struct{}, c.MaxConcurrentQueries), readers: make(chan struct{}, c.Reader.ConcurrentQueries),
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	conn, err := e.Connect()
	if err != nil {
		return nil, fmt.Errorf("prepare engine: %w", err)
	}
	defer conn.Close()
	if err := conn.Exec("CREATE DATABASE IF NOT EXISTS " + chdb.QuoteIdentifier(c.Database)); err != nil {
		return nil, fmt.Errorf("create database %s: %w", c.Database, err)
	}
	version, _, err := conn.Query("SELECT version()", "TSVRaw")
	if err != nil {
		return nil, fmt.Errorf("ask for version: %w", err)
	}
	h.version = strings.TrimSpace(string(version))
	return h, nil
}

// Version returns the engine's version.
func (h *Handler) Version() string { return h.version }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ping", "/replicas_status":
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		_, _ = w.Write([]byte("Ok.\n"))
		return
	case "/metrics":
		h.served.ServeHTTP(w, r)
		return
	case "/":
	default:
		http.Error(w, "There is no handle "+r.URL.Path, http.StatusNotFound)
		return
	}
	header := w.Header()
	header.Set("X-ClickHouse-Server-Display-Name", "ntegral")
	header.Set("X-ClickHouse-Timezone", "UTC")
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodHead:
		return
	default:
		header.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.Method == http.MethodGet && !r.URL.Query().Has("query") && r.ContentLength <= 0 {
		_, _ = w.Write([]byte("Ok.\n"))
		return
	}
	if err := h.serve(w, r); err != nil {
		discardRest(w, r)
		h.fail(w, r, err)
	}
}

// serve runs one request. An error that it returns came before the first byte of the answer.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	start := time.Now()
	u, err := h.authenticate(r)
	if err != nil {
		return err
	}
	release, err := h.acquire(u)
	if err != nil {
		return err
	}
	defer release()
	req, err := h.receive(w, r, u)
	if err != nil {
		return err
	}
	w.Header().Set("X-ClickHouse-Query-Id", req.id)
	conn, err := h.openSession(u, req)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer func() { h.metrics.observe(u, time.Since(start)) }()
	if u == reader || r.Method == http.MethodGet {
		if err := admitRead(conn, u, req); err != nil {
			return err
		}
	}
	stop := h.killOnDone(r.Context(), req.tag)
	defer stop()
	answer := newAnswer(w, r, req, start)
	if req.insert {
		return h.insert(r.Context(), conn, req, answer)
	}
	analysis, err := conn.Classify(req.sql)
	if err != nil {
		return err
	}
	if analysis.Statements > 1 {
		return newError(codeSyntaxError, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
	}
	if analysis.Class == chdb.ClassReadOnly && req.streams() {
		return h.stream(conn, req, answer)
	}
	return h.exec(conn, req, answer)
}

// statementTimeout is how long the reader may take to send a statement: it holds a place meanwhile.
const statementTimeout = 30 * time.Second

// receive reads the statement. The deadline is the reader's alone, as a writer's INSERT may be fed
// for hours, and ends with the statement, because later it would look like a client that went away.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, u user) (*request, error) {
	if u != reader {
		return h.parseRequest(r)
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(statementTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("limit the time to read: %w", err)
	}
	req, err := h.parseRequest(r)
	if err != nil {
		return nil, err
	}
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("limit the time to read: %w", err)
	}
	return req, nil
}

// admitRead holds the reader, and GET for anybody as in ClickHouse, to statements that only read.
func admitRead(conn *chdb.Conn, u user, req *request) error {
	if req.insert {
		return newError(codeReadonly, "READONLY", "Cannot execute query in readonly mode")
	}
	if u == reader {
		return admit(conn, req.sql, req.params)
	}
	a, err := conn.Classify(req.sql)
	if err != nil {
		return err
	}
	if a.Class != chdb.ClassReadOnly && a.Class != chdb.ClassUnknown {
		return newError(codeReadonly, "READONLY", "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries")
	}
	return nil
}

var errTooMany = newError(codeTooManyQueries, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries")

// acquire takes a place among the running statements, or refuses at once: the client knows better
// than a queue how long to wait. The reader has fewer places, so that it cannot lock the writer out.
func (h *Handler) acquire(u user) (release func(), err error) {
	if u == reader {
		select {
		case h.readers <- struct{}{}:
		default:
			return nil, errTooMany
		}
	}
	leave := func() {
		if u == reader {
			<-h.readers
		}
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; leave() }, nil
	default:
		leave()
		return nil, errTooMany
	}
}

// killOnDone kills the request's statement when its client goes away. The statement may not have
// reached the engine yet, or be one of several, so the kill is repeated until stop.
func (h *Handler) killOnDone(ctx context.Context, tag string) (stop func()) {
	ended, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if err := h.engine.Kill(tag); err != nil {
				h.logger.Warn("cannot kill a query", "error", err)
			}
			select {
			case <-ended:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(ended); <-finished }
}

// abort cuts the connection, so that no client takes what it got for the whole answer.
func abort() { panic(http.ErrAbortHandler) }
