package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafkaserver"
	"github.com/ntegral/ntegral/services/internal/process"
	"github.com/ntegral/ntegral/services/internal/replay"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/status"
	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
)

const prefix = "NTEGRAL"

// Config is all that operators set; each part sits with its package.
type Config struct {
	// Data is the folder of a one-machine system; --data wins over it.
	Data string `desc:"data folder of a one-machine system"`
	// Log says what is logged, and how.
	Log LogConfig
	// Up, Supervise: the one-machine system.
	Up        system.Config
	Supervise supervise.Config
	// Kafka: client and embedded broker share a prefix, because they share user
	// and password.
	Kafka KafkaConfig
	// Clickhouse is the store; Chdb the embedded engine.
	Clickhouse StoreConfig
	Chdb       chserver.Config
	Process    process.Config
	Sink       sink.Config
	Replay     replay.Config
	Status     status.Config
}

// LogConfig says what is logged, and how.
type LogConfig struct {
	// Level from which lines are written: debug, info, warn or error.
	Level string `default:"info" desc:"debug, info, warn or error"`
	// Format of the lines: text or json.
	Format string `default:"text" desc:"text or json"`
}

// Names of the two parts of KafkaConfig, which embedding needs to be told apart.
type (
	KafkaClient = kafka.Config
	KafkaServer = kafkaserver.Config
)

// KafkaConfig is the client's and the embedded broker's.
type KafkaConfig struct {
	KafkaClient
	KafkaServer
}

// StoreClient is how the product reaches its store.
type StoreClient = clickhouse.Config

// StoreConfig is the client's, with the short form of an address and the user
// that may only read.
type StoreConfig struct {
	StoreClient
	// URL of the HTTP interface; it wins over Addresses.
	URL string `desc:"http://host:port of the store; wins over addresses"`
	// ReadUser is who asks for sql.
	ReadUser string `split_words:"true" default:"ntegral_read" desc:"user of ntegral sql"`
	// ReadPassword of that user.
	ReadPassword clickhouse.Secret `split_words:"true" desc:"password of ntegral sql's user"`
}

// others are variables with our prefix that are not configuration: they speak
// to tests, scripts, or between a supervisor and its children.
var others = []string{
	"NTEGRAL_READY_FD", "NTEGRAL_CHDB_CACHE", "NTEGRAL_KAFKA_HOME", "NTEGRAL_MLPERF_DATA", "NTEGRAL_TEST_", "NTEGRAL_LOADTEST_",
}

// load reads the configuration, with that of the data folder if one is named.
// The system is nil without one.
func (a *app) load() (*Config, *system.System, error) {
	dir := a.data
	if dir == "" {
		dir = a.getenv("NTEGRAL_DATA")
	}
	var sys *system.System
	if dir != "" {
		s, err := system.Load(dir)
		if err != nil {
			return nil, nil, usageError{err}
		}
		sys = &s
	}
	cfg, err := a.configure(sys)
	return cfg, sys, err
}

// configure reads the variables. Those of the folder are put into this
// process's environment first, which is where envconfig looks.
func (a *app) configure(sys *system.System) (*Config, error) {
	if sys != nil {
		for _, name := range sys.Env.Names() {
			if err := os.Setenv(name, sys.Env.Get(name)); err != nil {
				return nil, fmt.Errorf("set %s: %w", name, err)
			}
		}
	}
	var cfg Config
	if err := checkNames(&cfg, os.Environ()); err != nil {
		return nil, usageError{err}
	}
	if err := envconfig.Process(prefix, &cfg); err != nil {
		return nil, usageError{explain(err)}
	}
	if err := cfg.Clickhouse.resolve(); err != nil {
		return nil, usageError{err}
	}
	if sys != nil {
		cfg.locate(*sys)
	}
	cfg.Process.Kafka = cfg.Kafka.KafkaClient
	logger, err := cfg.Log.logger(a)
	if err != nil {
		return nil, usageError{err}
	}
	a.logger = logger
	return &cfg, nil
}

// explain names a variable that cannot be read without its value, which may be
// a password.
func explain(err error) error {
	if e, ok := errors.AsType[*envconfig.ParseError](err); ok {
		return fmt.Errorf("read %s: not a %s", e.KeyName, e.TypeName)
	}
	return fmt.Errorf("read configuration: %w", err)
}

// resolve takes the address apart.
func (c *StoreConfig) resolve() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return errors.New("NTEGRAL_CLICKHOUSE_URL: want http://host:port or https://host:port, without a user")
	}
	c.Addresses, c.TLS = []string{u.Host}, c.TLS || u.Scheme == "https"
	return nil
}

// reader is the store as the user that may only read.
func (c *StoreConfig) reader() clickhouse.Config {
	r := c.StoreClient
	r.User, r.Password = c.ReadUser, c.ReadPassword
	return r
}

// locate completes the configuration by what a data folder implies.
func (c *Config) locate(sys system.System) {
	c.Data = string(sys.Folder)
	c.Kafka.Dir = sys.Folder.Kafka()
	if len(c.Kafka.Brokers) > 0 {
		c.Kafka.Listen = c.Kafka.Brokers[0]
	}
	// The embedded engine's users have fixed names.
	c.Clickhouse.User, c.Clickhouse.ReadUser = chserver.WriterUser, chserver.ReaderUser
	c.Chdb.DataDir = sys.Folder.Clickhouse()
	if len(c.Clickhouse.Addresses) > 0 {
		c.Chdb.Listen = c.Clickhouse.Addresses[0]
	}
	c.Chdb.WriterPassword = chserver.Secret(c.Clickhouse.Password.Reveal())
	c.Chdb.ReaderPassword = chserver.Secret(c.Clickhouse.ReadPassword.Reveal())
}

func (l LogConfig) logger(a *app) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return nil, fmt.Errorf("NTEGRAL_LOG_LEVEL %q: use debug, info, warn or error", l.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch l.Format {
	case "text":
		return slog.New(slog.NewTextHandler(a.process.Stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.process.Stderr, options)), nil
	}
	return nil, fmt.Errorf("NTEGRAL_LOG_FORMAT %q: use text or json", l.Format)
}

// checkNames refuses variables with our prefix that nothing reads.
func checkNames(spec *Config, environ []string) error {
	var known strings.Builder
	if err := envconfig.Usagef(prefix, spec, &known, "{{range .}}{{usage_key .}}\n{{end}}"); err != nil {
		return fmt.Errorf("list variables: %w", err)
	}
	names := strings.Fields(known.String())
	var errs []error
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		ours := strings.HasPrefix(name, prefix+"_")
		if !ours || slices.Contains(names, name) || slices.ContainsFunc(others, func(o string) bool { return strings.HasPrefix(name, o) }) {
			continue
		}
		errs = append(errs, fmt.Errorf("variable %s: nothing reads it (docs/config.md lists those that there are)", name))
	}
	return errors.Join(errs...)
}

func (a *app) getenv(name string) string {
	for _, v := range a.process.Environ {
		if n, value, _ := strings.Cut(v, "="); n == name {
			return value
		}
	}
	return ""
}

// folder is the data folder that up and down are about: it need not exist yet.
func (a *app) folder() (string, error) {
	dir := a.data
	if dir == "" {
		dir = a.getenv("NTEGRAL_DATA")
	}
	if dir == "" {
		return "", usageError{errors.New("no data folder: give --data DIR or set NTEGRAL_DATA")}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", usageError{fmt.Errorf("resolve data folder: %w", err)}
	}
	return abs, nil
}
