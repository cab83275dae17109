package system

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Config is what an operator may set about a one-machine system. Its prefix is
// NTEGRAL_UP. Everything listens on 127.0.0.1.
type Config struct {
	// KafkaPort, ClickhousePort, ProcessPort and SinkPort fix the ports; 0 means
	// that of the folder's first start, or a free one at that first start.
	KafkaPort      int `split_words:"true" default:"0" desc:"port of the embedded Kafka; 0 means the folder's, or a free one"`
	ClickhousePort int `split_words:"true" default:"0" desc:"port of the embedded ClickHouse; 0 means the folder's, or a free one"`
	ProcessPort    int `split_words:"true" default:"0" desc:"port of the processor's metrics and health; 0 means the folder's, or a free one"`
	SinkPort       int `split_words:"true" default:"0" desc:"port of the sink's metrics and health; 0 means the folder's, or a free one"`
	// DiskFloorBytes is the free space below which a warning is given; 0 means never.
	DiskFloorBytes int64 `split_words:"true" default:"2147483648" desc:"warn when less disk space than this is free, bytes; 0 means never"`
	// Definitions are filled in by who composes the configuration.
	Definitions []Definition `ignored:"true"`
}

// Validate lists everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	seen := make(map[int]string)
	for _, s := range c.servers() {
		if s.port < 0 || s.port > 65535 {
			errs = append(errs, fmt.Errorf("%s port: %d is not between 0 and 65535", s.what, s.port))
		}
		if other, taken := seen[s.port]; taken && s.port != 0 {
			errs = append(errs, fmt.Errorf("%s port: %d is that of %s", s.what, s.port, other))
		}
		seen[s.port] = s.what
	}
	if c.DiskFloorBytes < 0 {
		errs = append(errs, fmt.Errorf("disk floor: %d bytes is negative", c.DiskFloorBytes))
	}
	return errors.Join(errs...)
}

// Names in ntegral.env.
const (
	KafkaBrokers           = "NTEGRAL_KAFKA_BROKERS"
	KafkaUser              = "NTEGRAL_KAFKA_USER"
	KafkaPassword          = "NTEGRAL_KAFKA_PASSWORD"
	ClickhouseURL          = "NTEGRAL_CLICKHOUSE_URL"
	ClickhouseUser         = "NTEGRAL_CLICKHOUSE_USER"
	ClickhousePassword     = "NTEGRAL_CLICKHOUSE_PASSWORD"
	ClickhouseReadUser     = "NTEGRAL_CLICKHOUSE_READ_USER"
	ClickhouseReadPassword = "NTEGRAL_CLICKHOUSE_READ_PASSWORD"
	ProcessListen          = "NTEGRAL_PROCESS_LISTEN"
	SinkListen             = "NTEGRAL_SINK_LISTEN"
)

// Definition is a setting on which figures depend. It is kept with the system
// from its first start on.
type Definition struct {
	Name, Value string
	Given       bool // was set for this start; otherwise what is kept counts
}

// server is a thing with a port: its name in ntegral.env and how the address is
// written there.
type server struct {
	what   string
	env    string
	scheme string
	port   int
}

func (c Config) servers() []server {
	return []server{
		{what: "kafka", env: KafkaBrokers, port: c.KafkaPort},
		{what: "clickhouse", env: ClickhouseURL, scheme: "http://", port: c.ClickhousePort},
		{what: "process", env: ProcessListen, port: c.ProcessPort},
		{what: "sink", env: SinkListen, port: c.SinkPort},
	}
}

// Addresses returns where the system's servers listen, as host:port, by the
// name of their process: kafka, clickhouse, process, sink.
func (s System) Addresses() map[string]string {
	out := make(map[string]string)
	for _, sv := range (Config{}).servers() {
		out[sv.what] = strings.TrimPrefix(s.Env.Get(sv.env), sv.scheme)
	}
	return out
}

// complete sets what env lacks and what cfg overrules.
func complete(env *Env, cfg Config) (changed bool, err error) {
	for _, d := range cfg.Definitions {
		switch kept := env.Get(d.Name); {
		case kept == "":
			changed = env.set(d.Name, d.Value) || changed
		case d.Given && kept != d.Value:
			return false, fmt.Errorf("%s is %s, but this system's facts are made with %s: leave it out, or use a new data folder", d.Name, d.Value, kept)
		}
	}
	servers := cfg.servers()
	free, err := FreePorts(len(servers))
	if err != nil {
		return false, err
	}
	for i, s := range servers {
		if env.Get(s.env) != "" && s.port == 0 {
			continue
		}
		changed = env.set(s.env, s.scheme+Loopback(cmp.Or(s.port, free[i]))) || changed
	}
	for _, d := range [][2]string{
		{KafkaUser, "ntegral"},
		{KafkaPassword, rand.Text()},
		{ClickhouseUser, "ntegral"},
		{ClickhousePassword, rand.Text()},
		{ClickhouseReadUser, "ntegral_read"},
		{ClickhouseReadPassword, rand.Text()},
	} {
		if env.Get(d[0]) == "" {
			changed = env.set(d[0], d[1]) || changed
		}
	}
	return changed, checkAddresses(*env, servers)
}

// checkAddresses keeps an edited file from binding beyond loopback or twice.
func checkAddresses(env Env, servers []server) error {
	var errs []error
	seen := make(map[string]string)
	for _, s := range servers {
		addr := strings.TrimPrefix(env.Get(s.env), s.scheme)
		if s.scheme != "" {
			if u, err := url.Parse(env.Get(s.env)); err == nil {
				addr = u.Host
			}
		}
		host, port, err := net.SplitHostPort(addr)
		if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 1 || n > 65535 {
			errs = append(errs, fmt.Errorf("%s: %q is not an address with a port", s.env, addr))
			continue
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			errs = append(errs, fmt.Errorf("%s: %s is not a loopback address", s.env, host))
		}
		if other := seen[addr]; other != "" {
			errs = append(errs, fmt.Errorf("%s: %s is that of %s", s.env, addr, other))
		}
		seen[addr] = s.env
	}
	return errors.Join(errs...)
}
