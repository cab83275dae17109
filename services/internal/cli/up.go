package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
)

// children are the processes of a system, in the order in which they need each
// other.
var children = []string{"kafka", "clickhouse", "process", "sink"}

func (a *app) up() *cobra.Command {
	durable := false
	c := &cobra.Command{
		Use: "up", Short: "Run a whole system on this machine",
		Long: `Run Kafka, ClickHouse, the processor and the sink as supervised processes over one data
folder, until interrupted or told by "ntegral down". Prints one line when all are ready;
addresses and generated passwords are in DIR/ntegral.env, logs in DIR/log.`,
		Example: "  ntegral up --data ./data\n  ntegral up --data ./data --durable",
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := a.folder()
			if err != nil {
				return err
			}
			cfg, err := a.configure(nil)
			if err != nil {
				return err
			}
			if err := errors.Join(cfg.Up.Validate(), cfg.Supervise.Validate()); err != nil {
				return usageError{err}
			}
			cfg.Up.Definitions = definitions(cfg.Process.Config)
			executable, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find own binary: %w", err)
			}
			settings := supervise.Settings{
				Executable: executable, Folder: system.Folder(dir), Environ: a.process.Environ, Out: a.process.Stdout, Logger: a.logger,
				Prepare: func() error { return a.prepare(dir, cfg.Up) },
			}
			for _, name := range children {
				child := supervise.Child{Name: name, Args: []string{name, "--data", dir}}
				if durable {
					child.Env = []string{"NTEGRAL_KAFKA_DURABLE=true", "NTEGRAL_CHDB_DURABLE=true"}
				}
				switch name { // killed, it has its tasks back at once, as the same member of its group
				case "process":
					child.Env = append(child.Env, "NTEGRAL_PROCESS_INSTANCE_ID=supervised")
				case "sink":
					child.Env = append(child.Env, "NTEGRAL_SINK_INSTANCE_ID=supervised")
				}
				settings.Children = append(settings.Children, child)
			}
			return supervise.Up(c.Context(), cfg.Supervise, settings)
		},
	}
	c.Flags().BoolVar(&durable, "durable", false, "survive power loss, not only the death of processes: sync every write")
	return c
}

// prepare makes or completes the system in dir. The supervisor's lock is held:
// a second "up" never changes the settings that the first one's processes read.
func (a *app) prepare(dir string, cfg system.Config) error {
	sys, err := system.Create(dir, cfg)
	if err != nil {
		return err
	}
	if err := sys.CheckDisk(cfg); err != nil {
		a.logger.Warn("disk space is low", "error", err)
	}
	return a.checkChildren(sys)
}

// checkChildren reads the configuration as the children will, so that a fault of
// it is told here and not by the log of a process that was tried three times.
func (a *app) checkChildren(sys system.System) error {
	cfg, err := a.configure(&sys)
	if err != nil {
		return err
	}
	err = errors.Join(cfg.Kafka.KafkaServer.Validate(), cfg.Chdb.Validate(), cfg.Process.Validate(),
		cfg.Sink.Validate(), cfg.Clickhouse.StoreClient.Validate())
	if err != nil {
		return usageError{err}
	}
	return nil
}

// definitions are the processor's settings that a system keeps from its first
// start on, because its figures depend on them.
func definitions(c engine.Config) []system.Definition {
	var all []system.Definition
	for _, d := range c.Settings() {
		name := prefix + "_PROCESS_" + d.Name
		_, given := os.LookupEnv(name)
		all = append(all, system.Definition{Name: name, Value: d.Value.String(), Given: given})
	}
	return all
}
