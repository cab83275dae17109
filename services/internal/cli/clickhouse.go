package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/chserver"
)

func (a *app) clickhouse() *cobra.Command {
	return a.service("clickhouse", "Run the embedded ClickHouse",
		"Run the ClickHouse engine of libchdb.so on a data folder, behind ClickHouse's HTTP\ninterface. Larger systems use a ClickHouse cluster.",
		"  ntegral clickhouse --data ./data",
		func(ctx context.Context, cfg *Config, ready func(string)) error {
			if err := cfg.Chdb.Validate(); err != nil {
				return usageError{err}
			}
			a.logger.Info("configuration", "clickhouse", fmt.Sprintf("%+v", cfg.Chdb))
			return chserver.Run(ctx, cfg.Chdb, chserver.Settings{Logger: a.logger, Ready: ready})
		})
}
