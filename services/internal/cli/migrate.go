package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path"

	"github.com/spf13/cobra"

	schema "github.com/ntegral/ntegral/schemas/clickhouse"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
)

func (a *app) migrate() *cobra.Command {
	dryRun := false
	c := &cobra.Command{
		Use: "migrate", Short: "Bring the store's tables to this version",
		Long:    "Apply the migrations that the store lacks. The sink does the same when it starts.",
		Example: "  ntegral migrate --data ./data\n  ntegral migrate --dry-run",
		RunE: func(c *cobra.Command, _ []string) error {
			files, err := fs.Glob(schema.Migrations, "migrations/*.sql")
			if err != nil {
				return fmt.Errorf("list migrations: %w", err)
			}
			if dryRun {
				for _, f := range files {
					fmt.Fprintln(a.process.Stdout, path.Base(f))
				}
				return nil
			}
			cfg, _, err := a.load()
			if err != nil {
				return err
			}
			return withStore(c.Context(), cfg.Clickhouse.StoreClient, func(ctx context.Context, client *clickhouse.Client) error {
				if err := client.Migrate(ctx, schema.Migrations); err != nil {
					return fmt.Errorf("migrate: %w", err)
				}
				_, err := fmt.Fprintf(a.process.Stdout, "the store has all %d migrations\n", len(files))
				return err
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only list the migrations of this version")
	return c
}
