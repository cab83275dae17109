package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/replay"
	"github.com/ntegral/ntegral/services/internal/status"
	"github.com/ntegral/ntegral/services/internal/system"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

func (a *app) replay() *cobra.Command {
	asked := replay.Config{}
	var speed, at string
	c := &cobra.Command{
		Use: "replay", Short: "Publish a directory of recorded telemetry",
		Long: `Publish a directory of CSV files (docs/formats/replay.md) and wait until every fact is in the
store. A replay that was interrupted resumes; a second one of the same directory changes nothing.
Exits 1 if rows were refused that can be mended.`,
		Example: `  ntegral replay --dir ./recorded --dry-run
  ntegral replay --data ./data --dir ./recorded
  ntegral replay --data ./data --dir ./recorded --at 2026-09-15T13:00:00Z --speed 60`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if asked.Speed, err = replay.ParseSpeed(speed); err != nil {
				return usageError{err}
			}
			if asked.At, err = parseTime("at", at); err != nil {
				return err
			}
			var cfg *Config
			var sys *system.System
			if asked.DryRun && a.data == "" && a.getenv("NTEGRAL_DATA") == "" {
				cfg, err = a.configure(nil) // a directory can be looked at without a system
			} else {
				cfg, sys, err = a.load()
			}
			if err != nil {
				return err
			}
			asked.MaxFutureSkew, asked.ChunkRows = cfg.Replay.MaxFutureSkew, cfg.Replay.ChunkRows
			if err := asked.Validate(); err != nil {
				return usageError{err}
			}
			settings := replay.Settings{
				Logger: a.logger, Kafka: cfg.Kafka.KafkaClient, Out: a.process.Stdout, Terminal: isTerminal(a.process.Stdout),
			}
			if asked.DryRun {
				return replay.Run(c.Context(), asked, settings)
			}
			if sys == nil {
				if err := a.checkNamed(cfg); err != nil {
					return err
				}
			}
			if err := cfg.Kafka.KafkaClient.Validate(); err != nil {
				return usageError{err}
			}
			if err := a.awaitStart(c.Context(), sys); err != nil {
				return err
			}
			return withStore(c.Context(), cfg.Clickhouse.StoreClient, func(ctx context.Context, client *clickhouse.Client) error {
				settings.Ledger = ledger{client}
				settings.Tasks = tasks{status.Settings{Process: cfg.Process.Listen, Sink: cfg.Sink.Listen}}
				return replay.Run(ctx, asked, settings)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&asked.Dir, "dir", "", "directory of CSV files")
	f.StringVar(&speed, "speed", "max", "times faster than recorded, or max")
	f.StringVar(&at, "at", "", "shift all times so that the first reading is at this one, RFC 3339")
	f.BoolVar(&asked.DryRun, "dry-run", false, "list every fault of the directory and publish nothing")
	f.BoolVar(&asked.Strict, "strict", false, "stop at the first fault")
	f.BoolVar(&asked.NoWait, "no-wait", false, "do not wait until the facts are in the store")
	return c
}

// ledger tells a replay how far the store is.
type ledger struct{ store textrow.Store }

// Offsets implements replay.Ledger. A task's steps reach ever higher offsets, and
// its ledger rows come in the order of its steps. A step that has left rows to
// later ones does not show all of its input yet.
func (l ledger) Offsets(ctx context.Context) (map[int32]record.Offsets, error) {
	offsets := map[int32]record.Offsets{}
	const query = `SELECT task, maxIf(samples_offset, NOT pending), maxIf(rates_offset, NOT pending),
	maxIf(inventory_offset, NOT pending), maxIf(placements_offset, NOT pending)
FROM ledger GROUP BY task`
	err := textrow.Each(ctx, l.store, query, nil, func(row []string) (err error) {
		var o record.Offsets
		task, err := strconv.ParseInt(row[0], 10, 32)
		errs := []error{err}
		for i, into := range []*int64{&o.Samples, &o.Rates, &o.Inventory, &o.Placements} {
			*into, err = strconv.ParseInt(row[i+1], 10, 64)
			errs = append(errs, err)
		}
		offsets[int32(task)] = o
		return errors.Join(errs...)
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return offsets, nil
}

// tasks tells a replay what keeps the processor and the sink.
type tasks struct{ ask status.Settings }

// Faults implements replay.Tasks.
func (t tasks) Faults(ctx context.Context) []replay.TaskFault {
	var out []replay.TaskFault
	for _, f := range status.Faults(ctx, t.ask) {
		out = append(out, replay.TaskFault(f))
	}
	return out
}
