package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/loadtest/internal/demo"
	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

func demonstrate(out, log io.Writer) *cobra.Command {
	o := demo.Options{Out: out, Log: log}
	var e estate.Options
	var start string
	c := &cobra.Command{
		Use: "demo", Short: "Generate an estate, replay it into a system, print ours beside the planted truth", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if e.Start, err = parseStart(start); err != nil {
				return fmt.Errorf("read --start: %w", err)
			}
			return demo.Estate(c.Context(), o, e)
		},
	}
	demoFlags(c, &o)
	estateFlags(c, &e, &start)
	c.AddCommand(demonstrateMLPerf(out, log))
	return c
}

func demonstrateMLPerf(out, log io.Writer) *cobra.Command {
	o := demo.Options{Out: out, Log: log}
	var logs string
	c := &cobra.Command{
		Use: "mlperf", Short: "Replay published power logs, print our energies beside the published ones", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return demo.MLPerf(c.Context(), o, logs) },
	}
	demoFlags(c, &o)
	c.Flags().StringVar(&logs, "logs", "", "folder of the power logs")
	must(c.MarkFlagRequired("logs"))
	return c
}

func demoFlags(c *cobra.Command, o *demo.Options) {
	binaryFlag(c, &o.Binary)
	c.Flags().StringVar(&o.Data, "data", "", "data folder of the system (default: a fresh one, removed at the end)")
	c.Flags().BoolVar(&o.Keep, "keep", false, "leave the system running")
}
