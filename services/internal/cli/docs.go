package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/kelseyhightower/envconfig"
	"github.com/spf13/cobra"
)

const configPreface = `# Configuration

Written by ` + "`make generate`" + ` from the code: do not edit. Every process reads these variables
once, when it starts; a variable that begins with NTEGRAL_ and is not listed here is an
error. A variable that is set but empty is not the default. Durations are written 500ms, 30s, 5m.
` + "`ntegral up --data DIR`" + ` needs none of them: it writes DIR/ntegral.env, and with --data
every command takes addresses and passwords from there.

| variable | type | default | meaning |
|---|---|---|---|
`

// docs writes the documents that follow from the code; make generate calls it.
func (a *app) docs() *cobra.Command {
	return &cobra.Command{
		Use: "docs config|metrics", Short: "Print documentation that follows from the code", Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "config" && args[0] != "metrics" {
				return usageError{fmt.Errorf("docs: want config or metrics, got %q", args)}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "metrics" {
				return writeMetrics(c.Context(), a.process.Stdout)
			}
			return writeConfig(a.process.Stdout)
		},
	}
}

func writeConfig(w io.Writer) error {
	if _, err := io.WriteString(w, configPreface); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	const row = "{{range .}}| `{{usage_key .}}` | {{usage_type .}} | {{usage_default .}} | {{usage_description .}} |\n{{end}}"
	var table strings.Builder
	if err := envconfig.Usagef(prefix, &Config{}, &table, row); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(table.String()) {
		name := strings.SplitN(line, "|", 3)[1]
		if seen[name] {
			continue // the embedded broker shares user and password with its clients
		}
		seen[name] = true
		if _, err := io.WriteString(w, line); err != nil {
			return fmt.Errorf("write configuration: %w", err)
		}
	}
	return nil
}
