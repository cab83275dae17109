package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/report"
)

func (a *app) report() *cobra.Command {
	q := report.Query{}
	var from, to, asOf string
	c := &cobra.Command{
		Use: "report", Short: "Sum up the facts of a time range",
		Long: `Sum up who had, used, cost and emitted how much. csv and json are exact; the table is rounded.
What nobody held has an empty name, (unallocated) in the table. Bounds lie on the edges of
windows. --as-of reports what was known then; a time of which the report could still
change is refused.`,
		Example: `  ntegral report --data ./data --by workload
  ntegral report --data ./data --by team --from 2026-09-01T00:00:00Z --to 2026-10-01T00:00:00Z --format csv
  ntegral report --data ./data --by cluster --as-of 2026-10-02T08:00:00Z --format json`,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, t := range []struct {
				flag, text string
				into       *time.Time
			}{{"from", from, &q.From}, {"to", to, &q.To}, {"as-of", asOf, &q.AsOf}} {
				at, err := parseTime(t.flag, t.text)
				if err != nil {
					return err
				}
				*t.into = at
			}
			if err := q.Validate(); err != nil {
				return usageError{err}
			}
			cfg, err := a.reach(c.Context())
			if err != nil {
				return err
			}
			var inputs report.Inputs
			if len(cfg.Kafka.Brokers) > 0 {
				inputs = report.KafkaInputs(cfg.Kafka.KafkaClient)
			}
			return withStore(c.Context(), cfg.Clickhouse.StoreClient, func(ctx context.Context, client *clickhouse.Client) error {
				out := bufio.NewWriter(a.process.Stdout)
				if err := report.Write(ctx, report.Source{Store: client, Inputs: inputs}, q, out); err != nil {
					return err
				}
				return out.Flush()
			})
		},
	}
	c.Flags().StringVar(&q.By, "by", "workload", "what to sum up by: "+strings.Join(report.Groupings(), ", "))
	c.Flags().StringVar(&q.Format, "format", "table", strings.Join(report.Formats(), ", "))
	c.Flags().StringVar(&from, "from", "", "first window, RFC 3339")
	c.Flags().StringVar(&to, "to", "", "end of the last window, RFC 3339")
	c.Flags().StringVar(&asOf, "as-of", "", "report what was known at this time, RFC 3339")
	return c
}

// parseTime reads a flag; empty is no time.
func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--%s %q: want a time such as 2026-09-15T13:00:00Z", flag, text)}
	}
	return at.UTC(), nil
}
