package scale

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
)

// chunkSize is what a chunk of a checkpoint holds; the first one is a short
// header, the last one what is left.
const chunkSize = 900 << 10

// saved is the newest checkpoint of a task.
type saved struct {
	step   uint64
	chunks int64
}

// bytes is about what it takes: half a chunk is the mean of a last one.
func (s saved) bytes() int64 { return max(0, 2*s.chunks-3) * chunkSize / 2 }

// checkpoints returns the newest complete checkpoint of each task that has one.
// It reads the end of the state topic alone, where the manifests are, or right
// before the chunks of a checkpoint that is not finished.
func (r *rig) checkpoints(ctx context.Context) (map[int32]saved, error) {
	ends, err := r.ends(ctx, record.State)
	if err != nil {
		return nil, err
	}
	out := map[int32]saved{}
	at := map[int32]int64{}
	for p, end := range ends {
		at[p] = end - 1
	}
	for range 2 {
		last, err := r.stateRecords(ctx, at)
		if err != nil {
			return nil, err
		}
		clear(at)
		for p, rec := range last {
			if topics.EventType(rec) != record.TypeManifest {
				at[p] = rec.Offset - place(rec) - 1
				continue
			}
			m, err := record.DecodeManifest(rec.Value)
			if err != nil {
				return nil, fmt.Errorf("read manifest: %w", err)
			}
			out[p] = saved{m.Step, int64(m.Chunks)}
		}
	}
	return out, nil
}

// place is that of a chunk in its checkpoint.
func place(r *kgo.Record) int64 {
	for _, h := range r.Headers {
		if h.Key == "chunk" {
			if n, err := strconv.ParseInt(string(h.Value), 10, 64); err == nil {
				return n
			}
		}
	}
	return 0
}

// stateRecords reads a record of each partition; those below 0 are not there.
func (r *rig) stateRecords(ctx context.Context, offsets map[int32]int64) (map[int32]*kgo.Record, error) {
	at := map[int32]kgo.Offset{}
	for p, offset := range offsets {
		if offset >= 0 {
			at[p] = kgo.NewOffset().At(offset)
		}
	}
	out := map[int32]*kgo.Record{}
	if len(at) == 0 {
		return out, nil
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(r.fleet.Brokers()), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{record.State: at}))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	defer c.Close()
	for len(out) < len(at) {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if out[rec.Partition] == nil {
				out[rec.Partition] = rec
			}
		})
	}
	return out, nil
}

// stall is how often and how long tasks stood still for a checkpoint.
type stall struct {
	count   int64
	seconds float64
}

// stalls asks the processor's metrics.
func (r *rig) stalls(ctx context.Context) (s stall, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.metrics+"/metrics", nil)
	if err != nil {
		return s, fmt.Errorf("ask for metrics: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return s, fmt.Errorf("ask for metrics: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or failed
	return readStall(resp.Body)
}

func readStall(in io.Reader) (s stall, err error) {
	const name = "ntegral_process_checkpoint_duration_seconds_"
	for lines := bufio.NewScanner(in); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok {
			continue
		}
		what, value, _ := strings.Cut(rest, " ")
		v, err := strconv.ParseFloat(value, 64)
		if what != "sum" && what != "count" {
			continue
		}
		if err != nil {
			return s, fmt.Errorf("read metrics: %w", err)
		}
		if what == "sum" {
			s.seconds = v
		} else {
			s.count = int64(v)
		}
	}
	return s, nil
}
