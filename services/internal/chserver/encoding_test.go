package chserver_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
)

// TestEncodings sends a body and takes a result in every encoding.
func TestEncodings(t *testing.T) {
	s := chservertest.Start(t, t.TempDir())
	exec(t, s, "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
	body := strings.Repeat("some text\n", 50_000)
	want := body + body
	encoders := map[string]struct {
		pack   func(io.Writer) io.WriteCloser
		unpack func(io.Reader) (io.Reader, error)
	}{
		"gzip":    {func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		"deflate": {func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }},
		"br":      {func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }},
		"lz4":     {func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }},
		"zstd": {func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }, func(r io.Reader) (io.Reader, error) {
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
			return z, err
		}},
	}
	for name, e := range encoders {
		t.Run(name, func(t *testing.T) {
			exec(t, s, "TRUNCATE TABLE t")
			var packed bytes.Buffer
			w := e.pack(&packed)
			_, _ = io.WriteString(w, body)
			_ = w.Close()
			for range 2 {
				r := call{query: params("query", "INSERT INTO t FORMAT TSV"), body: packed.String(), header: map[string]string{"Content-Encoding": name}}.do(t, s)
				if r.status != 200 || !strings.Contains(r.header.Get("X-ClickHouse-Summary"), `"written_rows":"50000"`) {
					t.Fatalf("got %d %s %s", r.status, r.body, r.header.Get("X-ClickHouse-Summary"))
				}
			}
			cut := call{query: params("query", "INSERT INTO t FORMAT TSV"), body: packed.String()[:packed.Len()/2], header: map[string]string{"Content-Encoding": name}}.do(t, s)
			if cut.status == 200 {
				t.Error("half a body was taken for a whole one")
			}
			r := call{body: "SELECT a FROM t FORMAT TSV", header: map[string]string{"Accept-Encoding": "x, " + name}}.do(t, s)
			if got := r.header.Get("Content-Encoding"); got != name {
				t.Fatalf("got encoding %q, want %q", got, name)
			}
			in, err := e.unpack(strings.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(in); err != nil || string(got) != want {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
			}
			failed := call{body: "SELECT nothing", header: map[string]string{"Accept-Encoding": name}}.do(t, s)
			if !strings.HasPrefix(failed.body, "Code: 47.") {
				t.Errorf("got error %.100q, want plain text", failed.body)
			}
		})
	}
	for name, method := range map[string]compress.Method{"LZ4": compress.LZ4, "ZSTD": compress.ZSTD} {
		t.Run("blocks of "+name, func(t *testing.T) {
			exec(t, s, "TRUNCATE TABLE t")
			w := compress.NewWriter(0, method)
			if err := w.Compress([]byte(body)); err != nil {
				t.Fatal(err)
			}
			block := string(w.Data)
			r := call{query: params("query", "INSERT INTO t FORMAT TSV", "decompress", "1"), body: block + block}.do(t, s)
			if r.status != 200 {
				t.Fatalf("got %d %s", r.status, r.body)
			}
			if cut := (call{query: params("query", "INSERT INTO t FORMAT TSV", "decompress", "1"), body: block + block[:len(block)/2]}).do(t, s); cut.status == 200 {
				t.Error("half a block was taken for a whole one")
			}
			r = call{query: params("compress", "1", "network_compression_method", name), body: "SELECT a FROM t FORMAT TSV"}.do(t, s)
			got, err := io.ReadAll(compress.NewReader(strings.NewReader(r.body)))
			if !errors.Is(err, io.EOF) && err != nil || string(got) != want {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
			}
		})
	}
}
