// Command ntegral is the product but for its collector: each service and each
// tool is a subcommand. See package cli.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ntegral/ntegral/services/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// The first signal asks for a graceful end; the next one ends at once.
	context.AfterFunc(ctx, stop)
	return cli.Main(ctx, cli.Process{
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Version: version,
	})
}
