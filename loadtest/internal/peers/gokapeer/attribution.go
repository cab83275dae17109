package gokapeer

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/lovoo/goka"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

const minute = int64(time.Minute)

// attribution is the processor's callback and what it needs.
type attribution struct {
	table    goka.Table
	decoders sync.Pool
	held     sync.Map // by node; the join table's value, decoded once
}

// take applies one record of the samples.
func (a *attribution) take(ctx goka.Context, msg any) {
	d := a.decoders.Get().(*record.SamplesDecoder)
	defer a.decoders.Put(d)
	b, err := d.Decode(msg.([]byte))
	if err != nil {
		ctx.Fail(fmt.Errorf("decode samples: %w", err))
	}
	s, _ := ctx.Value().(*state)
	if s == nil {
		s = newState()
	}
	holds, err := a.holders(ctx)
	if err != nil {
		ctx.Fail(err)
	}
	if len(b.Series) == 0 { // a seal has the same first fields and nothing else
		s.close(ctx, 1<<62)
	} else {
		newest := s.add(b, holds)
		s.close(ctx, newest/minute)
	}
	ctx.SetValue(s)
}

// hold is a workload's time on a device.
type hold struct {
	from, to int64
	workload string
}

func (a *attribution) holders(ctx goka.Context) (map[string][]hold, error) {
	if v, ok := a.held.Load(ctx.Key()); ok {
		return v.(map[string][]hold), nil
	}
	holds := map[string][]hold{}
	b, _ := ctx.Join(a.table).([]byte)
	for len(b) > 0 {
		n, w := binary.Uvarint(b)
		if w <= 0 || uint64(len(b)-w) < n {
			return nil, fmt.Errorf("read placements of %s: cut short", ctx.Key())
		}
		p, err := record.DecodePlacement(b[w : w+int(n)])
		if err != nil {
			return nil, fmt.Errorf("read placements of %s: %w", ctx.Key(), err)
		}
		for _, d := range p.Devices {
			holds[d] = append(holds[d], hold{p.Start, p.End, p.Workload})
		}
		b = b[w+int(n):]
	}
	a.held.Store(ctx.Key(), holds)
	return holds, nil
}

// holder finds who holds a device at t; the load's holds do not overlap.
func holder(holds []hold, t int64) string {
	for i := range holds {
		if t >= holds[i].from && t < holds[i].to {
			return holds[i].workload
		}
	}
	return ""
}

// add applies a record's energy and activity and returns its newest time.
func (s *state) add(b *record.SampleBatch, holds map[string][]hold) (newest int64) {
	for i := range b.Series {
		c := &b.Series[i]
		if c.Metric != telemetry.EnergyJoules && c.Metric != telemetry.SMActive {
			continue
		}
		key := seriesKey{c.Device, c.Metric}
		last, known := s.last[key]
		for j, t := range b.Axes[c.Axis] {
			v := c.Values.At(j)
			if known {
				sum := s.open(last.t/minute, holder(holds[c.Device], last.t))
				if c.Metric == telemetry.EnergyJoules {
					sum.energy += v - last.v
				} else {
					sum.busy += (v + last.v) * ((t - last.t) / 1000) / 2000 // ppm × µs: ns
				}
			}
			last, known = reading{t, v}, true
		}
		s.last[key] = last
		newest = max(newest, last.t)
	}
	return newest
}

// close emits the minutes before the given one.
func (s *state) close(ctx goka.Context, before int64) {
	for k, sum := range s.sums {
		if k.minute < before {
			b := binary.AppendVarint(nil, k.minute)
			b = binary.AppendVarint(binary.AppendVarint(b, sum.energy), sum.busy)
			ctx.Emit(goka.Stream(Facts), ctx.Key(), append(b, k.workload...))
			delete(s.sums, k)
		}
	}
}
