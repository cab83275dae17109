package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/verify"
)

func (a *app) verify() *cobra.Command {
	format, wait := "text", 30*time.Second
	c := &cobra.Command{
		Use: "verify", Short: "Prove that every committed fact is in the store once",
		Long: `Compare the commit log, the ledger, the table of facts and the rollups, step by step, and print
what is missing, doubled or different. Ends with one line of verdict; exits 1 on any difference.`,
		Example: "  ntegral verify --data ./data\n  ntegral verify --data ./data --format json",
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"text", "json"}, format) {
				return usageError{fmt.Errorf("format %q: use text or json", format)}
			}
			cfg, err := a.reach(c.Context())
			if err != nil {
				return err
			}
			if err := cfg.Kafka.KafkaClient.Validate(); err != nil {
				return usageError{err}
			}
			return withStore(c.Context(), cfg.Clickhouse.StoreClient, func(ctx context.Context, client *clickhouse.Client) error {
				r, err := verify.Run(ctx, verify.Settings{Kafka: cfg.Kafka.KafkaClient, Store: client, Logger: a.logger, Wait: wait})
				if err != nil {
					return err
				}
				if err := r.Write(a.process.Stdout, format); err != nil {
					return err
				}
				if !r.Clean {
					return found{r.Verdict}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&format, "format", format, "text or json")
	c.Flags().DurationVar(&wait, "wait", wait, "how long the sink may take to bring what is committed now")
	return c
}
