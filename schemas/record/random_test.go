package record_test

import (
	"math/rand/v2"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// source draws random messages. Every fifth value or so is the zero value, so
// that both a field's presence and its absence are met.
type source struct{ *rand.Rand }

func (r source) text() string {
	return []string{"", "a", "gpu-0", "GPU-5f2c0a11", "träining/µ", "a b\"c\n"}[r.IntN(6)]
}

func (r source) name() string { return "n" + r.text() }

func (r source) num() uint64 {
	if r.IntN(5) == 0 {
		return 0
	}
	return r.Uint64() >> r.IntN(64)
}

func (r source) signed() int64 { return int64(r.num()) }

// time draws moments whose differences fit 64 bits, as those of readings do.
func (r source) time() int64 { return r.signed() >> 2 }

func (r source) ints(n int) []int64 {
	if n == 0 {
		return nil
	}
	vs := make([]int64, n)
	for i := range vs {
		vs[i] = r.signed()
	}
	return vs
}

// values draws numbers of every width, with and without a scale.
func (r source) values(n int) []int64 {
	vs := r.ints(n)
	width, scale := r.IntN(64), []int64{1, 100, 1000, 1 << 20}[r.IntN(4)]
	for i := range vs {
		vs[i] = vs[i]>>width*scale + int64(width)
	}
	return vs
}

func (r source) samples() *record.SampleBatch {
	s := &record.SampleBatch{Node: r.name(), TakenIn: r.signed()}
	for range r.IntN(4) {
		axis := make([]int64, r.IntN(6))
		for i := range axis {
			axis[i] = r.time()
			if i > 0 && r.IntN(2) == 0 {
				axis[i] = axis[i-1] + []int64{1, 1e3, 1e6, 1e9, 10e9, -1e9, 0}[r.IntN(7)]
			}
		}
		s.Axes = append(s.Axes, axis)
	}
	for range r.IntN(5) {
		if len(s.Axes) == 0 {
			break
		}
		axis := r.IntN(len(s.Axes))
		s.Series = append(s.Series, record.SeriesColumn{
			Device: r.text(), Metric: telemetry.Metric(r.IntN(int(telemetry.NumMetrics))), Axis: axis, Values: record.ColumnOf(r.values(len(s.Axes[axis]))...),
		})
	}
	return s
}

func (r source) device() telemetry.Device {
	return telemetry.Device{
		Node: r.name(), ID: r.text(), Kind: telemetry.Kind(r.IntN(7)), Model: r.text(), Parent: r.text(), Provider: r.text(),
		Region: r.text(), Zone: r.text(), InstanceType: r.text(), Cluster: r.text(), Tenant: r.text(),
	}
}

func (r source) placement() telemetry.Placement {
	p := telemetry.Placement{
		ID: r.name(), Node: r.name(), Revision: r.num(), Manager: telemetry.Manager(r.IntN(5)), Cluster: r.text(), Workload: r.text(),
		Kind: r.text(), Tenant: r.text(), Team: r.text(), Mode: telemetry.Mode(r.IntN(6)), Share: r.text(), Start: r.signed(), End: telemetry.MaxTime, Labels: r.text(),
		CPURequest: r.num() % (telemetry.MaxCPURequest + 1), MemoryRequest: r.num() % (telemetry.MaxMemoryRequest + 1),
	}
	if r.IntN(2) == 0 {
		p.End = r.signed()
	}
	for range r.IntN(3) {
		p.Devices = append(p.Devices, r.text())
	}
	return p
}

func (r source) rate() telemetry.Rate {
	v := telemetry.Rate{
		Kind: telemetry.RateKind(r.IntN(int(telemetry.NumRateKinds))), Key: r.text(), Value: r.signed(),
		Currency: []string{"", "USD", "EUR"}[r.IntN(3)], From: telemetry.MinTime, To: telemetry.MaxTime, Source: r.text(),
	}
	if r.IntN(2) == 0 {
		v.From = r.signed()
	}
	if r.IntN(2) == 0 {
		v.To = r.signed()
	}
	return v
}

func (r source) task() int32 { return int32(r.num() & 0x7fffffff) }

func (r source) offsets() record.Offsets {
	return record.Offsets{Samples: r.signed(), Placements: r.signed(), Inventory: r.signed(), Rates: r.signed(), Corrections: r.signed()}
}

func (r source) commit() record.Commit {
	return record.Commit{
		Task: r.task(), Epoch: r.num(), Step: r.num(), Parts: uint32(r.num()), Rows: r.num(), RecordedAt: r.signed(), Inputs: r.offsets(),
		Sums: r.ints(r.IntN(25)), Counts: r.ints(r.IntN(25)), Readings: r.num(), Duplicates: r.num(), Watermark: r.signed(),
		RejectedEnergy: r.signed(), UnplacedEnergy: r.signed(), InconsistentEnergy: r.signed(),
		ResidualEnergy: r.signed(), ResidualMoney: r.signed(), ResidualTime: r.signed(), Pending: r.IntN(2) == 0,
	}
}

func (r source) manifest() record.Manifest {
	return record.Manifest{
		Task: r.task(), Epoch: r.num(), Step: r.num(), Checkpoint: r.num(), Chunks: r.num(), FirstChunk: r.signed(), FactsFrom: r.signed(),
		Inputs: r.offsets(), Checksum: r.num(), Version: r.num(), HistoryFrom: r.signed(), HistoryTo: r.signed(),
	}
}

func (r source) deadLetter() record.DeadLetter {
	d := record.DeadLetter{
		Reason: telemetry.Reason(r.IntN(int(telemetry.NumReasons))), Detail: r.text(), Origin: r.text(), Partition: r.task(), Position: r.signed(),
		Column: r.num(), Node: r.text(), Count: r.num(), First: r.signed(), Last: r.signed(),
	}
	if r.IntN(2) == 0 {
		d.Payload = []byte{0xff, byte(r.Uint32()), 0}
	}
	return d
}

func (r source) progress() record.ReplayProgress {
	return record.ReplayProgress{
		Digest: r.text(), Revision: r.num(), TakenIn: r.signed(), Shift: r.signed(), Phase: r.num(), Chunks: r.num(), Readings: r.num(), Rejected: r.num(),
	}
}
