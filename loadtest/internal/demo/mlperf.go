package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/ntegral/ntegral/loadtest/internal/mlperf"
	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

// MLPerf runs the demo of the published power logs in the folder logs.
func MLPerf(ctx context.Context, o Options, logs string) (err error) {
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	dirs, err := mlperf.Convert(logs, filepath.Join(s.scratch, "mlperf"))
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if err := s.replay(ctx, d); err != nil {
			return err
		}
	}
	report, err := s.Report(ctx, "workload")
	if err != nil {
		return err
	}
	path := filepath.Join(s.scratch, "report.csv")
	if err := replaydir.WriteFile(path, func(w io.Writer) error { _, err := w.Write(report); return err }); err != nil {
		return err
	}
	scores, err := mlperf.Compare(logs, path)
	if err != nil {
		return err
	}
	s.say("\n")
	ok, err := mlperf.Print(o.Out, scores)
	if err != nil {
		return err
	}
	if err := s.proof(ctx); err != nil {
		return err
	}
	s.say("wall time: %s\n", s.elapsed())
	if !ok {
		return fmt.Errorf("an energy is outside ±%.2f %% of the published one", mlperf.Tolerance)
	}
	return nil
}
