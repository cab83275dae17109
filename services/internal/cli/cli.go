// Package cli is the command line: it reads configuration, builds what a
// subcommand needs, and turns its outcome into an exit code.
//
// Words. A service is a subcommand that runs until it is told to stop (up,
// kafka, clickhouse, process, sink); the others are tools that answer and end.
// A system is what one data folder holds (package system).
//
// Configuration comes from variables that begin with NTEGRAL_, read once, here
// and nowhere else. With --data DIR, or NTEGRAL_DATA, addresses and passwords are
// those of DIR/ntegral.env, which wins over the environment: a command that was
// pointed at a folder never speaks to another system. A variable with our prefix
// that nobody knows is an error, because it is most likely a misspelt one.
//
// Exit codes: 0 done; 1 it failed, or it found what it was asked to look for (a
// difference, an unhealthy system, rows refused); 2 the command line or the
// configuration is wrong; 130 interrupted before it was done.
//
// Answers go to standard output, everything else to standard error. Nothing here
// is shared between goroutines.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Process is what the operating system gives a command.
type Process struct {
	Args    []string
	Stdout  io.Writer
	Stderr  io.Writer
	Environ []string
	Version string
}

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError is a fault of the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// found is the outcome of a tool that did its work and has to say no: its answer
// has been printed already.
type found struct{ what string }

func (f found) Error() string { return f.what }

// app is one run of the program.
type app struct {
	process Process
	data    string // --data
	logger  *slog.Logger
}

// Main runs a subcommand and returns the exit code.
func Main(ctx context.Context, p Process) int {
	a := &app{process: p, logger: slog.New(slog.NewTextHandler(p.Stderr, nil))}
	root := a.root()
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	_, usage := errors.AsType[usageError](err)
	_, said := errors.AsType[found](err)
	switch {
	case err == nil:
		return exitDone
	case said:
		return exitFailed
	case usage:
		fmt.Fprintf(p.Stderr, "ntegral: %v\n", err)
		return exitUsage
	case lifecycle.IsInterrupted(err) && ctx.Err() != nil:
		fmt.Fprintln(p.Stderr, "ntegral: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(p.Stderr, "ntegral: %v\n", err)
	return exitFailed
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ntegral",
		Short: "Utilisation, energy, cost and carbon of every workload, exactly",
		Long: `ntegral joins what the hardware did with who held it, what it cost and what the
grid emitted, into one fact per workload, device and window.

Configuration comes from variables that begin with NTEGRAL_ (see docs/config.md).
With --data DIR a command finds the system that "ntegral up --data DIR" runs.`,
		Example: `  ntegral up --data ./data
  ntegral replay --data ./data --dir ./recorded
  ntegral report --data ./data --by workload
  ntegral sql --data ./data "SELECT * FROM workload_efficiency_hourly LIMIT 10"`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q: ntegral --help lists them", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.Version = a.versionText()
	root.SetVersionTemplate("ntegral {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (%s --help)", err, c.CommandPath())}
	})
	root.PersistentFlags().StringVar(&a.data, "data", "", "data folder of the system (or NTEGRAL_DATA)")
	for _, c := range []*cobra.Command{
		a.up(), a.down(), a.status(), a.replay(), a.report(), a.reconcile(), a.learn(), a.sql(), a.verify(), a.migrate(),
		a.kafka(), a.clickhouse(), a.processor(), a.sink(), a.version(), a.docs(),
	} {
		if c.Args == nil {
			c.Args = noArguments
		}
		root.AddCommand(c)
	}
	return root
}

func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no argument: got %q (%s --help)", c.Name(), args[0], c.CommandPath())}
	}
	return nil
}

// isTerminal tells whether w is a person's.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
