package clickhouse

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Client speaks to one ClickHouse.
type Client struct {
	conn     driver.Conn
	database string
}

// QuerySettings are ClickHouse's settings of one statement.
type QuerySettings map[string]any

var compressions = map[string]*clickhouse.Compression{
	"":     nil,
	"none": nil,
	"lz4":  {Method: clickhouse.CompressionLZ4},
	"zstd": {Method: clickhouse.CompressionZSTD},
	"gzip": {Method: clickhouse.CompressionGZIP, Level: 1},
}

// Open makes a client. It connects with the first use; WaitReady tells when that works.
func Open(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("open clickhouse: %w", err))
	}
	o := &clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: c.Addresses, Compression: compressions[c.Compression],
		Auth:         clickhouse.Auth{Database: c.Database, Username: c.User, Password: c.Password.Reveal()},
		DialTimeout:  c.DialTimeout,
		ReadTimeout:  c.ReadTimeout,
		MaxOpenConns: c.MaxConnections, MaxIdleConns: c.MaxConnections, ConnMaxLifetime: time.Hour,
		// Column-oriented buffers of rows to come: two blocks are enough to overlap.
		BlockBufferSize: 2,
	}
	if c.TLS {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conn, err := clickhouse.Open(o)
	if err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("open clickhouse: %w", err))
	}
	return &Client{conn: conn, database: c.Database}, nil
}

// Close closes the connections.
func (c *Client) Close() error { return c.conn.Close() }

// Ping asks the store for a sign of life, as the configured user.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.conn.Ping(ctx); err != nil {
		return Classify(ctx, fmt.Errorf("ping clickhouse: %w", err))
	}
	return nil
}

// WaitReady pings until the store answers, fails for good (a wrong password), or ctx ends.
func (c *Client) WaitReady(ctx context.Context) error {
	b := lifecycle.Backoff{Min: 20 * time.Millisecond, Max: 2 * time.Second}
	return lifecycle.Retry(ctx, b, c.Ping)
}

// Exec runs a statement that returns no rows.
func (c *Client) Exec(ctx context.Context, sql string, args ...any) error {
	if err := c.conn.Exec(ctx, sql, args...); err != nil {
		return Classify(ctx, err)
	}
	return nil
}

// Query runs a statement and returns its rows, which the caller closes. An error of the rows is
// classified by Classify.
func (c *Client) Query(ctx context.Context, sql string, args ...any) (driver.Rows, error) {
	rows, err := c.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, Classify(ctx, err)
	}
	return rows, nil
}

// Select runs a statement and scans all of its rows into dest, a pointer to a slice of structs
// whose fields are named by the tag ch.
func (c *Client) Select(ctx context.Context, dest any, sql string, args ...any) error {
	if err := c.conn.Select(ctx, dest, sql, args...); err != nil {
		return Classify(ctx, err)
	}
	return nil
}

// QueryArrow runs a statement and returns its result as one Arrow stream, which the caller closes.
func (c *Client) QueryArrow(ctx context.Context, sql string, args ...any) (io.ReadCloser, error) {
	return c.QueryFormat(ctx, "ArrowStream", sql, args...)
}

// QueryFormat runs a statement and returns its result in any of ClickHouse's formats.
func (c *Client) QueryFormat(ctx context.Context, format, sql string, args ...any) (io.ReadCloser, error) {
	r, err := c.conn.QueryFormat(ctx, format, sql, args...)
	if err != nil {
		return nil, Classify(ctx, err)
	}
	return r, nil
}

// Batch starts a batch of rows for an INSERT statement. Send ends it; Abort gives it up.
func (c *Client) Batch(ctx context.Context, sql string) (driver.Batch, error) {
	b, err := c.conn.PrepareBatch(ctx, sql)
	if err != nil {
		return nil, Classify(ctx, err)
	}
	return b, nil
}

// WithSettings returns a context whose statements run under settings.
func WithSettings(ctx context.Context, settings QuerySettings) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings(settings)))
}

// InsertArrow inserts one Arrow stream under a token, at most once however often it is called with
// that token. The insert statement names table and columns and no format: "INSERT INTO facts".
func (c *Client) InsertArrow(ctx context.Context, insert, token string, settings QuerySettings, data io.Reader) error {
	s := clickhouse.Settings{
		"insert_deduplicate":         1,
		"insert_deduplication_token": token,
		// The rollups take the same block; they must know it again too.
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		// What InsertArrow has acknowledged is in the table.
		"async_insert": 0,
	}
	maps.Copy(s, settings)
	if token == "" {
		delete(s, "insert_deduplication_token")
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(s))
	if err := c.conn.InsertFormat(ctx, "ArrowStream", insert, data); err != nil {
		return Classify(ctx, err)
	}
	return nil
}

// Named binds a value to {name:Type} in a statement.
func Named(name string, value any) driver.NamedValue {
	if t, ok := value.(time.Time); ok {
		return driver.NamedValue{Name: name, Value: t.UTC().Format("2006-01-02 15:04:05.999999999")}
	}
	return clickhouse.Named(name, value)
}
