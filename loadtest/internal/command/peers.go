package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/loadtest/internal/peers"
	"github.com/ntegral/ntegral/loadtest/internal/peers/gokapeer"
)

func comparePeers(out, log io.Writer) *cobra.Command {
	o := peers.Options{Out: out, Log: log, Load: peers.Standard()}
	c := &cobra.Command{
		Use: "peers", Short: "Run the product and its peers on the same topics, one after the other", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Self, err = os.Executable(); err != nil {
				return fmt.Errorf("find own binary: %w", err)
			}
			return peers.Compare(c.Context(), o)
		},
	}
	binaryFlag(c, &o.Binary)
	c.Flags().IntVar(&o.Load.Nodes, "nodes", o.Load.Nodes, "nodes, of eight accelerators each")
	c.Flags().DurationVar(&o.Load.Duration, "duration", o.Load.Duration, "time that the load covers, at 1 Hz")
	c.Flags().Uint64Var(&o.Load.Seed, "seed", o.Load.Seed, "seed of the load")
	c.Flags().DurationVar(&o.Limit, "limit", time.Minute, "time for each contender")
	c.Flags().StringSliceVar(&o.Only, "only", nil, "contenders to run (default: all)")
	c.Flags().StringVar(&o.Streams, "streams", "", "folder of the built Kafka Streams contender")
	c.Flags().StringVar(&o.Kafka, "kafka", "", "script that starts and stops Apache Kafka")
	c.Flags().BoolVar(&o.Keep, "keep-files", false, "keep folder and logs")
	return c
}

// contender is how peers starts the contenders that are written in Go, each in
// a process of its own.
func contender(out io.Writer) *cobra.Command {
	var brokers string
	sub := func(use, short string, run func(ctx context.Context) error) *cobra.Command {
		c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return run(c.Context()) }}
		c.Flags().StringVar(&brokers, "brokers", "", "host:port of the broker")
		must(c.MarkFlagRequired("brokers"))
		return c
	}
	c := group("contender", "One contender of peers, which starts it",
		sub("ceiling", "Decode and hash all samples", func(ctx context.Context) error { return peers.Ceiling(ctx, brokers, out) }))
	var placements, dir string
	goka := sub("goka", "Make facts with goka", func(ctx context.Context) error { return gokapeer.Run(ctx, brokers, placements, dir, out) })
	goka.Flags().StringVar(&placements, "placements", "", "topic of the placements table")
	goka.Flags().StringVar(&dir, "dir", "", "folder of the store")
	c.AddCommand(goka)
	c.Hidden = true
	return c
}
