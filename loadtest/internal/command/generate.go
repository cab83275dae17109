package command

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/loadtest/internal/benchset"
	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

func generate(out io.Writer) *cobra.Command {
	return group("generate", "Write a replay directory", generateEstate(out), generateBench(out))
}

func generateEstate(out io.Writer) *cobra.Command {
	var o estate.Options
	var start string
	c := &cobra.Command{
		Use: "estate", Short: "Two busy hours of a small mixed estate, with the planted truth beside them", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) (err error) {
			if o.Start, err = parseStart(start); err != nil {
				return fmt.Errorf("read --start: %w", err)
			}
			if o.Truth == "" {
				o.Truth = filepath.Clean(o.Dir) + ".truth.json"
			}
			t, rows, err := estate.Generate(o)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "dir=%s\ntruth=%s\nrows=%d\nworkloads=%d\nenergy_kwh=%.3f\n", o.Dir, o.Truth, rows, len(t.Workloads)-1, t.Total.EnergyKWh)
			return err
		},
	}
	estateFlags(c, &o, &start)
	c.Flags().StringVar(&o.Dir, "out", "", "the replay directory")
	c.Flags().StringVar(&o.Truth, "truth", "", "file of the planted truth (default: OUT.truth.json)")
	c.Flags().BoolVar(&o.Zip, "gzip", false, "write samples.csv.gz")
	must(c.MarkFlagRequired("out"))
	return c
}

func estateFlags(c *cobra.Command, o *estate.Options, start *string) {
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "the same seed gives the same estate")
	c.Flags().StringVar(start, "start", defaultStart, "start of the recording, RFC 3339")
	c.Flags().DurationVar(&o.Duration, "duration", 2*time.Hour, "length of the recording")
}

func generateBench(out io.Writer) *cobra.Command {
	var o benchset.Options
	var start string
	c := &cobra.Command{
		Use: "bench", Short: "A large regular set", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) (err error) {
			if o.Start, err = parseStart(start); err != nil {
				return fmt.Errorf("read --start: %w", err)
			}
			began := time.Now()
			set, err := benchset.Generate(o)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "dir=%s\nrows=%d\ndevice_samples=%d\nplacements=%d\ngenerate_seconds=%.2f\n", o.Dir, set.Rows, set.DeviceSamples, set.Placements, time.Since(began).Seconds())
			return err
		},
	}
	setFlags(c, &o, 64, 2*time.Hour)
	c.Flags().StringVar(&start, "start", defaultStart, "time of the first sample, RFC 3339")
	c.Flags().StringVar(&o.Dir, "out", "", "the replay directory")
	c.Flags().BoolVar(&o.Zip, "gzip", false, "write samples.csv.gz")
	must(c.MarkFlagRequired("out"))
	return c
}

func setFlags(c *cobra.Command, o *benchset.Options, nodes int, duration time.Duration) {
	c.Flags().IntVar(&o.Nodes, "nodes", nodes, "number of nodes")
	c.Flags().IntVar(&o.Devices, "devices", 8, "accelerators a node")
	c.Flags().DurationVar(&o.Duration, "duration", duration, "length of the set")
	c.Flags().DurationVar(&o.Every, "every", 2*time.Second, "time between two samples of a device")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "the same seed gives the same set")
	c.Flags().BoolVar(&o.Mixed, "mixed", false, "add partitioned and shared nodes, missing and late readings")
}
