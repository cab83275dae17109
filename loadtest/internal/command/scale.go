package command

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
	"github.com/ntegral/ntegral/loadtest/internal/scale"
)

// The minutes of a run unless they are asked for: with them history is full
// (horizon, delay and what is not closed yet), and a live run is a short one.
const (
	historyMinutes = 20
	liveMinutes    = 2
)

func measureScale(out, log io.Writer) *cobra.Command {
	o := scale.SizeOptions{Options: scale.Options{Out: out, Log: log}}
	var minutes, history int
	var live bool
	c := &cobra.Command{
		Use: "scale", Short: "Measure what an accelerator costs, from a thousand to a million of them", Args: cobra.NoArgs,
		Long: `Write the telemetry of clusters of several sizes (nodes of eight accelerators, five metrics each,
readings packed by ten seconds) into the embedded broker, then let processor, sink and store
consume it, and print what that took, one size after the other, each with a fresh system.

With --live the load goes on in real time once that is consumed, and the lag shows whether the
product keeps up. It says what a run needs of the disk, and refuses one that does not fit.`,
		Example: `  ntegral-loadtest bench scale --binary bin/ntegral
  ntegral-loadtest bench scale --binary bin/ntegral --sizes 100000 --live --minutes 10`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if minutes == 0 {
				minutes = map[bool]int{false: historyMinutes, true: liveMinutes}[live]
			}
			o.History = time.Duration(minutes) * time.Minute
			if live {
				o.History, o.Live = time.Duration(history)*time.Minute, o.History
			}
			if o.Self, err = os.Executable(); err != nil {
				return fmt.Errorf("find own binary: %w", err)
			}
			return scale.Sizes(c.Context(), o)
		},
	}
	scaleFlags(c, &o.Options)
	c.Flags().IntSliceVar(&o.Sizes, "sizes", []int{1_000, 10_000, 100_000}, "accelerators, one run each; up to 1000000")
	c.Flags().IntVar(&minutes, "minutes", 0, fmt.Sprintf("event time that is measured: there beforehand (default %d), or with --live as it comes (default %d)", historyMinutes, liveMinutes))
	c.Flags().BoolVar(&live, "live", false, "go on in real time, and see whether the lag grows")
	c.Flags().IntVar(&history, "history", historyMinutes, "with --live: minutes of event time that are there beforehand, so that the state is full")
	return c
}

func measureRecovery(out, log io.Writer) *cobra.Command {
	o := scale.RecoveryOptions{Options: scale.Options{Out: out, Log: log}}
	var history int
	c := &cobra.Command{
		Use: "recovery", Short: "Kill the processor of a live cluster, and time until it is back", Args: cobra.NoArgs,
		Long: `Let a processor consume the history of a cluster, go on live until every task has a new checkpoint
of the given age, kill it with SIGKILL, start it again at once, and print the time from that start
to the first new commit of every task, and until it has caught up. The checkpoints' default
interval is 30 s, so that an age of 25 s is near the worst.`,
		Example: `  ntegral-loadtest bench recovery --binary bin/ntegral
  ntegral-loadtest bench recovery --binary bin/ntegral --interval 10s --within 10s`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o.History = time.Duration(history) * time.Minute
			if o.Self, err = os.Executable(); err != nil {
				return fmt.Errorf("find own binary: %w", err)
			}
			return scale.Recover(c.Context(), o)
		},
	}
	scaleFlags(c, &o.Options)
	c.Flags().IntVar(&o.Accelerators, "accelerators", 100_000, "size of the cluster")
	c.Flags().IntVar(&history, "history", historyMinutes, "minutes of event time that are there beforehand, so that the state is full")
	c.Flags().DurationVar(&o.Live, "live", 5*time.Minute, "longest time of the live part")
	c.Flags().DurationVar(&o.Age, "age", 25*time.Second, "age of the oldest task's checkpoint when the kill comes")
	c.Flags().DurationVar(&o.Down, "down", 0, "time until the processor is started again")
	c.Flags().DurationVar(&o.Within, "within", 0, "fail when it takes longer; 0: never")
	return c
}

func scaleFlags(c *cobra.Command, o *scale.Options) {
	const gigabyte = 1_000_000_000
	binaryFlag(c, &o.Binary)
	gb := 40
	c.Flags().DurationVar(&o.Interval, "interval", time.Second, "time between two readings of a series")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the load")
	c.Flags().Int32Var(&o.Tasks, "tasks", 4, "partitions of the topics, which the processor works on side by side")
	c.Flags().StringVar(&o.Dir, "dir", "", "folder for data and logs (default: the system's temporary one)")
	c.Flags().IntVar(&gb, "max-disk-gb", gb, "most disk that a run may need, GB")
	c.Flags().DurationVar(&o.Limit, "limit", 30*time.Minute, "longest time for consuming what is there beforehand")
	c.Flags().BoolVar(&o.Keep, "keep-files", false, "keep folder and logs")
	c.PreRun = func(*cobra.Command, []string) { o.MaxDisk = int64(gb) * gigabyte }
}

// generator is how scale starts what writes its load, a process of its own.
func generator(out io.Writer) *cobra.Command {
	l := cluster.Standard(0)
	var brokers string
	var history, live time.Duration
	c := &cobra.Command{
		Use: "generator", Short: "What scale and recovery start to write their load", Args: cobra.NoArgs, Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			return cluster.Serve(c.Context(), l, brokers, history, live, c.InOrStdin(), out)
		},
	}
	c.Flags().StringVar(&brokers, "brokers", "", "host:port of the broker")
	c.Flags().IntVar(&l.Accelerators, "accelerators", 0, "accelerators")
	c.Flags().DurationVar(&l.Interval, "interval", time.Second, "time between two readings of a series")
	c.Flags().Uint64Var(&l.Seed, "seed", 1, "seed of the load")
	c.Flags().DurationVar(&history, "history", 0, "event time to write at once")
	c.Flags().DurationVar(&live, "live", 0, "event time to write as it comes")
	must(c.MarkFlagRequired("brokers"))
	return c
}
