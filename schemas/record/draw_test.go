package record_test

import (
	"math/big"
	"slices"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// The draw functions say, per message, what the contract should read from what
// our encoder wrote. They repeat the names of ntegral.proto on purpose.

func drawSamples(r source) ([]byte, fields) {
	s := r.samples()
	axes := list(s.Axes, func(axis []int64) any {
		if len(axis) == 0 {
			return fields{}
		}
		// The tick is the writer's choice: the largest that divides every step.
		tick := int64(1_000_000_000)
		for i := 1; i < len(axis); i++ {
			for (axis[i]-axis[i-1])%tick != 0 {
				tick /= 1000
			}
		}
		steps := make([]any, len(axis)-1)
		for i := range steps {
			steps[i] = (axis[i+1] - axis[i]) / tick
		}
		return of(fields{"start": axis[0], "count": uint64(len(axis)), "tick": tick, "steps": steps})
	})
	var devices, counts, metrics, seriesAxes, bases, scales, offsets []any
	for i, c := range s.Series {
		if i == 0 || s.Series[i-1].Device != c.Device {
			devices, counts = append(devices, c.Device), append(counts, uint64(0))
		}
		counts[len(counts)-1] = counts[len(counts)-1].(uint64) + 1
		base, scale, b := packed(c.Values.AppendTo(nil))
		metrics, seriesAxes, bases, scales = append(metrics, uint64(c.Metric)), append(seriesAxes, uint64(c.Axis)), append(bases, base), append(scales, max(scale, 1))
		offsets = append(offsets, append([]byte{}, b...))
	}
	if !slices.ContainsFunc(s.Series, func(c record.SeriesColumn) bool { return c.Axis > 0 }) {
		seriesAxes = nil
	}
	return s.Append(nil), of(fields{
		"node": s.Node, "taken_in": s.TakenIn, "axes": axes, "devices": devices, "counts": counts, "metrics": metrics, "series_axes": seriesAxes,
		"bases": bases, "scales": scales, "offsets": offsets,
	})
}

// packed says what a column of values should be in the contract's words, by trying.
func packed(values []int64) (base int64, scale uint64, offsets []byte) {
	if len(values) == 0 {
		return 0, 0, nil
	}
	base = slices.Min(values)
	common, top := new(big.Int), new(big.Int)
	rise := make([]*big.Int, len(values))
	for i, v := range values {
		rise[i] = new(big.Int).Sub(big.NewInt(v), big.NewInt(base))
		common.GCD(nil, nil, common, rise[i])
		if rise[i].Cmp(top) > 0 {
			top = rise[i]
		}
	}
	if top.Sign() == 0 {
		return base, 0, nil
	}
	width := 1
	for quotient := new(big.Int).Div(top, common); quotient.BitLen() > 8*width; {
		width *= 2
	}
	for _, r := range rise {
		b := new(big.Int).Div(r, common).FillBytes(make([]byte, width))
		slices.Reverse(b)
		offsets = append(offsets, b...)
	}
	if common.Cmp(big.NewInt(1)) == 0 {
		return base, 0, offsets
	}
	return base, common.Uint64(), offsets
}

func drawSeal(r source) ([]byte, fields) {
	s := record.Seal{Node: r.name(), TakenIn: r.signed()}
	return s.Append(nil), of(fields{"node": s.Node, "taken_in": s.TakenIn})
}

func drawDevice(r source) ([]byte, fields) {
	d := r.device()
	return record.AppendDevice(nil, &d), of(fields{
		"node": d.Node, "id": d.ID, "kind": uint64(d.Kind), "model": d.Model, "parent": d.Parent, "provider": d.Provider,
		"region": d.Region, "zone": d.Zone, "instance_type": d.InstanceType, "cluster": d.Cluster, "tenant": d.Tenant,
	})
}

func drawPlacement(r source) ([]byte, fields) {
	p := r.placement()
	f := fields{
		"id": p.ID, "node": p.Node, "revision": p.Revision, "manager": uint64(p.Manager), "cluster": p.Cluster, "workload": p.Workload,
		"kind": p.Kind, "tenant": p.Tenant, "team": p.Team, "devices": list(p.Devices, plain), "mode": uint64(p.Mode), "share": p.Share,
		"start": p.Start, "labels": p.Labels, "cpu_request": p.CPURequest, "memory_request": p.MemoryRequest,
	}
	if p.End != telemetry.MaxTime {
		f["ended"], f["end"] = true, p.End
	}
	return record.AppendPlacement(nil, &p), of(f)
}

func drawRate(r source) ([]byte, fields) {
	v := r.rate()
	f := fields{"kind": uint64(v.Kind), "key": v.Key, "value": v.Value, "currency": v.Currency, "source": v.Source}
	if v.From != telemetry.MinTime {
		f["bounded_from"], f["from"] = true, v.From
	}
	if v.To != telemetry.MaxTime {
		f["bounded_until"], f["until"] = true, v.To
	}
	return record.AppendRate(nil, &v), of(f)
}

func drawOpen(r source) ([]byte, fields) {
	o := record.Open{Task: r.task(), Epoch: r.num(), ID: r.text()}
	return o.Append(nil), of(fields{"task": int64(o.Task), "epoch": o.Epoch, "id": o.ID})
}

func withOffsets(f fields, o record.Offsets) fields {
	f["samples_offset"], f["placements_offset"] = o.Samples, o.Placements
	f["inventory_offset"], f["rates_offset"], f["corrections_offset"] = o.Inventory, o.Rates, o.Corrections
	return of(f)
}

func drawCommit(r source) ([]byte, fields) {
	c := r.commit()
	return c.Append(nil), withOffsets(fields{
		"task": int64(c.Task), "epoch": c.Epoch, "step": c.Step, "parts": uint64(c.Parts), "rows": c.Rows, "recorded_at": c.RecordedAt,
		"sums": list(c.Sums, plain), "counts": list(c.Counts, plain), "readings": c.Readings, "duplicates": c.Duplicates, "watermark": c.Watermark,
		"rejected_energy": c.RejectedEnergy, "unplaced_energy": c.UnplacedEnergy, "inconsistent_energy": c.InconsistentEnergy,
		"residual_energy": c.ResidualEnergy, "residual_money": c.ResidualMoney, "residual_time": c.ResidualTime, "pending": c.Pending,
	}, c.Inputs)
}

func drawManifest(r source) ([]byte, fields) {
	m := r.manifest()
	return m.Append(nil), withOffsets(fields{
		"task": int64(m.Task), "epoch": m.Epoch, "step": m.Step, "checkpoint": m.Checkpoint, "chunks": m.Chunks,
		"first_chunk": m.FirstChunk, "facts_from": m.FactsFrom, "checksum": m.Checksum, "version": m.Version,
		"history_from": m.HistoryFrom, "history_to": m.HistoryTo,
	}, m.Inputs)
}

func drawDeadLetter(r source) ([]byte, fields) {
	d := r.deadLetter()
	return d.Append(nil), of(fields{
		"reason": uint64(d.Reason), "detail": d.Detail, "origin": d.Origin, "partition": int64(d.Partition), "position": d.Position,
		"column": d.Column, "node": d.Node, "count": d.Count, "first": d.First, "last": d.Last, "payload": d.Payload,
	})
}

func drawProgress(r source) ([]byte, fields) {
	p := r.progress()
	return p.Append(nil), of(fields{
		"digest": p.Digest, "revision": p.Revision, "taken_in": p.TakenIn, "shift": p.Shift, "phase": p.Phase,
		"chunks": p.Chunks, "readings": p.Readings, "rejected": p.Rejected,
	})
}
