package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/reconcile"
)

func (a *app) reconcile() *cobra.Command {
	asked := reconcile.DefaultConfig()
	var from, to string
	var tasks []int
	format := "text"
	c := &cobra.Command{
		Use: "reconcile", Short: "Put right what came too late for the processor",
		Long: `Compute the windows of a past range from all events in the topics, however late they came, and
add the differences to the facts, as rows of the reason "reconciled". What was known before stays:
report --as-of still gives it. Windows of the last hour or so are left to the processor, and so are
windows of which the samples topic no longer holds all readings. Running it again changes nothing.
Exits 1 if a part of the range had to be left alone.`,
		Example: `  ntegral reconcile --data ./data --from 2026-09-15T13:00:00Z --to 2026-09-16T00:00:00Z --dry-run
  ntegral reconcile --data ./data --from 2026-09-15T13:00:00Z --to 2026-09-16T00:00:00Z`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if !slices.Contains([]string{"text", "json"}, format) {
				return usageError{fmt.Errorf("format %q: use text or json", format)}
			}
			for _, t := range []struct {
				flag, text string
				into       *time.Time
			}{{"from", from, &asked.From}, {"to", to, &asked.To}} {
				if *t.into, err = parseTime(t.flag, t.text); err != nil {
					return err
				}
			}
			for _, task := range tasks {
				asked.Tasks = append(asked.Tasks, int32(min(max(task, -1), 1<<30)))
			}
			if err := asked.Validate(); err != nil {
				return usageError{err}
			}
			cfg, err := a.reach(c.Context())
			if err != nil {
				return err
			}
			if err := cfg.Kafka.KafkaClient.Validate(); err != nil {
				return usageError{err}
			}
			return withStore(c.Context(), cfg.Clickhouse.StoreClient, func(ctx context.Context, client *clickhouse.Client) error {
				r, err := reconcile.Run(ctx, asked, reconcile.Settings{
					Kafka: cfg.Kafka.KafkaClient, Store: client, Engine: cfg.Process.Config, Logger: a.logger, Progress: a.process.Stderr,
				})
				if err != nil {
					return err
				}
				if err := r.Write(a.process.Stdout, format); err != nil {
					return err
				}
				if !r.Complete() {
					return found{"incomplete"}
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&from, "from", "", "first window, RFC 3339")
	f.StringVar(&to, "to", "", "end of the last window, RFC 3339")
	f.BoolVar(&asked.DryRun, "dry-run", false, "say what would change, and change nothing")
	f.IntSliceVar(&tasks, "task", nil, "only these tasks; default all")
	f.DurationVar(&asked.Chunk, "chunk", asked.Chunk, "stretch that is computed at once; each reads the samples topic once and holds its readings in memory")
	f.DurationVar(&asked.Wait, "wait", asked.Wait, "how long processor and sink may take")
	f.StringVar(&format, "format", format, "text or json")
	return c
}
