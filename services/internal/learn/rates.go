package learn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/rate"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// rates are those that have been published.
type rates struct{ table *rate.Table }

// apply returns the idle power that applies to a group from the moment on from
// which the learned one would.
func (r rates) apply(region, model string, cfg Config) *unit.Power {
	line := r.table.Timeline(telemetry.RateIdlePower, rate.RegionalKeys(model, region))
	row := line.Rows[line.At(cfg.ValidFrom.UnixNano())]
	if row == nil {
		return nil
	}
	power := unit.Power(row.Value)
	return &power
}

// apart returns the regions that have an idle power of their own for a model at that
// moment, in order: one for the model does not reach them.
func (r rates) apart(model string, cfg Config) (regions []string) {
	at := cfg.ValidFrom.UnixNano()
	r.table.Each(func(row *telemetry.Rate) {
		region, ok := strings.CutPrefix(row.Key, model+"@")
		if ok && row.Kind == telemetry.RateIdlePower && row.From <= at && at < row.To && !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	})
	return regions
}

// readRates reads the topic of rates: what is in force must be known as the
// processors will know it, not as it was when facts were made.
func (r *run) readRates(ctx context.Context) (rates, error) {
	out := rates{rate.NewTable()}
	client, err := kafka.NewClient(r.set.Kafka, r.set.Logger)
	if err != nil {
		return out, err
	}
	defer client.Close()
	starts, err := kafka.StartOffsets(ctx, client, record.Rates)
	if err != nil {
		return out, fmt.Errorf("find rates: %w", err)
	}
	ends, err := kafka.EndOffsets(ctx, client, record.Rates)
	if err != nil {
		return out, fmt.Errorf("find rates: %w", err)
	}
	start, end := starts[record.Rates][0], ends[record.Rates][0]
	if start >= end {
		return out, nil
	}
	reader, err := kafka.NewReader(r.set.Kafka, r.set.Logger, record.Rates, 0, start)
	if err != nil {
		return out, err
	}
	defer reader.Close()
	err = reader.ReadTo(ctx, end, func(rec *kgo.Record) error {
		// What does not count is in the dead letters: the processor passed over it, too.
		row, err := record.DecodeRate(rec.Value)
		if err == nil && kafka.EventType(rec) == record.TypeRate && row.To > row.From && telemetry.PlausibleRate(row.Kind, row.Value) {
			out.table.Set(&row)
		}
		return nil
	})
	if gap, ok := errors.AsType[*kafka.GapError](err); ok {
		return out, lifecycle.Permanent(fmt.Errorf("read rates: records were deleted meanwhile: %w", gap))
	}
	return out, err
}

// publish sends what differs, each acknowledged before the next, as a replay
// sends its rates, and returns how many there are.
func (r *run) publish(ctx context.Context, found *Report) (n int64, err error) {
	client, err := kafka.NewClient(r.set.Kafka, r.set.Logger)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for _, m := range found.Models {
		if m.Action != Published {
			continue
		}
		row := telemetry.Rate{
			Kind: telemetry.RateIdlePower, Key: m.Key, Value: int64(m.Figure), Source: found.source(m),
			From: found.ValidFrom.UnixNano(), To: telemetry.MaxTime,
		}
		envelope := record.Envelope{
			ID: fmt.Sprintf("%s/rate/%d", r.id, n), Source: "/learn/" + r.id, Type: record.TypeRate, Time: r.set.Now().UnixNano(),
		}
		rec := &kgo.Record{
			Topic: record.Rates, Key: []byte(record.RatesKey), Value: record.AppendRate(nil, &row), Headers: kafka.RecordHeaders(envelope.Headers()),
		}
		if err := client.ProduceSync(ctx, rec).FirstErr(); err != nil {
			return n, kafka.Classify(fmt.Errorf("publish to %s: %w", record.Rates, err))
		}
		n++
	}
	return n, nil
}
