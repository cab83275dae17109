package chserver

import (
	"compress/zlib"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

// answer is the result of a request on its way out: headers, re-framing, compression.
type answer struct {
	ctx    context.Context
	w      http.ResponseWriter
	req    *request
	start  time.Time
	stats  chdb.Stats
	begun  bool
	accept string
	tag    string // of an exception in the stream

	encoder io.WriteCloser   // by Accept-Encoding, or nil
	blocks  *compress.Writer // by compress=1, or nil
	wait    bool             // wait_end_of_query: hold the result back
	held    []byte
}

// maxHeld bounds what wait_end_of_query holds back; a longer result is streamed after all.
const maxHeld = 32 << 20

func newAnswer(w http.ResponseWriter, r *http.Request, req *request, start time.Time) *answer {
	q := r.URL.Query()
	a := &answer{
		ctx: r.Context(), w: w, req: req, start: start, accept: r.Header.Get("Accept-Encoding"),
		tag: strings.ReplaceAll(newID(), "-", "")[:16], wait: enabled(q.Get("wait_end_of_query")),
	}
	if v := q.Get("enable_http_compression"); v != "" && !enabled(v) {
		a.accept = ""
	}
	if req.compress {
		a.blocks = compress.NewWriter(0, blockMethod(req.method))
	}
	return a
}

func blockMethod(name string) compress.Method {
	switch name {
	case "ZSTD":
		return compress.ZSTD
	case "NONE":
		return compress.None
	case "LZ4HC":
		return compress.LZ4HC
	}
	return compress.LZ4
}

// write sends a piece of the result.
func (a *answer) write(piece []byte) error {
	if a.req.reframes() {
		framed, err := reframe(piece)
		if err != nil {
			return err
		}
		piece = framed
	}
	if a.wait && !a.begun && len(a.held)+len(piece) <= maxHeld {
		a.held = append(a.held, piece...)
		return nil
	}
	if err := a.release(); err != nil {
		return err
	}
	return a.send(piece)
}

// release begins the answer and sends what was held back.
func (a *answer) release() error {
	if a.begun {
		return nil
	}
	a.begin()
	held := a.held
	a.held = nil
	if len(held) == 0 {
		return nil
	}
	return a.send(held)
}

func (a *answer) send(piece []byte) error {
	if a.blocks == nil {
		return a.raw(piece)
	}
	for len(piece) > 0 {
		n := min(len(piece), 1<<20) // ClickHouse's own size of a compressed block
		if err := a.blocks.Compress(piece[:n]); err != nil {
			return err
		}
		if err := a.raw(a.blocks.Data); err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}

func (a *answer) raw(b []byte) error {
	var err error
	if a.encoder != nil {
		_, err = a.encoder.Write(b)
	} else {
		_, err = a.w.Write(b)
	}
	return err
}

// begin sends the headers. What they say of progress is what is known by now.
func (a *answer) begin() {
	a.begun = true
	header := a.w.Header()
	header.Set("Content-Type", contentType(a.req.format))
	header.Set("X-ClickHouse-Format", a.req.format)
	header.Set("X-ClickHouse-Exception-Tag", a.tag)
	header.Set("X-ClickHouse-Summary", summary(a.stats, time.Since(a.start)))
	a.encoder = a.chooseEncoder(header)
	a.w.WriteHeader(http.StatusOK)
}

func (a *answer) chooseEncoder(header http.Header) io.WriteCloser {
	for offer := range strings.SplitSeq(a.accept, ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(offer), ";")
		if strings.ReplaceAll(quality, " ", "") == "q=0" {
			continue
		}
		var e io.WriteCloser
		switch strings.ToLower(name) {
		case "gzip":
			e, _ = gzip.NewWriterLevel(a.w, gzip.BestSpeed)
		case "deflate":
			e, _ = zlib.NewWriterLevel(a.w, zlib.BestSpeed)
		case "br":
			e = brotli.NewWriterLevel(a.w, brotli.BestSpeed)
		case "lz4":
			e = lz4.NewWriter(a.w)
		case "zstd":
			e, _ = zstd.NewWriter(a.w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		default:
			continue
		}
		header.Set("Content-Encoding", strings.ToLower(name))
		header.Set("Vary", "Accept-Encoding")
		return e
	}
	return nil
}

// close ends a complete answer.
func (a *answer) close() error {
	if !a.begun && len(a.held) == 0 {
		a.accept = "" // an empty answer has nothing to compress, and says so by its length
		a.w.Header().Set("Content-Length", "0")
	}
	if err := a.release(); err != nil {
		return err
	}
	if a.encoder != nil {
		return a.encoder.Close()
	}
	return nil
}

// fail writes the exception behind what is already sent.
func (a *answer) fail(text string) {
	_ = a.raw([]byte(failBlock(a.tag, text))) // the connection is cut next; there is nobody to tell
	if a.encoder != nil {
		_ = a.encoder.Close()
	}
	_ = http.NewResponseController(a.w).Flush()
}

func summary(s chdb.Stats, elapsed time.Duration) string {
	n := func(v uint64) string { return strconv.FormatUint(v, 10) }
	b, _ := json.Marshal(struct {
		ReadRows        string `json:"read_rows"`
		ReadBytes       string `json:"read_bytes"`
		WrittenRows     string `json:"written_rows"`
		WrittenBytes    string `json:"written_bytes"`
		TotalRowsToRead string `json:"total_rows_to_read"`
		ResultRows      string `json:"result_rows"`
		ResultBytes     string `json:"result_bytes"`
		ElapsedNs       string `json:"elapsed_ns"`
	}{n(s.ReadRows), n(s.ReadBytes), n(s.WrittenRows), n(s.WrittenBytes), "0", n(s.ResultRows), n(s.ResultBytes), strconv.FormatInt(elapsed.Nanoseconds(), 10)})
	return string(b)
}

func contentType(format string) string {
	f := strings.ToLower(format)
	switch {
	case strings.HasPrefix(f, "jsoneachrow") || strings.HasPrefix(f, "jsoncompacteachrow") || f == "jsonstringseachrow" || f == "ndjson" || f == "jsonlines":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(f, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(f, "csv"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(f, "tabseparated") || strings.HasPrefix(f, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	case strings.HasPrefix(f, "arrow"):
		return "application/vnd.apache.arrow.stream"
	case f == "native" || strings.HasPrefix(f, "rowbinary") || f == "parquet" || f == "avro" || f == "orc" || f == "msgpack":
		return "application/octet-stream"
	case f == "xml":
		return "application/xml; charset=UTF-8"
	case f == "markdown":
		return "text/markdown; charset=UTF-8"
	}
	return "text/plain; charset=UTF-8"
}
