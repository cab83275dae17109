package command

import (
	"io"
	"time"

	"github.com/spf13/cobra"
)

// defaultStart is the recorded day's busy hour, fixed so that a demo is the same
// every day.
const defaultStart = "2026-09-15T13:00:00Z"

// Root is the whole command; out gets results, log progress.
func Root(out, log io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "ntegral-loadtest",
		Short:         "Generate input for ntegral, show it, measure it and disturb it, from outside",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(out)
	root.SetErr(log)
	root.AddCommand(generate(out), convert(out), mlperfScore(out), demonstrate(out, log), bench(out, log), disturb(out, log))
	return root
}

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(subs...)
	return c
}

func parseStart(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }

// binaryFlag is required wherever a system gets started.
func binaryFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "binary", "", "path of the ntegral binary")
	must(c.MarkFlagRequired("binary"))
}

// must is for the set-up of flags, which fails by a wrong name in this package
// only.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
