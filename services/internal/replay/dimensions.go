package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// dimensions is what a directory says besides readings.
type dimensions struct {
	devices    []replay.DeviceRow
	rates      []replay.RateRow
	placements []replay.PlacementRow
	charges    int64
}

func (d *dimensions) summary() string {
	return fmt.Sprintf("%s, %s, %s, %s", plural(int64(len(d.devices)), "device"), plural(int64(len(d.rates)), "rate"),
		plural(int64(len(d.placements)), "placement"), plural(d.charges, "charge"))
}

// source makes an input something that the readers of the format take.
func (r *run) source(in *input) replay.Source {
	s := replay.Source{File: in.name, Reader: in, Report: r.faults.report}
	if r.cfg.DryRun {
		s.Explained = math.MaxInt64
	}
	return s
}

// with calls fn with a file of the directory, if it has it.
func (r *run) with(file string, fn func(in *input) error) error {
	in, err := r.dir.open(file)
	if in == nil || err != nil {
		return err
	}
	return errors.Join(fn(in), in.close())
}

// readDimensions reads all files but the samples; nothing is published yet, so
// that a strict replay can stop before it has begun.
func (r *run) readDimensions() (d dimensions, err error) {
	for _, name := range r.dir.stray {
		r.faults.report(replay.Fault{File: name, Reason: telemetry.Ignored, Warning: true, Message: "not a file of the format: want inventory.csv, samples.csv, placements.csv, rates.csv or billing.csv; not read"})
	}
	if r.dir.names[replay.SamplesFile] == "" {
		r.faults.report(replay.Fault{File: replay.SamplesFile, Reason: telemetry.NoReadings, Warning: true, Message: "the directory has none: there is no reading to publish"})
	}
	for _, f := range []struct {
		file string
		read func(in *input) error
	}{
		{replay.InventoryFile, func(in *input) error { d.devices = replay.ReadInventory(r.source(in), r.estate); return nil }},
		{replay.RatesFile, func(in *input) error { d.rates = replay.ReadRates(r.source(in)); return nil }},
		{replay.PlacementsFile, func(in *input) error {
			d.placements = replay.ReadPlacements(r.source(in), r.estate, r.s.Now().UnixNano())
			return nil
		}},
		{replay.BillingFile, func(in *input) error {
			return replay.ReadBilling(r.source(in), func(replay.BillingRow) error { d.charges++; return r.ctx.Err() })
		}},
	} {
		if err := r.with(f.file, f.read); err != nil {
			return d, err
		}
		if r.cfg.Strict {
			if err := r.faults.strict(); err != nil {
				return d, err
			}
		}
	}
	return d, nil
}

// publishDimensions sends inventory, rates, placements and billing, and waits
// for their acknowledgement.
func (r *run) publishDimensions(ctx context.Context, d dimensions) error {
	at := r.progress.TakenIn
	for i := range d.devices {
		row := &d.devices[i]
		e := record.Envelope{ID: r.out.id("device", 0, int64(row.Line)), Type: record.TypeDevice, Time: at}
		if err := r.out.send(ctx, record.Inventory, row.Node, e, record.AppendDevice(nil, &row.Device)); err != nil {
			return err
		}
	}
	for i := range d.rates {
		rate := shiftRate(d.rates[i].Rate, r.progress.Shift)
		e := record.Envelope{ID: r.out.id("rate", 0, int64(d.rates[i].Line)), Type: record.TypeRate, Time: at}
		if err := r.out.send(ctx, record.Rates, record.RatesKey, e, record.AppendRate(nil, &rate)); err != nil {
			return err
		}
	}
	for i := range d.placements {
		p := d.placements[i].Placement
		p.Revision = r.progress.Revision + uint64(d.placements[i].Number)
		p.Start = shiftTime(p.Start, r.progress.Shift)
		p.End = shiftTime(p.End, r.progress.Shift)
		e := record.Envelope{ID: r.out.id("placement", 0, int64(d.placements[i].Line)), Type: record.TypePlacement, Time: at}
		if err := r.out.send(ctx, record.Placements, p.Node, e, record.AppendPlacement(nil, &p)); err != nil {
			return err
		}
	}
	if err := r.publishBilling(ctx); err != nil {
		return err
	}
	return r.out.settle(ctx)
}

// publishBilling reads billing.csv again: its faults are known, and it may be
// larger than what one wants to hold. Its times are not shifted: an invoice is
// for its own month.
func (r *run) publishBilling(ctx context.Context) error {
	return r.with(replay.BillingFile, func(in *input) error {
		return replay.ReadBilling(replay.Source{File: in.name, Reader: in}, func(row replay.BillingRow) error {
			e := record.Envelope{ID: r.out.id("charge", 0, int64(row.Line)), Type: record.TypeBilling, Time: r.progress.TakenIn}
			return r.out.send(ctx, record.Billing, row.Account, e, json.RawMessage(row.JSON))
		})
	})
}

func shiftTime(t, by int64) int64 {
	if t == telemetry.MinTime || t == telemetry.MaxTime {
		return t
	}
	return t + by
}

func shiftRate(r telemetry.Rate, by int64) telemetry.Rate {
	r.From, r.To = shiftTime(r.From, by), shiftTime(r.To, by)
	return r
}
