package peers

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/schemas/record"
)

// Topics of the Kafka Streams contender.
const (
	streamsGroup = "kafka-streams-peer"
	streamsFacts = "peers.streams.facts.v1"
)

// runStreams runs the Kafka Streams contender (loadtest/peers/kafka-streams),
// exactly-once. The embedded broker's transactions do not carry the Java
// client's (it answers InvalidTxnState), so this one runs on Apache Kafka, which
// holds the same bytes.
func runStreams(ctx context.Context, c *contest) (r result, err error) {
	if c.Streams == "" || c.Kafka == "" {
		return r, errors.New("left out: it takes a JDK 17 and Maven, see --streams and --kafka")
	}
	b, err := startApache(ctx, c.Kafka, filepath.Join(c.dir, "apache"), c.Load)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.end(ctx)) }()
	before, err := b.use()
	if err != nil {
		return r, fmt.Errorf("read use of broker: %w", err)
	}
	began := time.Now()
	p, err := spawn("kafka-streams", filepath.Join(c.dir, "streams.log"), nil,
		"java", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(c.Streams, "classes")+":"+filepath.Join(c.Streams, "lib", "*"), "Main",
		b.address, streamsGroup, record.Samples, tablePlacements, streamsFacts, filepath.Join(c.dir, "streams"))
	if err != nil {
		return r, err
	}
	defer p.stop()
	if err := r.measure(began, product.Usage{}, p, func() error { return b.committed(ctx, streamsGroup, p.ended) }); err != nil {
		return r, err
	}
	after, err := b.use()
	if err != nil {
		return r, fmt.Errorf("read use of broker: %w", err)
	}
	r.broker, r.note = after.CPU-before.CPU, "on Apache Kafka"
	r.facts, err = varintFacts(ctx, b.broker, streamsFacts)
	return r, err
}
