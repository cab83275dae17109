// Package gokapeer is the contender that is written with goka: one processor
// whose group table holds, for each node, the last counter readings and the open
// one-minute sums, joined with a table of the node's placements.
//
// Words: the state is a node's value in the group table, which goka keeps in
// LevelDB and in a changelog topic; a fact leaves by the output stream when its
// minute is over.
//
// Invariants: what lies between two readings of a counter belongs to the minute
// and the holder of the first one, which is exact for this load, whose edges are
// whole seconds. The join table is recovered before a sample is read. goka
// promises at-least-once; this contender is given nothing better.
//
// Concurrency: goka's, a goroutine a partition; decoders come from a pool.
package gokapeer

import (
	"context"
	"fmt"
	"io"
	"log"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/lovoo/goka"
	"github.com/lovoo/goka/storage"

	"github.com/ntegral/ntegral/schemas/record"
)

// Names that the comparison looks at.
const (
	Group = "goka-peer"
	Facts = "peers.goka.facts.v1"
)

// Run processes the samples until ctx ends. Its store is below dir.
func Run(ctx context.Context, broker, placements, dir string, out io.Writer) error {
	config := goka.DefaultConfig()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	// goka's defaults fetch and flush for latency; these are kinder to throughput.
	config.Consumer.Fetch.Default = 8 << 20
	config.Consumer.MaxProcessingTime = 5 * time.Second
	config.Producer.Flush.Bytes = 1 << 20
	topics := goka.NewTopicManagerConfig()
	topics.Table.Replication, topics.Stream.Replication = 1, 1
	table := goka.Table(placements)
	a := &attribution{table: table, decoders: sync.Pool{New: func() any { return new(record.SamplesDecoder) }}}
	graph := goka.DefineGroup(Group,
		goka.Input(record.Samples, raw{}, a.take),
		goka.Join(table, raw{}),
		goka.Output(Facts, raw{}),
		goka.Persist(stateCodec{}),
	)
	p, err := goka.NewProcessor([]string{broker}, graph,
		goka.WithTopicManagerBuilder(goka.TopicManagerBuilderWithConfig(config, topics)),
		goka.WithConsumerGroupBuilder(goka.ConsumerGroupBuilderWithConfig(config)),
		goka.WithConsumerSaramaBuilder(goka.SaramaConsumerBuilderWithConfig(config)),
		goka.WithProducerBuilder(goka.ProducerBuilderWithConfig(config)),
		goka.WithStorageBuilder(storage.DefaultBuilder(dir)),
		goka.WithLogger(log.New(out, "", 0)),
	)
	if err != nil {
		return fmt.Errorf("make processor: %w", err)
	}
	if err := p.Run(ctx); err != nil {
		return fmt.Errorf("run processor: %w", err)
	}
	return nil
}

// raw hands bytes through.
type raw struct{}

func (raw) Encode(v any) ([]byte, error) { return v.([]byte), nil }
func (raw) Decode(b []byte) (any, error) { return b, nil }
