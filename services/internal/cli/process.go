package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/process"
)

func (a *app) processor() *cobra.Command {
	return a.service("process", "Turn samples into facts",
		"Read samples, placements, inventory and rates from Kafka, and write facts. Any number of\nprocessors share the work.",
		"  ntegral process --data ./data\n  NTEGRAL_KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 ntegral process",
		func(ctx context.Context, cfg *Config, ready func(string)) error {
			if err := cfg.Process.Validate(); err != nil {
				return usageError{err}
			}
			a.logger.Info("configuration", "process", fmt.Sprintf("%+v", cfg.Process))
			return process.Run(ctx, cfg.Process, process.Settings{Logger: a.logger, Ready: ready})
		})
}
