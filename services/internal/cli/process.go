package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
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
			a.tuneCollector(ctx)
			a.logger.Info("configuration", "process", fmt.Sprintf("%+v", cfg.Process))
			return process.Run(ctx, cfg.Process, process.Settings{Logger: a.logger, Ready: ready})
		})
}

// Go's default of GOGC, 100, collects whenever the heap has doubled: a tenth of a
// processor's time. At 200 it was half of that, and 400 gained nothing more. But
// where much lives, three times that is what the process takes: beyond
// collectorHeadroom less is left to grow into.
const (
	collectorMost     = 200
	collectorLeast    = 15
	collectorHeadroom = 1 << 30 // bytes
	collectorInterval = 2 * time.Second
)

// collectorPercent is GOGC for a heap of which so many bytes live.
func collectorPercent(live uint64) int {
	if live == 0 {
		return collectorMost
	}
	return int(min(collectorMost, max(collectorLeast, collectorHeadroom*100/live)))
}

// tuneCollector keeps GOGC at what suits the heap until ctx ends, unless the
// operator has chosen it. A GOMEMLIMIT holds either way.
func (a *app) tuneCollector(ctx context.Context) {
	if a.getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(collectorMost)
	go func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for percent := collectorMost; lifecycle.Wait(ctx, collectorInterval) == nil; {
			metrics.Read(live)
			if p := collectorPercent(live[0].Value.Uint64()); p != percent {
				percent = p
				debug.SetGCPercent(p)
			}
		}
	}()
}
