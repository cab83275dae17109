package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
)

// startTimeout is how long a tool waits for a system that is starting.
const startTimeout = 30 * time.Second

// find reads the configuration for a tool that asks a system. It is an error if
// nothing says which one.
func (a *app) find() (*Config, *system.System, error) {
	cfg, sys, err := a.load()
	if err == nil && sys == nil {
		err = a.checkNamed(cfg)
	}
	return cfg, sys, err
}

// checkNamed wants addresses where there is no data folder. That of the store
// has a default, which is no choice of a system.
func (a *app) checkNamed(cfg *Config) error {
	if len(cfg.Kafka.Brokers) > 0 || a.getenv("NTEGRAL_CLICKHOUSE_URL") != "" || a.getenv("NTEGRAL_CLICKHOUSE_ADDRESSES") != "" {
		return nil
	}
	return usageError{errors.New("no system named: give --data DIR, NTEGRAL_DATA or the addresses (NTEGRAL_KAFKA_BROKERS, NTEGRAL_CLICKHOUSE_URL)")}
}

// reach is find, and waits until the system of a data folder has started;
// systems elsewhere are taken as they are.
func (a *app) reach(ctx context.Context) (*Config, error) {
	cfg, sys, err := a.find()
	if err != nil {
		return nil, err
	}
	return cfg, a.awaitStart(ctx, sys)
}

func (a *app) awaitStart(ctx context.Context, sys *system.System) error {
	if sys == nil {
		return nil
	}
	return supervise.Await(ctx, *sys, startTimeout, func() { fmt.Fprintln(a.process.Stderr, "waiting for the system to start") })
}

// withStore opens the store for fn.
func withStore(ctx context.Context, cfg clickhouse.Config, fn func(context.Context, *clickhouse.Client) error) error {
	if err := cfg.Validate(); err != nil {
		return usageError{err}
	}
	client, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // idle connections; nothing is lost
	return fn(ctx, client)
}
