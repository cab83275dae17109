package process

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// inputs reads a task's five partitions and applies them to its engine, in the
// order that makes the result depend on offsets alone.
type inputs struct {
	task    int32
	at      record.Offsets // reached: what the next commit will say
	most    int            // see coreFactory.CloseAfter
	applied int            // weight of this step's samples since windows were closed
	decoder record.SamplesDecoder
	refused func(*kgo.Record, telemetry.Reason, error)

	samples, placements, inventory, rates, corrections *kafka.Reader
}

// sideWait is how long a fetch of a topic that rarely changes waits at the
// broker; it answers at once when there is something.
const sideWait = 5 * time.Second

// sampleFetch is how many bytes of samples one fetch brings. Four stages hold one
// each, in every task: larger ones are not faster and took half of all memory.
const sampleFetch = 1 << 20

// openInputs makes readers that continue at the given offsets.
func openInputs(env *environment, logger *slog.Logger, task int32, at record.Offsets) (*inputs, error) {
	in := &inputs{task: task, at: at, most: env.cores.CloseAfter()}
	for _, o := range []struct {
		reader    **kafka.Reader
		topic     string
		partition int32
		offset    int64
		opts      []kgo.Opt
	}{
		{&in.samples, record.Samples, task, at.Samples, []kgo.Opt{kgo.FetchMaxPartitionBytes(sampleFetch)}},
		{&in.placements, record.Placements, task, at.Placements, []kgo.Opt{kgo.FetchMaxWait(sideWait)}},
		{&in.inventory, record.Inventory, task, at.Inventory, []kgo.Opt{kgo.FetchMaxWait(sideWait)}},
		{&in.rates, record.Rates, 0, at.Rates, []kgo.Opt{kgo.FetchMaxWait(sideWait)}},
		{&in.corrections, record.Corrections, task, at.Corrections, []kgo.Opt{kgo.FetchMaxWait(sideWait)}},
	} {
		reader, err := kafka.NewReader(env.cfg.Kafka, logger, o.topic, o.partition, o.offset, o.opts...)
		if err != nil {
			in.close()
			return nil, err
		}
		*o.reader = reader
	}
	return in, nil
}

func (in *inputs) close() {
	for _, r := range []*kafka.Reader{in.samples, in.placements, in.inventory, in.rates, in.corrections} {
		if r != nil {
			r.Close()
		}
	}
}

// maxCorrections bounds how many records of corrections a step takes, and so its
// rows: 8,192 each.
const maxCorrections = 8

// ends asks for the ends of the five partitions: how far the next step goes.
func (in *inputs) ends(ctx context.Context) (record.Offsets, error) {
	ends, err := kafka.EndOffsets(ctx, in.rates.Client(), record.Samples, record.Placements, record.Inventory, record.Rates, record.Corrections)
	if err != nil {
		return record.Offsets{}, err
	}
	return record.Offsets{
		Samples: ends[record.Samples][in.task], Placements: ends[record.Placements][in.task],
		Inventory: ends[record.Inventory][in.task], Rates: ends[record.Rates][0],
		Corrections: min(ends[record.Corrections][in.task], in.at.Corrections+maxCorrections),
	}, nil
}

// asking asks the broker for the feed.
func (in *inputs) asking(ctx context.Context) asking {
	return asking{
		waiting: func() (bool, error) {
			ends, err := in.ends(ctx)
			return sidesBehind(in.at, ends), err
		},
		end: func() (int64, error) {
			ends, err := kafka.EndOffsets(ctx, in.rates.Client(), record.Samples)
			return ends[record.Samples][in.task], err
		},
	}
}

// sidesBehind reports whether applySides would apply anything.
func sidesBehind(at, ends record.Offsets) bool {
	return ends.Rates > at.Rates || ends.Inventory > at.Inventory || ends.Placements > at.Placements || ends.Corrections > at.Corrections
}

// applySides applies rates, inventory, placements and corrections up to the
// given offsets, in this order, and reports whether there were any.
func (in *inputs) applySides(ctx context.Context, to events, end record.Offsets) (changed bool, err error) {
	for _, side := range []struct {
		reader *kafka.Reader
		end    int64
		at     *int64
		apply  func(events, *kgo.Record)
	}{
		{in.rates, end.Rates, &in.at.Rates, in.applyRate},
		{in.inventory, end.Inventory, &in.at.Inventory, in.applyDevice},
		{in.placements, end.Placements, &in.at.Placements, in.applyPlacement},
		{in.corrections, end.Corrections, &in.at.Corrections, in.applyCorrection},
	} {
		if side.end <= *side.at {
			continue
		}
		changed = true
		err := side.reader.ReadTo(ctx, side.end, func(r *kgo.Record) error {
			side.apply(to, r)
			return nil
		})
		if err != nil {
			return changed, fmt.Errorf("read side input: %w", err)
		}
		*side.at = side.end
	}
	return changed, nil
}

func (in *inputs) applyRate(to events, r *kgo.Record) {
	if eventType(r) != record.TypeRate {
		in.refuse(r, unknownType(r))
		return
	}
	rate, err := record.DecodeRate(r.Value)
	if err != nil {
		in.refuse(r, err)
		return
	}
	to.ApplyRate(&rate)
}

func (in *inputs) applyDevice(to events, r *kgo.Record) {
	if eventType(r) != record.TypeDevice {
		in.refuse(r, unknownType(r))
		return
	}
	device, err := record.DecodeDevice(r.Value)
	if err != nil {
		in.refuse(r, err)
		return
	}
	to.ApplyDevice(&device)
}

func (in *inputs) applyPlacement(to events, r *kgo.Record) {
	if eventType(r) != record.TypePlacement {
		in.refuse(r, unknownType(r))
		return
	}
	placement, err := record.DecodePlacement(r.Value)
	if err != nil {
		in.refuse(r, err)
		return
	}
	to.ApplyPlacement(&placement)
}

// applyCorrection applies one record of the corrections topic.
func (in *inputs) applyCorrection(to events, r *kgo.Record) {
	kind := eventType(r)
	if kind != record.TypeReconciliation && kind != record.TypeCorrection {
		in.refuse(r, unknownType(r))
		return
	}
	id, err := record.CorrectionIDOf(kafka.Headers(r))
	if err != nil {
		in.refuse(r, err)
		return
	}
	if kind == record.TypeReconciliation {
		to.ApplyReconciliation(id.Run)
		return
	}
	rows, err := fact.Decode(r.Value, memory.DefaultAllocator)
	if err != nil {
		in.refuse(r, err)
		return
	}
	to.ApplyCorrection(&engine.Correction{Run: id.Run, Sequence: id.Sequence, Rows: rows})
}

// applySamples applies one record of the samples topic, and reports whether so much
// has come that windows should be closed before the step ends.
func (in *inputs) applySamples(to events, r *kgo.Record) (much bool) {
	in.at.Samples = r.Offset + 1
	// Columns that stand still have more readings than bytes.
	in.applied += max(len(r.Value), in.applySample(to, r))
	if much = in.applied >= in.most; much {
		in.applied = 0
	}
	return much
}

// applySample returns how many readings the record has.
func (in *inputs) applySample(to events, r *kgo.Record) (readings int) {
	switch eventType(r) {
	case record.TypeSamples:
		batch, err := in.decoder.Decode(r.Value)
		if err != nil {
			in.refuse(r, err)
			return 0
		}
		to.ApplySamples(batch)
		return in.decoder.Readings()
	case record.TypeSeal:
		seal, err := record.DecodeSeal(r.Value)
		if err != nil {
			in.refuse(r, err)
			return 0
		}
		to.ApplySeal(seal)
	default:
		in.refuse(r, unknownType(r))
	}
	return 0
}

// replay applies what a step of an earlier epoch had applied.
func (in *inputs) replay(ctx context.Context, to core, end record.Offsets) error {
	if _, err := in.applySides(ctx, to, end); err != nil {
		return err
	}
	err := in.samples.ReadTo(ctx, end.Samples, func(r *kgo.Record) error {
		if in.applySamples(to, r) {
			to.SkipWindows()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read samples: %w", err)
	}
	in.applied = 0
	in.at.Samples = end.Samples
	return nil
}

// refuse hands on what could not be read, unless this is a recovery, which
// writes nothing. Rates are everybody's: task 0 speaks for all.
func (in *inputs) refuse(r *kgo.Record, err error) {
	if in.refused == nil || r.Topic == record.Rates && in.task != 0 {
		return
	}
	reason := telemetry.Unparsable
	if len(r.Value) > record.ValueBytes(r.Topic) {
		reason = telemetry.TooLarge
	}
	in.refused(r, reason, err)
}

func unknownType(r *kgo.Record) error {
	return fmt.Errorf("%w: event type %.100q", record.ErrMalformed, eventType(r))
}

// eventType is record.TypeOf without a copy of the headers, and of known types without
// one of their name.
func eventType(r *kgo.Record) string {
	for i := range r.Headers {
		if r.Headers[i].Key != "ce_type" {
			continue
		}
		for _, known := range eventTypes {
			if string(r.Headers[i].Value) == known {
				return known
			}
		}
		return string(r.Headers[i].Value)
	}
	return ""
}

// eventTypes are those that inputs may carry, the most frequent one first.
var eventTypes = [...]string{
	record.TypeSamples, record.TypeSeal, record.TypePlacement, record.TypeDevice, record.TypeRate, record.TypeReconciliation, record.TypeCorrection,
}
