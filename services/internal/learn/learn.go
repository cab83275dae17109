// Package learn finds out, from facts, how much power each model of accelerator
// draws while nobody uses it, and publishes that as a rate of the kind idle_power.
//
// Words. A device-window is one window of one device, all of its rows added up:
// placements, states and corrections. It is idle if it is fully measured, fully
// known and not used; docs/methodology.md, 10.6, says exactly when. A group is what
// one rate is for: a model, or a model in a region.
//
// The figure of a group is the lower envelope of its idle device-windows: a low
// quantile, by rank, of their mean powers. Not their least: one sensor that reads
// low once would lower the figure for good, and every later energy with it. Not
// their mean: a card that keeps a model resident is idle as well, and draws half as
// much again as a free one.
//
// Invariants.
//   - Figures are integers, and depend on the set of facts alone.
//   - A group of which too little was seen has no figure: a guess is no rate.
//   - States take no part. Whether a card is at fault is judged by its idle power,
//     so that figure must not depend on the judgement.
//   - A figure that differs from the rate in force by no more than the tolerance
//     is not published: running it again changes nothing.
//
// One run is one goroutine. It holds 8 bytes for each idle device-window.
package learn

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// Settings are what the caller provides.
type Settings struct {
	Kafka  kafka.Config
	Store  textrow.Store
	Logger *slog.Logger // nil discards
	// Now is the clock of what is published; nil means time.Now.
	Now func() time.Time
}

// run is one run.
type run struct {
	cfg       Config
	set       Settings
	id        string
	maxValues int64 // device-windows in memory
}

// Run learns, publishes if it is told to, and returns what it found and did.
func Run(ctx context.Context, cfg Config, set Settings) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("learn: %w", err))
	}
	if set.Logger == nil {
		set.Logger = slog.New(slog.DiscardHandler)
	}
	if set.Now == nil {
		set.Now = time.Now
	}
	r := &run{cfg: cfg, set: set, id: rand.Text(), maxValues: maxValues}
	found, err := r.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("learn: %w", err)
	}
	return found, nil
}

func (r *run) run(ctx context.Context) (*Report, error) {
	if err := r.bound(ctx); err != nil {
		return nil, err
	}
	seen, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	rates, err := r.readRates(ctx)
	if err != nil {
		return nil, err
	}
	out := &Report{From: r.cfg.From, To: r.cfg.To, ValidFrom: r.cfg.ValidFrom, Quantile: r.cfg.Quantile}
	for _, g := range seen {
		m := r.cfg.judge(g, rates.apply(g.region, g.model, r.cfg))
		if !r.cfg.ByRegion {
			m.Apart = rates.apart(g.model, r.cfg)
		}
		out.Models = append(out.Models, m)
	}
	if r.cfg.Publish {
		out.Published, err = r.publish(ctx, out)
	}
	return out, err
}

// judge decides about one group; now is the rate that applies to it, nil if none does.
func (c Config) judge(g *group, now *unit.Power) Model {
	m := Model{Key: g.key, Windows: int64(len(g.powers)), Devices: int64(len(g.devices)), Current: now}
	m.Figure, m.Median = quantile(g.powers, c.Quantile), quantile(g.powers, half)
	switch {
	case m.Windows < c.MinWindows || m.Devices < c.MinDevices:
		m.Action = TooLittle
	case !plausible(m.Figure):
		m.Action = Implausible
	case now != nil && !differs(m.Figure, *now, c.Tolerance):
		m.Action = Keep
	case c.Publish:
		m.Action = Published
	default:
		m.Action = WouldPublish
	}
	return m
}

// bound completes the range by what facts there are, and sees that it lies on
// the edges of windows.
func (r *run) bound(ctx context.Context) error {
	if err := clickhouse.CheckEdges(ctx, r.set.Store, r.cfg.From, r.cfg.To); err != nil {
		return err
	}
	last, length, err := r.newest(ctx)
	if err != nil {
		return err
	}
	if r.cfg.To.IsZero() {
		r.cfg.To = last
	}
	if r.cfg.From.IsZero() {
		r.cfg.From = clickhouse.EdgeBefore(r.cfg.To.Add(-defaultRange), length)
	}
	if r.cfg.ValidFrom.IsZero() {
		r.cfg.ValidFrom = r.cfg.To
	}
	return r.cfg.Validate()
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
