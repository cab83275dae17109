package replay

import (
	"context"

	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// dryRun reads everything, prints every fault and publishes nothing. It needs
// no system, so only the directory's own inventory counts as known.
func (r *run) dryRun(ctx context.Context) error {
	now := r.s.Now().UnixNano()
	dims, err := r.readDimensions()
	if err != nil {
		return err
	}
	shift, err := r.shift(now)
	if err != nil {
		return err
	}
	var rates []telemetry.Rate
	for _, row := range dims.rates {
		rates = append(rates, shiftRate(row.Rate, shift))
	}
	rows := int64(0)
	err = r.with(replay.SamplesFile, func(in *input) error {
		samples := replay.NewSamples(r.source(in), r.estate, replay.Bounds{TakenIn: now, MaxSkew: int64(r.cfg.MaxFutureSkew), Shift: shift, Speed: r.cfg.Speed})
		p := &sampling{run: r, in: in, samples: samples}
		for samples.Next() {
			if samples.Series != nil {
				r.readings++
			}
			if r.cfg.Strict && r.faults.first != nil {
				return r.faults.strict()
			}
			if samples.Rows()%statusEvery == 0 {
				if ctx.Err() != nil {
					return lifecycle.Interrupted(ctx.Err())
				}
				if r.console.due() {
					r.console.status(p.status())
				}
			}
		}
		rows = samples.Rows()
		samples.WarnOfNoRows(r.faults.report)
		samples.WarnOfDisorder(r.faults.report)
		replay.WarnOfGaps(rates, r.estate, samples.Spans(), r.faults.report)
		replay.WarnOfCurrencies(rates, r.estate, samples.Spans(), r.faults.report)
		return nil
	})
	if err != nil {
		return err
	}
	r.console.line("%s, %s of %s of samples can be used", dims.summary(), count(r.readings), plural(rows, "row"))
	if r.faults.total == 0 {
		r.console.line("no faults, %s", plural(r.faults.warnings, "warning"))
		return nil
	}
	r.console.line("%s (%s), %s", plural(r.faults.total, "fault"), r.faults.summary(), plural(r.faults.warnings, "warning"))
	return &RefusedError{Rows: r.faults.total}
}
