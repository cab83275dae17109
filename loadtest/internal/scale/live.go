package scale

import (
	"context"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/schemas/record"
)

const (
	// lagEvery is between two looks at the lag, sayEvery between two lines of it.
	lagEvery = time.Second
	sayEvery = 10 * time.Second
	// A lag that grows by more than so many seconds, and by more than so many a
	// second, over the last two thirds of a course is not that of a sawtooth.
	growthSeconds, growthSlope = 2, 0.01
)

// moment is one look at a live run.
type moment struct {
	at  time.Duration
	lag float64 // seconds of the load
}

// course is a live run.
type course struct {
	span          time.Duration
	moments       []moment
	log           tally
	before, after map[string]product.Usage
	late          float64 // the most that the generator was behind, seconds
	behind        uint64  // the most steps that the store lacked
	stall         stall
	together      int64
}

// trend is the slope of the lag over the last two thirds, in seconds a second,
// and how much it makes over them.
func (c *course) trend() (slope, growth float64) {
	m := c.moments[len(c.moments)/3:]
	if len(m) < 2 {
		return 0, 0
	}
	var sx, sy, sxx, sxy float64
	for _, p := range m {
		x := p.at.Seconds()
		sx, sy, sxx, sxy = sx+x, sy+p.lag, sxx+x*x, sxy+x*p.lag
	}
	n := float64(len(m))
	slope = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return slope, slope * (m[len(m)-1].at - m[0].at).Seconds()
}

// sustained says whether the lag does not grow, under a generator that was on time.
func (c *course) sustained() bool {
	slope, growth := c.trend()
	return c.late < growthSeconds && (slope <= growthSlope || growth <= growthSeconds)
}

// lags are the mean, the largest and the last lag.
func (c *course) lags() (mean, most, last float64) {
	for _, m := range c.moments {
		mean += m.lag / float64(len(c.moments))
		most, last = max(most, m.lag), m.lag
	}
	return mean, most, last
}

// lag is how many seconds of the load no commit has used.
func (r *rig) lag(ctx context.Context) (float64, error) {
	ends, err := r.ends(ctx, record.Samples)
	if err != nil {
		return 0, err
	}
	tasks, _, err := r.log.now()
	records := int64(0)
	for p, end := range ends {
		records += max(0, end-tasks[p].samples)
	}
	return float64(records) * r.load.Slot().Seconds() / float64(r.load.Nodes()), err
}

// liven lets the generator go on live, and looks at the lag until it is done.
func (r *rig) liven(ctx context.Context) (*course, error) {
	c := &course{span: time.Duration(r.load.Slots(r.Live)) * r.load.Slot()}
	_, before, err := r.log.now()
	if err != nil {
		return nil, err
	}
	stood, err := r.stalls(ctx)
	if err != nil {
		return nil, err
	}
	if c.before, err = r.usages(); err != nil {
		return nil, err
	}
	if err := r.gen.live(); err != nil {
		return nil, err
	}
	if err := r.look(ctx, c); err != nil {
		return nil, err
	}
	if c.after, err = r.usages(); err != nil {
		return nil, err
	}
	_, c.late = r.gen.report()
	_, after, err := r.log.now()
	if err != nil {
		return nil, err
	}
	c.log, c.together = after.minus(before), r.memory.peak()
	if c.stall, err = r.stalls(ctx); err != nil {
		return nil, err
	}
	c.stall.count, c.stall.seconds = c.stall.count-stood.count, c.stall.seconds-stood.seconds
	return c, nil
}

// look notes the lag until the generator is done.
func (r *rig) look(ctx context.Context, c *course) error {
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	began, said := time.Now(), time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		at := time.Since(began)
		if report, _ := r.gen.report(); report.Phase == cluster.Done {
			return nil
		}
		select {
		case <-r.gen.done:
			_, err := r.gen.await(ctx, cluster.Done)
			return err
		default:
		}
		lag, err := r.lag(ctx)
		if err != nil {
			return err
		}
		c.moments = append(c.moments, moment{at, lag})
		if at-said < sayEvery {
			continue
		}
		said = at
		if err := r.lookAtStore(ctx, c, at, lag); err != nil {
			return err
		}
	}
}

// lookAtStore says how far the store is behind, beside the lag.
func (r *rig) lookAtStore(ctx context.Context, c *course, at time.Duration, lag float64) error {
	tasks, _, err := r.log.now()
	if err != nil {
		return err
	}
	have, err := r.ledger(ctx)
	if err != nil {
		return err
	}
	behind := uint64(0)
	for p, s := range tasks {
		behind = max(behind, s.step-min(s.step, have[p]))
	}
	c.behind = max(c.behind, behind)
	_, late := r.gen.report()
	r.say("  live %s of %s: lag %.1f s, store %d steps behind, generator late by %.1f s at most", at.Round(time.Second), c.span, lag, behind, late)
	return nil
}
