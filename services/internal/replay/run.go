package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// run is one replay under way.
type run struct {
	ctx      context.Context
	cfg      Config
	s        Settings
	dir      *directory
	console  *console
	faults   *faults
	estate   *replay.Estate
	out      *publisher
	progress progress
	began    time.Time

	readings int64    // accepted
	sampled  []string // nodes that have readings
	rates    []telemetry.Rate
}

// Run publishes a directory, or with DryRun only looks at it. It returns a
// *RefusedError when all went well but something was refused that a user can
// mend.
func Run(ctx context.Context, cfg Config, s Settings) error { return runWith(ctx, cfg, s) }

func runWith(ctx context.Context, cfg Config, s Settings, opts ...kgo.Opt) error {
	if err := cfg.Validate(); err != nil {
		return lifecycle.Permanent(fmt.Errorf("configure replay: %w", err))
	}
	s = s.withDefaults()
	if !cfg.DryRun && !cfg.NoWait && s.Ledger == nil {
		return lifecycle.Permanent(errors.New("configure replay: no ledger to wait for"))
	}
	dir, err := openDirectory(cfg.Dir)
	if err != nil {
		return err
	}
	c := newConsole(s)
	r := &run{
		ctx: ctx, cfg: cfg, s: s, dir: dir, console: c, estate: replay.NewEstate(), began: s.Now(),
		faults: &faults{console: c, all: cfg.DryRun, letters: !cfg.DryRun},
	}
	if cfg.DryRun {
		err = r.dryRun(ctx)
	} else {
		err = r.replay(ctx, opts)
	}
	c.clear()
	return errors.Join(err, c.err)
}

// replay publishes and waits.
func (r *run) replay(ctx context.Context, opts []kgo.Opt) error {
	client, err := kafka.NewClient(r.s.Kafka, r.s.Logger, opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := r.awaitTopics(ctx, client); err != nil {
		return err
	}
	unlock, err := r.dir.lock(ctx, func() { r.console.line("another replay of this directory is running: waiting for it") })
	if err != nil {
		return err
	}
	err = r.publish(ctx, client)
	if err := errors.Join(err, unlock()); err != nil {
		return err
	}
	var refused int64
	if !r.cfg.NoWait {
		if err := r.await(ctx, client); err != nil {
			return err
		}
		if refused, err = r.lettersSince(ctx, client, r.progress.letters); err != nil {
			return err
		}
	}
	if r.faults.total+refused > 0 {
		return &RefusedError{Rows: r.faults.total, Readings: refused}
	}
	return nil
}

// publish brings the directory's content into the topics, from where an earlier
// replay of it was interrupted.
func (r *run) publish(ctx context.Context, client *kgo.Client) error {
	at := ""
	if !r.cfg.At.IsZero() {
		at = r.cfg.At.UTC().Format(time.RFC3339Nano)
	}
	digest, err := r.dir.digest(ctx, at)
	if err != nil {
		return err
	}
	r.out = newPublisher(client, digest)
	ends, err := kafka.EndOffsets(ctx, client, record.Samples, record.Inventory, record.Rates, record.Replays, record.DeadLetters)
	if err != nil {
		return err
	}
	if r.progress, err = readProgress(ctx, r.s, ends, digest); err != nil {
		return err
	}
	if r.progress.Phase == phaseSealed {
		r.alreadyDone()
		return nil
	}
	if err := readKnown(ctx, r.s, ends, r.estate.Put); err != nil {
		return err
	}
	if r.rates, err = readRates(ctx, r.s, ends); err != nil {
		return err
	}
	dims, err := r.readDimensions()
	if err != nil {
		return err
	}
	if err := r.begin(ctx, ends); err != nil {
		return err
	}
	for _, row := range dims.rates {
		r.rates = append(r.rates, shiftRate(row.Rate, r.progress.Shift))
	}
	if r.progress.Phase < phaseDimensions {
		if err := r.publishDimensions(ctx, dims); err != nil {
			return err
		}
		if err := r.advance(ctx, phaseDimensions); err != nil {
			return err
		}
		r.console.line("published %s", dims.summary())
	}
	if err := r.publishSamples(ctx); err != nil {
		return err
	}
	return r.seal(ctx, dims)
}

func (r *run) alreadyDone() {
	p := &r.progress
	r.out.reached = p.offsets
	r.console.line("this directory was replayed at %s (%s, %s): nothing to publish",
		time.Unix(0, p.TakenIn).UTC().Format(time.RFC3339), plural(int64(p.Readings), "reading"), plural(int64(p.Rejected), "fault"))
}

// begin fixes what must be the same however often the replay is interrupted.
func (r *run) begin(ctx context.Context, ends kafka.Offsets) error {
	if r.progress.found {
		what := "it was interrupted before its first " + count(r.progress.rows) + " rows were recorded; what is published is not sent again"
		if n := int64(r.progress.Readings); n > 0 {
			what = plural(n, "reading") + " of it are recorded as published"
		}
		r.console.line("going on with the replay begun at %s: %s", time.Unix(0, r.progress.TakenIn).UTC().Format(time.RFC3339), what)
		for p, o := range r.progress.offsets {
			r.out.tail[p] = o
		}
		return r.out.lookUp(ctx, r.s, r.progress.offsets, ends)
	}
	now := r.s.Now().UnixNano()
	shift, err := r.shift(now)
	if err != nil {
		return err
	}
	r.progress = progress{rows: r.cfg.ChunkRows, letters: ends[record.DeadLetters], ReplayProgress: record.ReplayProgress{Digest: r.out.digest, Revision: uint64(now), TakenIn: now, Shift: shift}}
	for p, o := range ends[record.Samples] {
		r.out.tail[p] = o
	}
	return r.out.record(ctx, r.progress)
}

// advance records that a phase, or another chunk of it, is acknowledged.
func (r *run) advance(ctx context.Context, phase uint64) error {
	r.progress.Phase = phase
	r.progress.Readings = uint64(r.readings)
	r.progress.Rejected = uint64(r.faults.total)
	return r.out.record(ctx, r.progress)
}

// shift returns by how much all times are shifted, so that the earliest reading
// is at the time that the user wants.
func (r *run) shift(now int64) (int64, error) {
	if r.cfg.At.IsZero() {
		return 0, nil
	}
	var earliest *int64
	err := r.with(replay.SamplesFile, func(in *input) error {
		samples := replay.NewSamples(replay.Source{File: in.name, Reader: in}, r.estate, replay.Bounds{TakenIn: now, MaxSkew: int64(r.cfg.MaxFutureSkew)})
		for samples.Next() {
			if samples.Series != nil && (earliest == nil || samples.Time < *earliest) {
				t := samples.Time
				earliest = &t
			}
		}
		return r.ctx.Err()
	})
	if err != nil {
		return 0, err
	}
	if earliest == nil {
		return 0, lifecycle.Permanent(errors.New("shift times: the directory has no reading that could be the first"))
	}
	return r.cfg.At.UnixNano() - *earliest, nil
}
