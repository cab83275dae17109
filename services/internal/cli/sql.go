package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/sqlcli"
)

func (a *app) sql() *cobra.Command {
	format := ""
	c := &cobra.Command{
		Use: "sql QUERY", Short: "Ask the store in SQL, as the user that may only read",
		Long: `Ask the store one question in ClickHouse's SQL. Views made for this: workload_efficiency_hourly,
states_daily, idle_daily, served_hourly; all facts: facts (docs/formats/tables.md). --format takes any of ClickHouse's formats.`,
		Example: `  ntegral sql --data ./data "SELECT workload, sum(energy_kwh) FROM workload_efficiency_hourly GROUP BY workload"
  ntegral sql --data ./data "SELECT * FROM ledger" --format JSONEachRow`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || strings.TrimSpace(args[0]) == "" {
				return usageError{errors.New(`sql takes one query, in quotes: ntegral sql "SELECT 1"`)}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.reach(c.Context())
			if err != nil {
				return err
			}
			fallback := sqlcli.ProgramFormat
			if isTerminal(a.process.Stdout) {
				fallback = sqlcli.TerminalFormat
			}
			return withStore(c.Context(), cfg.Clickhouse.reader(), func(ctx context.Context, client *clickhouse.Client) error {
				return sqlcli.Run(ctx, client, args[0], format, fallback, a.process.Stdout)
			})
		},
	}
	c.Flags().StringVar(&format, "format", "", "one of ClickHouse's formats (default: a table on a terminal, else TabSeparatedWithNames)")
	return c
}
