package cli

import (
	"context"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
)

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
