package command

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/loadtest/internal/chaos"
	"github.com/ntegral/ntegral/loadtest/internal/speed"
)

func bench(out, log io.Writer) *cobra.Command {
	o := speed.Options{Out: out, Log: log, Set: speed.Standard(1)}
	c := &cobra.Command{
		Use: "replay", Short: "Time a replay of a large set into a fresh system, and a peer that only reads it", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return speed.Replay(c.Context(), o) },
	}
	binaryFlag(c, &o.Binary)
	setFlags(c, &o.Set, o.Set.Nodes, o.Set.Duration)
	c.Flags().StringVar(&o.Cache, "cache", "", "folder for generated sets (default: the user's cache)")
	c.Flags().DurationVar(&o.Within, "within", 0, "fail when the replay takes longer; 0: never")
	return group("bench", "Measure", c, comparePeers(out, log), contender(out), measureScale(out, log), measureRecovery(out, log), generator(out))
}

func disturb(out, log io.Writer) *cobra.Command {
	o := chaosOptions(out)
	kill := &cobra.Command{Use: "chaos", Short: "Compare an undisturbed replay with replays under SIGKILL", Args: cobra.NoArgs}
	chaosCommand(kill, o, log, 20*time.Second, chaos.Kill)
	kill.Flags().IntVar(&o.Kills, "kills", 2, "kills of each component")
	kill.Flags().StringVar(&o.Component, "component", "all", "process, sink, kafka, clickhouse or all")
	kill.Flags().DurationVar(&o.Every, "pause", 1500*time.Millisecond, "mean pause between kills")
	zombie := &cobra.Command{Use: "zombie", Short: "Stop the processor, let a second one take over, continue the first", Args: cobra.NoArgs}
	chaosCommand(zombie, chaosOptions(out), log, time.Minute, chaos.Zombie)
	kill.AddCommand(zombie, disturbFleet(out, log), fillDisk(out, log))
	return kill
}

func disturbFleet(out, log io.Writer) *cobra.Command {
	base := chaosOptions(out)
	base.Every = 3 * time.Second
	o := chaos.FleetOptions{}
	c := &cobra.Command{
		Use: "fleet", Short: "Disturb several processors and sinks, their broker and their store", Args: cobra.NoArgs,
		Long: `Start a broker, a store, processors and sinks as separate processes, replay into them, and meanwhile
kill parts, stop them for longer than their session, tell them to leave, let others join. The same
seed brings the same faults. In the end all figures must be those of an undisturbed replay.`,
	}
	chaosCommand(c, base, log, time.Minute, func(ctx context.Context, b chaos.Options) error {
		o.Options = b
		return chaos.Fleet(ctx, o)
	})
	c.Flags().IntVar(&o.Faults, "faults", 10, "faults in all")
	c.Flags().IntVar(&o.Processors, "processors", 2, "processors to begin with")
	c.Flags().IntVar(&o.Sinks, "sinks", 2, "sinks to begin with")
	c.Flags().StringVar(&o.Script, "kafka", "", "script that runs an Apache Kafka (deploy/scripts/kafka.sh); empty: the embedded broker")
	c.Flags().DurationVar(&base.Every, "pause", base.Every, "mean pause between faults")
	return c
}

func chaosOptions(out io.Writer) *chaos.Options {
	return &chaos.Options{Out: out, Log: io.Discard, Set: speed.Standard(1), Every: time.Second}
}

// chaosCommand adds what both ways of disturbing share; each has options of its
// own, because a flag's default is written into its variable at once.
func chaosCommand(c *cobra.Command, o *chaos.Options, log io.Writer, round time.Duration, do func(context.Context, chaos.Options) error) {
	var verbose bool
	binaryFlag(c, &o.Binary)
	setFlags(c, &o.Set, 16, time.Hour)
	c.Flags().DurationVar(&o.Round, "round", round, "about how long a disturbed replay is paced to take")
	c.Flags().BoolVar(&o.Keep, "keep-files", false, "keep folders and logs")
	c.Flags().BoolVar(&verbose, "verbose", false, "show what replays say")
	c.RunE = func(c *cobra.Command, _ []string) error {
		o.Seed = o.Set.Seed
		if verbose {
			o.Log = log
		}
		return do(c.Context(), *o)
	}
}

func fillDisk(out, log io.Writer) *cobra.Command {
	base := chaosOptions(out)
	base.Every = 3 * time.Second
	o := chaos.DiskOptions{}
	c := &cobra.Command{
		Use: "disk", Short: "Fill the disk under the broker, the store or the whole data folder", Args: cobra.NoArgs,
		Long: `Replay into a system of which a part lies on a small file system of its own (a tmpfs, so this needs
the right to mount; without it, it says so and does nothing), fill that to its last byte for a
while, and free it again. In the end all figures must be those of an undisturbed replay.`,
	}
	chaosCommand(c, base, log, time.Minute, func(ctx context.Context, b chaos.Options) error {
		o.Options = b
		return chaos.Disk(ctx, o)
	})
	c.Flags().StringVar(&o.Under, "under", "all", "kafka, clickhouse, folder, or all three one after the other")
	c.Flags().IntVar(&o.Times, "times", 2, "how often each is filled")
	c.Flags().DurationVar(&o.Hold, "hold", 15*time.Second, "how long it stays full")
	c.Flags().DurationVar(&base.Every, "pause", base.Every, "mean pause between")
	return c
}
