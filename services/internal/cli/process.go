package cli

import (
	"context"
	"fmt"
	"runtime/debug"

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
			a.relaxCollector()
			a.logger.Info("configuration", "process", fmt.Sprintf("%+v", cfg.Process))
			return process.Run(ctx, cfg.Process, process.Settings{Logger: a.logger, Ready: ready})
		})
}

// collectorPercent is GOGC of a processor. Go's default, 100, collects whenever
// the heap has doubled: a tenth of a processor's time. At 200 it was half of that,
// and 400 gained nothing more; state is small enough since readings share times
// and history is packed that it takes no more memory than it did before.
const collectorPercent = 200

// relaxCollector sets collectorPercent, unless the operator has chosen. A
// GOMEMLIMIT holds either way.
func (a *app) relaxCollector() {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}
