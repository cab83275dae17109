package peers

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
)

// loop is what the ceiling's process says.
type loop struct {
	Readings int64         `json:"readings"`
	Took     time.Duration `json:"took_ns"`
	CPU      time.Duration `json:"cpu_ns"`
	Hash     uint64        `json:"hash"`
}

// runCeiling runs Ceiling in a process of its own. Its memory holds all records,
// since it has them fetched before the clock runs.
func runCeiling(ctx context.Context, c *contest) (result, error) {
	var r result
	p, err := spawn("ceiling", filepath.Join(c.dir, "ceiling.log"), nil, c.Self, "bench", "contender", "ceiling", "--brokers", c.broker.address)
	if err != nil {
		return r, err
	}
	defer p.stop()
	select {
	case <-p.done:
	case <-ctx.Done():
		return r, context.Cause(ctx)
	}
	said, err := os.ReadFile(p.log)
	if err != nil {
		return r, fmt.Errorf("read ceiling: %w", err)
	}
	var l loop
	if err := json.Unmarshal(said, &l); err != nil {
		return r, fmt.Errorf("read ceiling: %w: %s", err, said)
	}
	if l.Readings != c.Load.Readings() {
		return r, fmt.Errorf("the loop read %d readings, not %d", l.Readings, c.Load.Readings())
	}
	r.took, r.cpu = l.Took, l.CPU
	if use, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = use.Maxrss * 1024
	}
	return r, nil
}

// Ceiling fetches the samples into memory and then times the bare loop over
// them: decode a record, hash its values, one goroutine a partition.
func Ceiling(ctx context.Context, brokers string, out io.Writer) error {
	b, err := dial(brokers)
	if err != nil {
		return err
	}
	defer b.client.Close()
	held := map[int32][][]byte{}
	err = b.consume(ctx, record.Samples, func(r *kgo.Record) error {
		if topics.EventType(r) == record.TypeSamples {
			held[r.Partition] = append(held[r.Partition], r.Value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	parts := make([]loop, 0, len(held))
	for range held {
		parts = append(parts, loop{})
	}
	var use, before syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		return fmt.Errorf("read own use: %w", err)
	}
	began := time.Now()
	var g errgroup.Group
	i := 0
	for _, records := range held {
		part := &parts[i]
		i++
		g.Go(func() error { return part.over(records) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	l := loop{Took: time.Since(began)}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return fmt.Errorf("read own use: %w", err)
	}
	l.CPU = time.Duration(use.Utime.Nano() + use.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	for i := range parts {
		l.Readings += parts[i].Readings
		l.Hash ^= parts[i].Hash
	}
	return json.NewEncoder(out).Encode(l)
}

// over decodes and hashes the records of a partition.
func (l *loop) over(records [][]byte) error {
	var decoder record.SamplesDecoder
	var buf []byte
	var values []int64
	digest := xxhash.New()
	for _, r := range records {
		b, err := decoder.Decode(r)
		if err != nil {
			return fmt.Errorf("decode samples: %w", err)
		}
		for i := range b.Series {
			buf = buf[:0]
			values = b.Series[i].Values.AppendTo(values[:0])
			for _, v := range values {
				buf = binary.LittleEndian.AppendUint64(buf, uint64(v))
			}
			_, _ = digest.Write(buf) // never fails
			l.Readings += int64(len(values))
		}
	}
	l.Hash = digest.Sum64()
	return nil
}
