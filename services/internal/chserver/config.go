package chserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/services/internal/secret"
)

// Secret is a password that does not print.
type Secret = secret.Password

// Names of the two users.
const (
	WriterUser = "ntegral"
	ReaderUser = "ntegral_read"
)

// Config is what an operator sets. In the process's configuration it is the field Chdb, so the
// variables begin with NTEGRAL_CHDB_.
type Config struct {
	// Lib is the path of libchdb.so. Empty looks into the cache of `make libchdb` and the usual library folders.
	Lib string `split_words:"true" desc:"path of libchdb.so; empty looks into the cache of make libchdb and the usual library folders"`
	// Listen is the address of the HTTP interface. Port 0 takes a free one.
	Listen string `split_words:"true" default:"127.0.0.1:8123" desc:"host:port of the embedded engine's HTTP interface; port 0 takes a free one"`
	// DataDir is the folder of tables and metadata. One process at a time can use it.
	DataDir string `split_words:"true" desc:"data folder of the embedded engine; one process at a time can use it"`
	// Database is the database that requests use unless they name another, and the only one that the reader sees.
	Database string `split_words:"true" default:"ntegral" desc:"database that requests use unless they name another, and the only one the reader sees"`
	// WriterPassword is the password of user ntegral.
	WriterPassword Secret `split_words:"true" desc:"password of the embedded engine's user ntegral"`
	// ReaderPassword is the password of user ntegral_read. Empty locks that user out.
	ReaderPassword Secret `split_words:"true" desc:"password of the embedded engine's user ntegral_read; empty locks that user out"`
	// MemoryBytes bounds the memory of the whole engine. Zero means 70 % of the machine's.
	MemoryBytes int64 `split_words:"true" default:"4000000000" desc:"memory of the whole engine; 0 means 70 % of the machine's"`
	// QueryMemoryBytes bounds the memory of one of the writer's statements. Zero means no bound of its own.
	QueryMemoryBytes int64 `split_words:"true" default:"2000000000" desc:"memory of one of the writer's statements; 0 means no bound of its own"`
	// Threads bounds the threads of one statement. Zero means one a core.
	Threads int `split_words:"true" default:"0" desc:"threads of one statement; 0 means one a core"`
	// MaxConcurrentQueries bounds how many statements run at a time; more are refused with code 202.
	MaxConcurrentQueries int `split_words:"true" default:"100" desc:"statements that run at a time; more are refused with code 202"`
	// MaxBodyBytes bounds the (decompressed) body of one request. Zero means no bound.
	MaxBodyBytes int64 `split_words:"true" default:"4294967296" desc:"decompressed body of one request, bytes; 0 means no bound"`
	// Durable syncs every inserted part to disk before the insert is acknowledged.
	Durable bool `split_words:"true" desc:"sync every inserted part to disk before acknowledging it"`
	// ReserveBytes is the free disk space that inserts and merges leave alone. Zero means none.
	ReserveBytes int64 `split_words:"true" default:"268435456" desc:"free disk space that the engine's inserts and merges leave alone, bytes; 0 means none"`
	// DamagePause is how long the engine runs at least before a damaged part ends it; see package comment.
	DamagePause time.Duration `split_words:"true" default:"1m" desc:"least time between two starts because of a damaged part"`
	// DrainTimeout is how long running requests may take to end after a stop; then they are killed.
	DrainTimeout time.Duration `split_words:"true" default:"10s" desc:"how long running requests may take to end after a stop; then they are killed"`
	// Reader holds the limits of user ntegral_read.
	Reader ReaderLimits `split_words:"true"`
}

// ReaderLimits bound what a statement of the reader may use. Zero is not unlimited: it is refused.
type ReaderLimits struct {
	// MemoryBytes bounds the memory of one statement.
	MemoryBytes int64 `split_words:"true" default:"1000000000" desc:"memory of one of the reader's statements"`
	// Seconds bounds the running time of one statement.
	Seconds int `split_words:"true" default:"60" desc:"seconds that one of the reader's statements may run"`
	// ResultRows bounds the rows of one result.
	ResultRows int64 `split_words:"true" default:"1000000" desc:"rows of one of the reader's results"`
	// ResultBytes bounds the uncompressed size of one result.
	ResultBytes int64 `split_words:"true" default:"1000000000" desc:"bytes of one of the reader's results, uncompressed"`
	// ConcurrentQueries bounds how many of the reader's statements run at a time.
	ConcurrentQueries int `split_words:"true" default:"16" desc:"statements of the reader that run at a time"`
}

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// Validate lists everything that is wrong.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(c.Listen)
	check(err == nil, "listen address %q: want host:port", c.Listen)
	check(c.DataDir != "", "data dir is empty")
	check(databaseName.MatchString(c.Database) && c.Database != "system" && c.Database != "default",
		"database %q: want a plain name other than system and default", c.Database)
	check(c.WriterPassword != "", "writer password is empty")
	check(c.ReaderPassword == "" || c.ReaderPassword != c.WriterPassword, "reader password equals the writer's")
	check(c.MemoryBytes >= 0, "memory bytes %d is negative", c.MemoryBytes)
	check(c.QueryMemoryBytes >= 0, "query memory bytes %d is negative", c.QueryMemoryBytes)
	check(c.Threads >= 0, "threads %d is negative", c.Threads)
	check(c.MaxConcurrentQueries > 0, "max concurrent queries %d: want at least 1", c.MaxConcurrentQueries)
	check(c.MaxBodyBytes >= 0, "max body bytes %d is negative", c.MaxBodyBytes)
	check(c.ReserveBytes >= 0, "reserve bytes %d is negative", c.ReserveBytes)
	check(c.DamagePause >= 0, "damage pause %s is negative", c.DamagePause)
	check(c.DrainTimeout > 0, "drain timeout %s: want more than 0", c.DrainTimeout)
	check(c.Reader.MemoryBytes > 0, "reader memory bytes %d: want at least 1", c.Reader.MemoryBytes)
	check(c.Reader.Seconds > 0, "reader seconds %d: want at least 1", c.Reader.Seconds)
	check(c.Reader.ResultRows > 0, "reader result rows %d: want at least 1", c.Reader.ResultRows)
	check(c.Reader.ResultBytes > 0, "reader result bytes %d: want at least 1", c.Reader.ResultBytes)
	check(c.Reader.ConcurrentQueries > 0, "reader concurrent queries %d: want at least 1", c.Reader.ConcurrentQueries)
	return errors.Join(errs...)
}

// Settings are what the program passes.
type Settings struct {
	Logger   *slog.Logger         // nil discards
	Registry *prometheus.Registry // of /metrics; nil: one of its own
	Ready    func(addr string)    // called once, when requests are served
}
