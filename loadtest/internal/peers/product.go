package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
)

// checkpointEvery is far below the default of 30 s, in which a run would be over
// without a single checkpoint.
const checkpointEvery = "1s"

// runProduct runs `ntegral process` with its defaults but for checkpointEvery,
// until its commits say that all samples are in.
func runProduct(ctx context.Context, c *contest) (result, error) {
	var r result
	listen, err := freePort(ctx)
	if err != nil {
		return r, err
	}
	began := time.Now()
	p, err := spawn("ntegral", filepath.Join(c.dir, "process.log"), []string{
		"NTEGRAL_KAFKA_BROKERS=" + c.broker.address, "NTEGRAL_PROCESS_LISTEN=" + listen, "NTEGRAL_PROCESS_CHECKPOINT_INTERVAL=" + checkpointEvery,
	}, c.Binary, "process")
	if err != nil {
		return r, err
	}
	defer p.stop()
	var first time.Duration
	err = r.measure(began, product.Usage{}, p, func() error {
		first, err = committedSteps(ctx, "http://"+listen+"/status", c.broker.ends, began, p)
		return err
	})
	if err != nil {
		return r, err
	}
	checkpoints, err := countCheckpoints(ctx, c.broker)
	if err != nil {
		return r, err
	}
	r.note = fmt.Sprintf("first commit after %.2f s, %d checkpoints", first.Seconds(), checkpoints)
	r.facts, err = productFacts(ctx, c.broker)
	return r, err
}

// countCheckpoints counts the manifests that are there. Older ones are trimmed,
// so at least as many were written.
func countCheckpoints(ctx context.Context, b *broker) (n int, err error) {
	err = b.consume(ctx, record.State, func(r *kgo.Record) error {
		if topics.EventType(r) == record.TypeManifest {
			n++
		}
		return nil
	})
	return n, err
}

// committedSteps asks the processor, as often as the others' groups are asked, until
// its last steps hold all samples. To follow its log instead would read all facts
// meanwhile, on the same processors; productFacts looks at the log afterwards.
func committedSteps(ctx context.Context, url string, ends map[int32]int64, began time.Time, p *child) (first time.Duration, err error) {
	tasks := maps.Clone(ends)
	maps.DeleteFunc(tasks, func(_ int32, end int64) bool { return end == 0 }) // few nodes leave partitions empty
	err = product.Until(ctx, func() (bool, error) {
		if err := p.ended(); err != nil {
			return false, err
		}
		steps, err := askSteps(ctx, url)
		if err != nil {
			return false, nil // it may not listen yet; the deadline bounds it
		}
		left := maps.Clone(tasks)
		for _, t := range steps.Tasks {
			if t.Step > 0 && first == 0 {
				first = time.Since(began)
			}
			if t.Inputs.Samples >= ends[t.Task] {
				delete(left, t.Task)
			}
		}
		return len(left) == 0, nil
	})
	return first, err
}

// steps is what the processor's status says of its tasks.
type steps struct {
	Tasks []struct {
		Task   int32  `json:"task"`
		Step   uint64 `json:"step"`
		Inputs struct {
			Samples int64 `json:"samples"`
		} `json:"inputs"`
	} `json:"tasks"`
}

func askSteps(ctx context.Context, url string) (s steps, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return s, fmt.Errorf("ask for status: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, fmt.Errorf("ask for status: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&s); err != nil {
		return s, fmt.Errorf("read status: %w", err)
	}
	return s, nil
}

// productFacts sums the parts in the log, and sees that its last commits hold all
// samples. Only one processor has written, and it was not disturbed, so every part
// counts.
func productFacts(ctx context.Context, b *broker) (Facts, error) {
	facts := Facts{}
	left := maps.Clone(b.ends)
	err := b.consume(ctx, record.Facts, func(r *kgo.Record) error {
		switch topics.EventType(r) {
		case record.TypeCommit:
			commit, err := record.DecodeCommit(r.Value)
			if err != nil {
				return fmt.Errorf("read commit: %w", err)
			}
			left[r.Partition] = max(0, b.ends[r.Partition]-commit.Inputs.Samples)
			if commit.Pending {
				left[r.Partition]++
			}
			return nil
		case record.TypePart:
		default:
			return nil
		}
		rows, err := fact.Decode(r.Value, memory.DefaultAllocator)
		if err != nil {
			return fmt.Errorf("read part: %w", err)
		}
		for i := range rows {
			row := &rows[i]
			facts[Key{Minute: row.WindowStart / int64(time.Minute), Node: row.Node, Workload: row.Workload}] += row.Sums[fact.Energy]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for partition, n := range left {
		if n > 0 {
			return nil, fmt.Errorf("the last commit of partition %d lacks %d records, or has windows left to close", partition, n)
		}
	}
	return facts, nil
}
