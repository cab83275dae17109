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
			_, err := fmt.Fprintln(a.process.Stdout, "ntegral", a.versionText())
			return err
		},
	}
}

// versionText is what "ntegral version" and --version print behind the name.
func (a *app) versionText() string {
	return fmt.Sprint(a.process.Version, " ", runtime.Version(), " ", runtime.GOOS, "/", runtime.GOARCH)
}
