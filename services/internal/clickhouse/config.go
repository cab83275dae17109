package clickhouse

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ntegral/ntegral/services/internal/secret"
)

// Secret is a password that does not print.
type Secret = secret.Password

// Config says which ClickHouse to speak to, and as whom. Its prefix is NTEGRAL_CLICKHOUSE.
type Config struct {
	// Addresses of the HTTP interface as host:port, separated by commas. More than one are servers of one cluster.
	Addresses []string `split_words:"true" default:"127.0.0.1:8123" desc:"host:port of the store's HTTP interface, separated by commas; more than one are servers of one cluster"`
	// Database that holds the product's tables.
	Database string `split_words:"true" default:"ntegral" desc:"database that holds the product's tables"`
	// User to log in as.
	User string `split_words:"true" default:"ntegral" desc:"user to log in as"`
	// Password of the user.
	Password Secret `split_words:"true" desc:"password of the user"`
	// TLS speaks HTTPS, checked against the system's certificates.
	TLS bool `split_words:"true" desc:"speak HTTPS, checked against the system's certificates"`
	// Compression of queries' answers and row batches: lz4, zstd, gzip or none. Arrow parts go as they are.
	Compression string `split_words:"true" default:"lz4" desc:"of answers and row batches: lz4, zstd, gzip or none; Arrow parts go as they are"`
	// MaxConnections bounds the connections of this process.
	MaxConnections int `split_words:"true" default:"8" desc:"connections of one process"`
	// DialTimeout is how long opening a connection may take.
	DialTimeout time.Duration `split_words:"true" default:"5s" desc:"how long opening a connection may take"`
	// ReadTimeout is how long the store may take until it begins to answer; an insert answers at its end.
	ReadTimeout time.Duration `split_words:"true" default:"5m" desc:"how long the store may take until it begins to answer; an insert answers at its end"`
}

// Validate lists everything that is wrong.
func (c Config) Validate() error {
	var errs []error
	if len(c.Addresses) == 0 {
		errs = append(errs, errors.New("clickhouse addresses are empty"))
	}
	for _, a := range c.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			errs = append(errs, fmt.Errorf("clickhouse address %q: want host:port", a))
		}
	}
	if c.Database == "" {
		errs = append(errs, errors.New("clickhouse database is empty"))
	}
	if c.User == "" {
		errs = append(errs, errors.New("clickhouse user is empty"))
	}
	if _, ok := compressions[c.Compression]; !ok {
		errs = append(errs, fmt.Errorf("clickhouse compression %q: want lz4, zstd, gzip or none", c.Compression))
	}
	if c.MaxConnections <= 0 {
		errs = append(errs, fmt.Errorf("clickhouse max connections %d: want at least 1", c.MaxConnections))
	}
	if c.DialTimeout <= 0 || c.ReadTimeout <= 0 {
		errs = append(errs, errors.New("clickhouse timeouts: want more than 0"))
	}
	return errors.Join(errs...)
}
