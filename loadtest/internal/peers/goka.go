package peers

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
	"github.com/ntegral/ntegral/loadtest/internal/peers/gokapeer"
	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
)

// tablePlacements is the placements as a compacted table wants them, one record
// a node: what goka and Kafka Streams join with.
const tablePlacements = "peers.placements.v1"

// gokaFacts is made beforehand: goka makes its tables, but not its outputs.
const gokaFacts = gokapeer.Facts

// runGoka runs the goka contender until its group has committed the end.
func runGoka(ctx context.Context, c *contest) (result, error) {
	var r result
	began := time.Now()
	p, err := spawn("goka", filepath.Join(c.dir, "goka.log"), nil, c.Self, "bench", "contender", "goka",
		"--brokers", c.broker.address, "--placements", tablePlacements, "--dir", filepath.Join(c.dir, "goka"))
	if err != nil {
		return r, err
	}
	defer p.stop()
	if err := r.measure(began, product.Usage{}, p, func() error { return c.broker.committed(ctx, gokapeer.Group, p.ended) }); err != nil {
		return r, err
	}
	r.facts, err = varintFacts(ctx, c.broker, gokapeer.Facts)
	return r, err
}

// varintFacts reads facts that are minute, energy and busy time as varints and
// then the workload, under the node as key. Of several under one key, which
// Kafka Streams writes while a window is open, the last counts.
func varintFacts(ctx context.Context, b *broker, topic string) (Facts, error) {
	facts := Facts{}
	err := b.consume(ctx, topic, func(r *kgo.Record) error {
		var v [3]int64
		rest := r.Value
		for i := range v {
			value, n := binary.Varint(rest)
			if n <= 0 {
				return fmt.Errorf("read fact of %s: cut short", topic)
			}
			v[i], rest = value, rest[n:]
		}
		facts[Key{Minute: v[0], Node: string(r.Key), Workload: string(rest)}] = v[1]
		return nil
	})
	return facts, err
}

// tables hands out the placements as a table.
func (l Load) tables(emit func(topics.Entry)) {
	for n := range l.Nodes {
		var value []byte
		for _, p := range l.placements(n) {
			b := record.AppendPlacement(nil, &p)
			value = append(binary.AppendUvarint(value, uint64(len(b))), b...)
		}
		emit(topics.Entry{Topic: tablePlacements, Key: cluster.NodeName(n), Kind: record.TypePlacement, Value: value})
	}
}
