// Command ntegral-loadtest generates input for ntegral, shows it, measures it
// and disturbs it, all from outside: it knows the binary, its files and its SQL.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ntegral/ntegral/loadtest/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command.Root(os.Stdout, os.Stderr).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "ntegral-loadtest:", err)
		stop()
		os.Exit(1)
	}
}
