package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

// Estate runs the demo of a generated estate.
func Estate(ctx context.Context, o Options, e estate.Options) (err error) {
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	e.Dir, e.Truth = filepath.Join(s.scratch, "estate"), filepath.Join(s.scratch, "truth.json")
	truth, rows, err := estate.Generate(e)
	if err != nil {
		return fmt.Errorf("generate estate: %w", err)
	}
	s.say("generated %s of a mixed estate: %d readings, %d workloads\n", e.Duration, rows, len(truth.Workloads)-1)
	if err := s.replay(ctx, e.Dir); err != nil {
		return err
	}
	report, err := s.Report(ctx, "workload")
	if err != nil {
		return err
	}
	ours, err := readReport(report)
	if err != nil {
		return err
	}
	s.say("\nOurs, and the planted truth beside it:\n\n")
	off, err := compare(o.Out, truth, ours)
	if err != nil {
		return err
	}
	s.say("\nworst: the largest deviation of a row's figures from the truth, of those too large to be noise; \"!\" marks one beyond %.0f %%.\n", 100*tolerance)
	wrong, err := s.hours(ctx, truth)
	if err != nil {
		return err
	}
	off += wrong
	if err := s.proof(ctx); err != nil {
		return err
	}
	s.say("wall time: %s\n", s.elapsed())
	s.more()
	if off > 0 {
		return fmt.Errorf("%d figures are further than %.0f %% from the planted truth", off, 100*tolerance)
	}
	return nil
}

// more says how to go on asking.
func (s *session) more() {
	dir := "DIR"
	if s.o.Keep {
		dir = s.Data
	}
	s.say(`
Ask for more while a system is up (repeat the demo with --keep, or fill one that "make up" runs):
  ntegral sql --data %[1]s "SELECT hour, workload, energy_kwh, cost FROM workload_efficiency_hourly ORDER BY energy_kwh DESC LIMIT 10"
  ntegral sql --data %[1]s "SELECT cluster, workload, idle_hours, energy_kwh, cost FROM idle_daily ORDER BY idle_hours DESC LIMIT 10"
  ntegral sql --data %[1]s "SELECT hour, workload, output_tokens, j_per_output_token, cost_per_output_token * 1e6 FROM served_hourly WHERE output_tokens > 0"
  ntegral learn --data %[1]s
  ntegral sql --data %[1]s "SHOW TABLES"
  ntegral report --data %[1]s --by team
`, dir)
}
