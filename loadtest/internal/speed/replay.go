package speed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/benchset"
	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// Options choose one measurement.
type Options struct {
	Binary string
	Cache  string // of generated sets; empty: DefaultCache
	Set    benchset.Options
	Within time.Duration // fails when the replay takes longer; 0: no limit
	Out    io.Writer
	Log    io.Writer
}

const stopWithin = 60 * time.Second

// Replay measures one replay and prints the figures.
func Replay(ctx context.Context, o Options) (err error) {
	if o.Cache == "" {
		if o.Cache, err = DefaultCache(); err != nil {
			return err
		}
	}
	dir, size, err := set(o.Cache, o.Set)
	if err != nil {
		return err
	}
	peerRate, err := peer(dir)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "ntegral-bench-")
	if err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	s, err := product.New(o.Binary, filepath.Join(scratch, "data"), o.Log)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		err = errors.Join(err, s.Down(ctx))
	}()
	if err := s.Up(ctx); err != nil {
		return err
	}
	m, err := measure(ctx, s, dir)
	if err != nil {
		return err
	}
	m.print(o.Out, size, peerRate)
	if o.Within > 0 && m.took > o.Within {
		return fmt.Errorf("the replay took %s, the target is %s", m.took.Round(time.Millisecond), o.Within)
	}
	return nil
}

// measurement is what one replay took.
type measurement struct {
	took   time.Duration
	facts  string
	before map[string]product.Usage
	after  []product.Usage
}

func measure(ctx context.Context, s *product.System, dir string) (measurement, error) {
	m := measurement{before: map[string]product.Usage{}}
	before, err := s.Usages()
	if err != nil {
		return m, err
	}
	for _, u := range before {
		m.before[u.Name] = u
	}
	replay := s.Replay(ctx, dir)
	began := time.Now()
	if err := replay.Run(); err != nil {
		return m, err
	}
	m.took = time.Since(began)
	if m.after, err = s.Usages(); err != nil {
		return m, err
	}
	own := product.Usage{Name: "replay", CPU: replay.ProcessState.UserTime() + replay.ProcessState.SystemTime()}
	if r, ok := replay.ProcessState.SysUsage().(*syscall.Rusage); ok {
		own.PeakRSS = r.Maxrss * 1024
	}
	m.after = append(m.after, own)
	rows, err := s.SQL(ctx, "SELECT count() FROM facts")
	if err != nil {
		return m, err
	}
	if len(rows) > 0 {
		m.facts = rows[0][0]
	}
	return m, nil
}

func (m measurement) print(w io.Writer, size benchset.Set, peerRate float64) {
	seconds := m.took.Seconds()
	rate := float64(size.Rows) / seconds
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	say("replay_seconds=%.2f", seconds)
	say("rows=%d", size.Rows)
	say("device_samples=%d", size.DeviceSamples)
	say("fact_rows=%s", m.facts)
	say("rows_per_s=%.0f", rate)
	say("device_samples_per_s=%.0f", float64(size.DeviceSamples)/seconds)
	say("peer_csv_scan_rows_per_s=%.0f", peerRate)
	say("ratio_to_peer=%.3f", rate/peerRate)
	total := time.Duration(0)
	for _, u := range m.after {
		cpu := u.CPU - m.before[u.Name].CPU
		total += cpu
		say("%s_cpu_seconds=%.2f", u.Name, cpu.Seconds())
		say("%s_peak_rss_mib=%.1f", u.Name, float64(u.PeakRSS)/(1<<20))
		if restarts := u.Restarts - m.before[u.Name].Restarts; restarts > 0 {
			say("%s_restarts=%d", u.Name, restarts)
		}
	}
	say("cpu_seconds=%.2f", total.Seconds())
	say("cpu_microseconds_per_row=%.3f", total.Seconds()*1e6/float64(size.Rows))
}
