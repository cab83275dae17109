package kafkaserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/system"
)

// Config is what an operator sets. Its prefix is NTEGRAL_KAFKA, the same as that
// of kafka.Config, because user and password are the same ones.
type Config struct {
	// Dir is the data folder; it is made when it is missing.
	Dir string `split_words:"true" desc:"data folder of the embedded broker"`
	// Listen is the host:port to listen on. The port must not be 0: clients and
	// the broker's own metadata name it over restarts.
	Listen string `split_words:"true" default:"127.0.0.1:9092" desc:"host:port of the embedded broker"`
	// Advertise is the host that clients are told to connect to; empty means that of Listen.
	Advertise string `split_words:"true" desc:"host that the embedded broker tells clients to connect to; empty means that of listen"`
	// User and Password of the only account; both empty means no authentication, on loopback only.
	User     string       `split_words:"true" desc:"SASL user; empty means no authentication, on loopback only"`
	Password kafka.Secret `split_words:"true" desc:"SASL password"`
	// Durable writes each batch through to the disk before it is acknowledged.
	Durable bool `split_words:"true" default:"false" desc:"sync each batch to disk before acknowledging it"`
	// ReserveBytes is the free disk space below which no more records and topics are taken; 0 means to go on to the last byte.
	ReserveBytes int64 `split_words:"true" default:"268435456" desc:"free disk space below which the embedded broker lets producers wait, bytes; 0 means none"`
	// RetentionInterval is the time between checks for expired segments; 0 means one minute.
	RetentionInterval time.Duration `split_words:"true" default:"1m" desc:"time between checks for expired segments"`
}

// Settings is what the program passes.
type Settings struct {
	Logger *slog.Logger      // nil discards
	Ready  func(addr string) // called once, when clients can connect; may be nil
	// DiskFree says how many bytes can be written in a folder; nil asks the system.
	DiskFree func(dir string) (int64, error)
}

func (s Settings) diskFree() func(string) (int64, error) {
	if s.DiskFree == nil {
		return system.DiskFree
	}
	return s.DiskFree
}

// Validate lists everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("kafka dir: none given"))
	}
	host, port, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("kafka listen: %q is not host:port", c.Listen))
	case port == "0" || port == "":
		errs = append(errs, errors.New("kafka listen: the port must be fixed"))
	case !isLoopback(host) && c.User == "":
		errs = append(errs, fmt.Errorf("kafka listen: %s is not a loopback address, so a user and a password are needed", c.Listen))
	case isWildcard(host) && c.Advertise == "":
		errs = append(errs, fmt.Errorf("kafka advertise: needed when listening on every address (%s)", c.Listen))
	}
	if (c.User == "") != (c.Password == "") {
		errs = append(errs, errors.New("kafka user and password: give both or neither"))
	}
	if c.ReserveBytes < 0 {
		errs = append(errs, fmt.Errorf("kafka reserve: %d bytes is negative", c.ReserveBytes))
	}
	if c.RetentionInterval < 0 {
		errs = append(errs, fmt.Errorf("kafka retention interval: %s is negative", c.RetentionInterval))
	}
	return errors.Join(errs...)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func isWildcard(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}
