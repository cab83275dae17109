package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/learn"
)

func (a *app) learn() *cobra.Command {
	asked := learn.DefaultConfig()
	var from, to, validFrom string
	quantile, tolerance, format := "0.05", "0.02", "table"
	c := &cobra.Command{
		Use: "learn", Short: "Learn the idle power of accelerators from facts",
		Long: `Learn how much each model of accelerator draws while nobody uses it: a low quantile of the mean
powers of windows that were fully measured and not used. Prints what it found; with --publish a
figure that differs from the rate in force becomes a rate idle_power, valid from --valid-from.
Running it again changes nothing. docs/formats/learn.md says what is printed.`,
		Example: `  ntegral learn --data ./data
  ntegral learn --data ./data --from 2026-09-01T00:00:00Z --to 2026-09-15T00:00:00Z --publish
  ntegral learn --data ./data --by-region --min-windows 600 --format json`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if !slices.Contains([]string{"table", "json"}, format) {
				return usageError{fmt.Errorf("format %q: use table or json", format)}
			}
			for _, t := range []struct {
				flag, text string
				into       *time.Time
			}{{"from", from, &asked.From}, {"to", to, &asked.To}, {"valid-from", validFrom, &asked.ValidFrom}} {
				if *t.into, err = parseTime(t.flag, t.text); err != nil {
					return err
				}
			}
			if asked.Quantile, err = learn.ParseRatio("quantile", quantile); err != nil {
				return usageError{err}
			}
			if asked.Tolerance, err = learn.ParseRatio("tolerance", tolerance); err != nil {
				return usageError{err}
			}
			if err := asked.Validate(); err != nil {
				return usageError{err}
			}
			return a.runLearn(c.Context(), asked, format)
		},
	}
	f := c.Flags()
	f.StringVar(&from, "from", "", "first window, RFC 3339; default 7 days before --to")
	f.StringVar(&to, "to", "", "end of the last window, RFC 3339; default the end of the facts")
	f.StringVar(&validFrom, "valid-from", "", "since when what is learned applies, RFC 3339; default --to")
	f.BoolVar(&asked.ByRegion, "by-region", false, "a figure for each model and region")
	f.StringVar(&quantile, "quantile", quantile, "which of the powers, in ascending order, is the figure")
	f.Int64Var(&asked.MinWindows, "min-windows", asked.MinWindows, "idle windows of devices that must have been seen")
	f.Int64Var(&asked.MinDevices, "min-devices", asked.MinDevices, "devices of which they must be")
	f.StringVar(&tolerance, "tolerance", tolerance, "part of the rate in force by which a figure may differ from it")
	f.BoolVar(&asked.Publish, "publish", false, "publish the figures that differ; without it nothing is changed")
	f.StringVar(&format, "format", format, "table or json")
	return c
}

func (a *app) runLearn(ctx context.Context, asked learn.Config, format string) error {
	cfg, err := a.reach(ctx)
	if err != nil {
		return err
	}
	if err := cfg.Kafka.KafkaClient.Validate(); err != nil {
		return usageError{err}
	}
	return withStore(ctx, cfg.Clickhouse.StoreClient, func(ctx context.Context, client *clickhouse.Client) error {
		found, err := learn.Run(ctx, asked, learn.Settings{Kafka: cfg.Kafka.KafkaClient, Store: client, Logger: a.logger})
		if err != nil {
			return err
		}
		return found.Write(a.process.Stdout, format)
	})
}
