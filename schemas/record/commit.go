package record

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Open begins an epoch of a task. ID tells two openers of one epoch apart: the
// first in the log wins.
type Open struct {
	Task  int32
	Epoch uint64
	ID    string
}

// Append encodes the open record.
func (o *Open) Append(b []byte) []byte {
	b = appendUint(b, 1, uint64(uint32(o.Task)))
	b = appendUint(b, 2, o.Epoch)
	return appendText(b, 3, o.ID)
}

// DecodeOpen reads an open record.
func DecodeOpen(b []byte) (o Open, err error) {
	err = each(b, func(f field) error {
		switch f.n {
		case 1:
			return f.task(&o.Task)
		case 2:
			return f.uint(&o.Epoch)
		case 3:
			return f.text(&o.ID, MaxName)
		}
		return nil
	})
	return o, err
}

// Offsets are the input positions that a step has reached: the offset after
// the last record it used, per topic.
type Offsets struct {
	Samples, Placements, Inventory, Rates, Corrections int64
}

// Commit makes a step count. Sums are over the step's rows, column by column
// as package fact orders them; Counts are events by telemetry.Reason.
type Commit struct {
	Task       int32
	Epoch      uint64
	Step       uint64
	Parts      uint32
	Rows       uint64
	RecordedAt int64 // wall clock of the step, ns; the rows' recorded_at
	Inputs     Offsets
	Sums       []int64
	Counts     []int64
	Readings   uint64 // accepted in this step
	Duplicates uint64

	// Watermark is the largest of the task's nodes, ns; 0 if none has one.
	Watermark int64
	// Figures of energy that is in no row, in µJ: what rejected counter
	// segments, segments without a place and meters below their children said.
	RejectedEnergy, UnplacedEnergy, InconsistentEnergy int64
	// Residuals of conservation over the step's windows; always 0.
	ResidualEnergy, ResidualMoney, ResidualTime int64
	// Pending says that windows are closed whose rows follow in later steps.
	Pending bool
}

// Append encodes the commit record.
func (c *Commit) Append(b []byte) []byte {
	b = appendUint(b, 1, uint64(uint32(c.Task)))
	b = appendUint(b, 2, c.Epoch)
	b = appendUint(b, 3, c.Step)
	b = appendUint(b, 4, uint64(c.Parts))
	b = appendUint(b, 5, c.Rows)
	b = appendInt(b, 6, c.RecordedAt)
	b = appendInt(b, 7, c.Inputs.Samples)
	b = appendInt(b, 8, c.Inputs.Placements)
	b = appendInt(b, 9, c.Inputs.Inventory)
	b = appendInt(b, 10, c.Inputs.Rates)
	b = appendSints(b, 11, c.Sums)
	b = appendSints(b, 12, c.Counts)
	b = appendUint(b, 13, c.Readings)
	b = appendUint(b, 14, c.Duplicates)
	b = appendInt(b, 15, c.Watermark)
	b = appendInt(b, 16, c.RejectedEnergy)
	b = appendInt(b, 17, c.UnplacedEnergy)
	b = appendInt(b, 18, c.InconsistentEnergy)
	b = appendInt(b, 19, c.ResidualEnergy)
	b = appendInt(b, 20, c.ResidualMoney)
	b = appendInt(b, 21, c.ResidualTime)
	if c.Pending {
		b = appendUint(b, 22, 1)
	}
	return appendInt(b, 23, c.Inputs.Corrections)
}

// maxColumns bounds the lists of a commit.
const maxColumns = 1024

// DecodeCommit reads a commit record.
func DecodeCommit(b []byte) (c Commit, err error) {
	ints := [...]*int64{
		6: &c.RecordedAt, 7: &c.Inputs.Samples, 8: &c.Inputs.Placements, 9: &c.Inputs.Inventory, 10: &c.Inputs.Rates, 15: &c.Watermark,
		16: &c.RejectedEnergy, 17: &c.UnplacedEnergy, 18: &c.InconsistentEnergy, 19: &c.ResidualEnergy, 20: &c.ResidualMoney, 21: &c.ResidualTime, 23: &c.Inputs.Corrections,
	}
	parts, pending := uint64(0), uint64(0)
	err = each(b, func(f field) (err error) {
		switch f.n {
		case 1:
			return f.task(&c.Task)
		case 2:
			return f.uint(&c.Epoch)
		case 3:
			return f.uint(&c.Step)
		case 4:
			return f.uint(&parts)
		case 5:
			return f.uint(&c.Rows)
		case 11:
			c.Sums, err = f.sints(c.Sums)
			return err
		case 12:
			c.Counts, err = f.sints(c.Counts)
			return err
		case 13:
			return f.uint(&c.Readings)
		case 14:
			return f.uint(&c.Duplicates)
		case 22:
			return f.uint(&pending)
		}
		if int(f.n) < len(ints) && ints[f.n] != nil {
			return f.int(ints[f.n])
		}
		return nil
	})
	c.Parts, c.Pending = uint32(parts), pending != 0
	if err == nil && (uint64(c.Parts) != parts || len(c.Sums) > maxColumns || len(c.Counts) > maxColumns) {
		err = malformed("commit out of range")
	}
	return c, err
}

// task takes a partition number.
func (f field) task(dst *int32) error {
	if f.typ != protowire.VarintType || f.num > 1<<31-1 {
		return malformed("task")
	}
	*dst = int32(f.num)
	return nil
}

// Manifest ends a checkpoint: its chunks stand in the state topic at the
// offsets [FirstChunk, the manifest's own), and hold the state after Step.
type Manifest struct {
	Task       int32
	Epoch      uint64
	Step       uint64
	Checkpoint uint64 // names the chunks that belong to it
	Chunks     uint64
	FirstChunk int64
	FactsFrom  int64 // offset in the facts log after the step's commit
	Inputs     Offsets
	Checksum   uint64 // of the chunks, in order
	Version    uint64 // of the state's encoding

	HistoryFrom, HistoryTo int64 // offsets of the history topic between which all lies that the state needs
}

// Append encodes the manifest.
func (m *Manifest) Append(b []byte) []byte {
	b = appendUint(b, 1, uint64(uint32(m.Task)))
	for i, v := range []uint64{
		m.Epoch, m.Step, m.Checkpoint, m.Chunks, uint64(m.FirstChunk), uint64(m.FactsFrom),
		uint64(m.Inputs.Samples), uint64(m.Inputs.Placements), uint64(m.Inputs.Inventory), uint64(m.Inputs.Rates), m.Checksum, m.Version,
		uint64(m.Inputs.Corrections), uint64(m.HistoryFrom), uint64(m.HistoryTo),
	} {
		b = appendUint(b, protowire.Number(i+2), v)
	}
	return b
}

// DecodeManifest reads a manifest.
func DecodeManifest(b []byte) (m Manifest, err error) {
	uints := [...]*uint64{2: &m.Epoch, 3: &m.Step, 4: &m.Checkpoint, 5: &m.Chunks, 12: &m.Checksum, 13: &m.Version}
	ints := [...]*int64{
		6: &m.FirstChunk, 7: &m.FactsFrom, 8: &m.Inputs.Samples, 9: &m.Inputs.Placements, 10: &m.Inputs.Inventory, 11: &m.Inputs.Rates, 14: &m.Inputs.Corrections,
		15: &m.HistoryFrom, 16: &m.HistoryTo,
	}
	err = each(b, func(f field) error {
		switch {
		case f.n == 1:
			return f.task(&m.Task)
		case int(f.n) < len(uints) && uints[f.n] != nil:
			return f.uint(uints[f.n])
		case int(f.n) < len(ints) && ints[f.n] != nil:
			return f.int(ints[f.n])
		}
		return nil
	})
	return m, err
}
