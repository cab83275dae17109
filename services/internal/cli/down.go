package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
)

func (a *app) down() *cobra.Command {
	timeout, ifRunning := 2*time.Minute, false
	c := &cobra.Command{
		Use: "down", Short: "Stop the system of a data folder",
		Long:    "Tell the system that runs on a data folder to stop, and wait until it has. Nothing is lost:\n\"ntegral up\" goes on from there.",
		Example: "  ntegral down --data ./data",
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := a.folder()
			if err != nil {
				return err
			}
			sys, err := system.Load(dir)
			if err != nil {
				return usageError{err}
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			err = supervise.Down(ctx, sys.Folder)
			if ifRunning && errors.Is(err, supervise.ErrNotRunning) {
				_, err = fmt.Fprintln(a.process.Stdout, "nothing runs in", sys.Folder)
				return err
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.process.Stdout, "stopped the system in", sys.Folder)
			return err
		},
	}
	c.Flags().BoolVar(&ifRunning, "if-running", false, "succeed if nothing runs")
	c.Flags().DurationVar(&timeout, "timeout", timeout, "how long to wait")
	return c
}
