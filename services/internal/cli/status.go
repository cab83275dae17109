package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/status"
	"github.com/ntegral/ntegral/services/internal/supervise"
)

func (a *app) status() *cobra.Command {
	format := "table"
	c := &cobra.Command{
		Use: "status", Short: "Show how the system is; exit 1 if something is unhealthy",
		Long: `Show processes, how far each task is, what was kept out and why, what conservation leaves
over, and disk use. Exits 1 and names the problems if there are any.`,
		Example: "  ntegral status --data ./data\n  ntegral status --data ./data --format json",
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"table", "json"}, format) {
				return usageError{fmt.Errorf("format %q: use table or json", format)}
			}
			cfg, sys, err := a.find()
			if err != nil {
				return err
			}
			if err := errors.Join(cfg.Kafka.KafkaClient.Validate(), cfg.Status.Validate()); err != nil {
				return usageError{err}
			}
			// That it does not run is for the report to say.
			if err := a.awaitStart(c.Context(), sys); err != nil && !errors.Is(err, supervise.ErrNotRunning) {
				return err
			}
			return withStore(c.Context(), cfg.Clickhouse.StoreClient, func(ctx context.Context, client *clickhouse.Client) error {
				r := status.Collect(ctx, status.Settings{
					Kafka: cfg.Kafka.KafkaClient, Store: client, System: sys, Process: cfg.Process.Listen, Sink: cfg.Sink.Listen,
					ProcessGroup: cfg.Process.Group, SinkGroup: cfg.Sink.Group, DiskFloor: cfg.Up.DiskFloorBytes, Config: cfg.Status,
				})
				if err := r.Write(a.process.Stdout, format); err != nil {
					return err
				}
				if !r.Healthy {
					return found{"unhealthy"}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&format, "format", format, "table or json")
	return c
}
