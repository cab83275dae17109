package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/supervise"
)

// service makes the subcommand of a service: run until told to stop, tell the
// supervisor, if there is one, when it is ready.
func (a *app) service(name, short, long, example string, run func(ctx context.Context, cfg *Config, ready func(string)) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Long: long, Example: example,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load()
			if err != nil {
				return err
			}
			notifier, err := supervise.NewNotifier(os.Getenv)
			if err != nil {
				return usageError{err}
			}
			a.logger = a.logger.With("process", name)
			a.logger.Info("starting", "version", a.process.Version, "pid", os.Getpid())
			err = run(c.Context(), cfg, func(addr string) {
				if err := notifier.Ready(addr); err != nil {
					a.logger.Error("supervisor not told", "error", err)
				}
				a.logger.Info("ready", "address", addr)
			})
			if lifecycle.IsInterrupted(err) && c.Context().Err() != nil {
				err = nil // told to stop
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			a.logger.Info("stopped")
			return nil
		},
	}
}
