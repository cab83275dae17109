package replay

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// sampling publishes samples.csv, chunk by chunk.
type sampling struct {
	*run
	in      *input
	samples *replay.Samples
	pack    packer
	seq     int64 // of the next record of the chunk
	pace    pace
	scratch []byte
	skipped int64 // rows of chunks that are published already
}

func (r *run) publishSamples(ctx context.Context) error {
	return r.with(replay.SamplesFile, func(in *input) error {
		p := &sampling{run: r, in: in, skipped: int64(r.progress.Chunks) * r.progress.rows, pace: pace{speed: r.cfg.Speed, now: r.s.Now}}
		p.samples = replay.NewSamples(r.source(in), r.estate, replay.Bounds{
			TakenIn: r.progress.TakenIn, MaxSkew: int64(r.cfg.MaxFutureSkew), Shift: r.progress.Shift, Speed: r.cfg.Speed,
		})
		p.pack.flush = func(b *record.SampleBatch, newest int64) error { return p.send(ctx, b, newest) }
		return p.publishAll(ctx)
	})
}

// statusEvery is after how many rows the clock is looked at.
const statusEvery = 4096

func (p *sampling) publishAll(ctx context.Context) error {
	for p.samples.Next() {
		row := p.samples.Rows()
		if p.cfg.Strict {
			if err := p.faults.strict(); err != nil {
				return p.stop(ctx, err)
			}
		}
		if p.samples.Series != nil {
			p.readings++
			if row > p.skipped {
				if err := p.add(ctx); err != nil {
					return err
				}
			}
		}
		if row == p.skipped {
			p.faults.take(false) // their letters were sent with the chunks
		}
		if row%p.progress.rows == 0 && row > p.skipped {
			if err := p.endChunk(ctx); err != nil {
				return err
			}
		}
		if row%statusEvery == 0 {
			if ctx.Err() != nil {
				return lifecycle.Interrupted(ctx.Err())
			}
			if p.console.due() {
				p.console.status(p.status())
			}
		}
	}
	if p.cfg.Strict {
		if err := p.faults.strict(); err != nil {
			return p.stop(ctx, err)
		}
	}
	if p.samples.Rows() > p.skipped && p.samples.Rows()%p.progress.rows != 0 {
		if err := p.endChunk(ctx); err != nil {
			return err
		}
	}
	for _, span := range p.samples.Spans() {
		p.sampled = append(p.sampled, span.Node)
	}
	p.samples.WarnOfNoRows(p.faults.report)
	replay.WarnOfGaps(p.rates, p.estate, p.samples.Spans(), p.faults.report)
	replay.WarnOfCurrencies(p.rates, p.estate, p.samples.Spans(), p.faults.report)
	p.console.line("%s", p.summary())
	return nil
}

func (p *sampling) add(ctx context.Context) error {
	err := p.pace.wait(ctx, p.samples.Time, func() {
		if p.console.due() {
			p.console.status(p.status())
		}
	})
	if err != nil {
		return err
	}
	return p.pack.add(p.samples.Series, p.samples.Time, p.samples.Value)
}

// send publishes a batch. Its id counts within the chunk, so that it is the
// same again if the chunk is.
func (p *sampling) send(ctx context.Context, b *record.SampleBatch, newest int64) error {
	b.TakenIn = p.samples.TakenIn(newest)
	p.scratch = b.Append(p.scratch[:0])
	e := record.Envelope{ID: p.out.id("samples", int64(p.progress.Chunks), p.seq), Type: record.TypeSamples, Time: b.TakenIn}
	p.seq++
	return p.out.send(ctx, record.Samples, b.Node, e, append(make([]byte, 0, len(p.scratch)), p.scratch...))
}

// endChunk sends what is left of the chunk and records it when it is
// acknowledged, with the dead letters of its rows.
func (p *sampling) endChunk(ctx context.Context) error {
	if err := p.pack.flushAll(); err != nil {
		return err
	}
	if err := p.sendLetters(ctx, false); err != nil {
		return err
	}
	if err := p.out.settle(ctx); err != nil {
		return err
	}
	p.progress.Chunks++
	p.seq = 0
	return p.advance(ctx, phaseSamples)
}

// stop ends a strict replay: what stood before the fault is published, and
// nothing that follows. The chunk is not recorded, since it is not complete.
func (p *sampling) stop(ctx context.Context, fault error) error {
	if err := p.pack.flushAll(); err != nil {
		return err
	}
	if err := p.out.settle(ctx); err != nil {
		return err
	}
	return lifecycle.Permanent(fault)
}

func (p *sampling) status() string {
	rows, spent := p.samples.Rows(), p.s.Now().Sub(p.began)
	done := p.in.done()
	text := fmt.Sprintf("%s rows, %s rows/s, %.0f%%", count(rows), count(int64(float64(rows)/spent.Seconds())), 100*done)
	if done > 0 && done < 1 && spent > 0 {
		text += ", " + rough(time.Duration(float64(spent)*(1-done)/done)) + " left"
	}
	if p.faults.total > 0 {
		text += ", " + plural(p.faults.total, "fault")
	}
	return text
}

func (p *sampling) summary() string {
	text := fmt.Sprintf("%s read, %s published in %s", plural(p.samples.Rows(), "row"), plural(p.readings, "reading"), rough(p.s.Now().Sub(p.began)))
	if p.faults.total > 0 {
		text += fmt.Sprintf(", %s (%s)", plural(p.faults.total, "fault"), p.faults.summary())
	}
	return text
}

// pace holds rows back so that they go out at the speed wanted, counted from
// the first one that is sent.
type pace struct {
	speed   float64
	now     func() time.Time
	begun   bool
	first   int64
	started time.Time
}

// wait holds the row of time t back, and calls idle now and then meanwhile.
func (p *pace) wait(ctx context.Context, t int64, idle func()) error {
	if p.speed == 0 {
		return nil
	}
	if !p.begun {
		p.begun, p.first, p.started = true, t, p.now()
		return nil
	}
	due := p.started.Add(time.Duration(float64(t-p.first) / p.speed))
	for ahead := due.Sub(p.now()); ahead > 0; ahead = due.Sub(p.now()) {
		if err := lifecycle.Wait(ctx, min(ahead, statusOnTerminal)); err != nil {
			return err
		}
		idle()
	}
	return nil
}

// seal says for each node that nothing follows, when all readings are
// acknowledged.
func (r *run) seal(ctx context.Context, dims dimensions) error {
	seen := make(map[string]bool)
	for _, row := range dims.devices {
		seen[row.Node] = true
	}
	for _, row := range dims.placements {
		seen[row.Node] = true
	}
	for _, node := range r.sampled {
		seen[node] = true
	}
	n := int64(0)
	for _, node := range r.estate.Nodes() {
		if !seen[node] {
			continue
		}
		n++
		seal := record.Seal{Node: node, TakenIn: r.progress.TakenIn}
		e := record.Envelope{ID: r.out.id("seal", 0, n), Type: record.TypeSeal, Time: r.progress.TakenIn}
		if err := r.out.send(ctx, record.Samples, node, e, seal.Append(nil)); err != nil {
			return err
		}
	}
	if err := r.sendLetters(ctx, true); err != nil {
		return err
	}
	if err := r.out.settle(ctx); err != nil {
		return err
	}
	return r.advance(ctx, phaseSealed)
}

// sendLetters publishes the dead letters of what was refused or warned of, since
// they were last sent.
func (r *run) sendLetters(ctx context.Context, last bool) error {
	for _, l := range r.faults.take(last) {
		kind := "refused/" + l.Origin
		if l.Reason.Warning() { // several can be about one row, or about a file as a whole
			kind = fmt.Sprintf("warned/%s/%x", l.Reason, sha256.Sum256([]byte(l.Origin+l.Detail)))
		}
		if l.Count > 1 {
			kind = "refused-more/" + l.Reason.String()
		}
		e := record.Envelope{ID: r.out.id(kind, l.Position, int64(l.Column)), Type: record.TypeDeadLetter, Time: r.progress.TakenIn}
		if err := r.out.send(ctx, record.DeadLetters, l.Node, e, l.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}
