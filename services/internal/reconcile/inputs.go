package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/process"
)

// maxKept bounds the readings in memory: 1 GiB of them.
const maxKept = 1 << 26

// inputs is how far the events reach that a run goes by.
type inputs struct {
	starts, ends kafka.Offsets
	samplesEnd   map[int32]int64
	rates        []telemetry.Rate
}

// dimensions are a task's events besides samples, in the order of their offsets.
type dimensions struct {
	devices    []telemetry.Device
	placements []telemetry.Placement
}

// checkDefinitions refuses to compute figures by other definitions than those
// by which the processors make them.
func (r *run) checkDefinitions(ctx context.Context, tasks []int32) error {
	written, err := reached(ctx, r.set.Store)
	if err != nil {
		return err
	}
	for _, task := range tasks {
		def, found, err := process.Definitions(ctx, r.set.Kafka, r.set.Logger, task)
		if err != nil {
			return err
		}
		if _, has := written[task]; has && !found {
			return fmt.Errorf("the facts of task %d cannot be held against this command's settings, as it has no checkpoint: try again once its processor has written one", task)
		}
		if found && def != r.set.Engine {
			return lifecycle.Permanent(fmt.Errorf("the facts of task %d are made with %s, this command is set to %s: give it the processors' NTEGRAL_PROCESS_ variables",
				task, def.Describe(), r.set.Engine.Describe()))
		}
	}
	return nil
}

func (r *run) openInputs(ctx context.Context) (*inputs, error) {
	topics := []string{record.Samples, record.Placements, record.Inventory, record.Rates}
	in := &inputs{}
	var err error
	if in.starts, err = kafka.StartOffsets(ctx, r.client, topics...); err != nil {
		return nil, err
	}
	if in.ends, err = kafka.EndOffsets(ctx, r.client, topics...); err != nil {
		return nil, err
	}
	in.samplesEnd = in.ends[record.Samples]
	err = r.read(ctx, in, record.Rates, 0, func(rec *kgo.Record) {
		if rate, err := record.DecodeRate(rec.Value); err == nil && kafka.EventType(rec) == record.TypeRate {
			in.rates = append(in.rates, rate)
		}
	})
	return in, err
}

// readDimensions reads what is said of a task's nodes besides readings. What
// cannot be decoded is in the dead letters: the processor passed over it, too.
func (r *run) readDimensions(ctx context.Context, task int32) (d dimensions, err error) {
	err = r.read(ctx, r.inputs, record.Inventory, task, func(rec *kgo.Record) {
		if device, err := record.DecodeDevice(rec.Value); err == nil && kafka.EventType(rec) == record.TypeDevice {
			d.devices = append(d.devices, device)
		}
	})
	if err != nil {
		return d, err
	}
	err = r.read(ctx, r.inputs, record.Placements, task, func(rec *kgo.Record) {
		if placement, err := record.DecodePlacement(rec.Value); err == nil && kafka.EventType(rec) == record.TypePlacement {
			d.placements = append(d.placements, placement)
		}
	})
	return d, err
}

// read calls fn for all records of a partition of in.
func (r *run) read(ctx context.Context, in *inputs, topic string, partition int32, fn func(*kgo.Record)) error {
	return r.readFrom(ctx, topic, partition, in.starts[topic][partition], in.ends[topic][partition], func(rec *kgo.Record) error {
		fn(rec)
		return nil
	})
}

func (r *run) readFrom(ctx context.Context, topic string, partition int32, start, end int64, fn func(*kgo.Record) error) error {
	if start >= end {
		return nil
	}
	reader, err := kafka.NewReader(r.set.Kafka, r.set.Logger, topic, partition, start)
	if err != nil {
		return err
	}
	defer reader.Close()
	err = reader.ReadTo(ctx, end, fn)
	if gap, ok := errors.AsType[*kafka.GapError](err); ok {
		return lifecycle.Permanent(fmt.Errorf("records were deleted while they were read: run it again, with a later --from: %w", gap))
	}
	return err
}

// readPast reads everything about a stretch of windows, once more from the
// beginning: a late reading may stand anywhere.
func (r *run) readPast(ctx context.Context, task int32, start int64, d dimensions, from, to int64) (*engine.Past, error) {
	past := engine.NewPast(r.set.Engine, from, to)
	for i := range r.inputs.rates {
		past.ApplyRate(&r.inputs.rates[i])
	}
	for i := range d.devices {
		past.ApplyDevice(&d.devices[i])
	}
	for i := range d.placements {
		past.ApplyPlacement(&d.placements[i])
	}
	var decoder record.SamplesDecoder
	err := r.readFrom(ctx, record.Samples, task, start, r.inputs.samplesEnd[task], func(rec *kgo.Record) error {
		if kafka.EventType(rec) != record.TypeSamples {
			return nil
		}
		batch, err := decoder.Decode(rec.Value)
		if err != nil {
			return nil // the processor passed over it, too
		}
		past.ApplySamples(batch)
		if past.Kept() > r.maxKept {
			return lifecycle.Permanent(fmt.Errorf("more than %d readings in a chunk of %v: use a shorter --chunk", r.maxKept, r.cfg.Chunk))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	return past, nil
}
