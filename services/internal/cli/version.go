package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  ntegral version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.process.Stdout, "ntegral", a.process.Version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
			return err
		},
	}
}
