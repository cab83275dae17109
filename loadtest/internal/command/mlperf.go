package command

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/loadtest/internal/mlperf"
)

func convert(out io.Writer) *cobra.Command {
	var data, dir string
	c := &cobra.Command{
		Use: "mlperf", Short: "Published power logs into one replay directory a benchmark", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dirs, err := mlperf.Convert(data, dir)
			if err != nil {
				return err
			}
			for _, d := range dirs {
				if _, err := fmt.Fprintf(out, "dir=%s\n", d); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "", "folder of the power logs, jobs.csv and published_results.csv")
	c.Flags().StringVar(&dir, "out", "", "folder for the replay directories")
	must(c.MarkFlagRequired("data"))
	must(c.MarkFlagRequired("out"))
	return group("convert", "Turn foreign logs into replay directories", c)
}

func mlperfScore(out io.Writer) *cobra.Command {
	var data, results string
	c := &cobra.Command{
		Use: "mlperf-score", Short: "Hold a report by workload (csv) against the published energies", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			scores, err := mlperf.Compare(data, results)
			if err != nil {
				return err
			}
			ok, err := mlperf.Print(out, scores)
			if err == nil && !ok {
				err = errors.New("an energy is too far from the published one")
			}
			return err
		},
	}
	c.Flags().StringVar(&data, "data", "", "folder of jobs.csv, published_results.csv and scaling_factors.csv")
	c.Flags().StringVar(&results, "results", "", "output of: ntegral report --by workload --format csv")
	must(c.MarkFlagRequired("data"))
	must(c.MarkFlagRequired("results"))
	return c
}
