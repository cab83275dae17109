package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Bounds of every client.
const (
	maxBufferedBytes = 64 << 20
	maxFetchBytes    = 16 << 20
	maxPartBytes     = 4 << 20
)

// NewClient builds a client for cfg; opts may overrule what it chooses. It does
// not connect: the first request does. A nil logger discards.
//
// A batch waits 2 ms for company, so that a burst becomes few requests and a
// single record is not held up for long. Batches are compressed with Snappy, which
// costs least of those that help (231 MB of packed samples to the embedded broker:
// none 151 ms of the client's CPU, snappy 57, lz4 134, zstd 231; sending less
// saves more than compressing costs). Payloads that are compressed already gain
// nothing and say so with kgo.ProducerBatchCompression(kgo.NoCompression()).
func NewClient(cfg Config, logger *slog.Logger, opts ...kgo.Opt) (*kgo.Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("configure kafka client: %w", err))
	}
	mechanism, err := cfg.mechanism()
	if err != nil {
		return nil, lifecycle.Permanent(err)
	}
	encryption, err := cfg.tlsConfig()
	if err != nil {
		return nil, lifecycle.Permanent(err)
	}
	all := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID("ntegral"),
		kgo.WithLogger(clientLog{logger}),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2 of the key
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.ProducerBatchMaxBytesFn(func(topic string) int32 { return int32(record.BatchBytes(topic)) }),
		kgo.MaxVersions(versions()),
		kgo.ProducerLinger(2 * time.Millisecond),
		kgo.MaxBufferedBytes(maxBufferedBytes),
		kgo.FetchMaxBytes(maxFetchBytes),
		kgo.FetchMaxPartitionBytes(maxPartBytes),
		kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.MetadataMinAge(250 * time.Millisecond), // a restarted broker is found at once
		kgo.RetryBackoffFn(retryBackoff),
	}
	if mechanism != nil {
		all = append(all, kgo.SASL(mechanism))
	}
	if encryption != nil {
		all = append(all, kgo.DialTLSConfig(encryption))
	}
	client, err := kgo.NewClient(append(all, opts...)...)
	if err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("build kafka client: %w", err))
	}
	return client, nil
}

// versions is all that the client knows, but for produce requests, which stay at
// a version at which it has one of them under way at a time. With several, up to
// its version 1.22.3 it may stop for ever: an answer that the producer is unknown
// sends it back to its oldest batch, and a request that is being put together at
// that moment, and then taken back, sends it forward again past batches that
// were never stored. The embedded broker answers so after it was killed. One
// request holds a batch of every partition, so there is little to gain from more.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(int16(kmsg.Produce), 3)
	return v
}

// retryBackoff stays short: a local broker is back in tens of milliseconds.
func retryBackoff(fails int) time.Duration {
	d := min(50*time.Millisecond<<min(fails, 6), 2*time.Second)
	return d/2 + rand.N(d/2)
}

// clientLog passes the client's warnings on. Its informational lines are about
// every connection and are of use only when debugging the client itself.
type clientLog struct{ logger *slog.Logger }

func (l clientLog) Level() kgo.LogLevel {
	if l.logger == nil {
		return kgo.LogLevelNone
	}
	if l.logger.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

func (l clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError:
		to = slog.LevelError
	case kgo.LogLevelWarn:
		to = slog.LevelWarn
	}
	l.logger.Log(context.Background(), to, "kafka client", append([]any{"event", msg}, keyvals...)...)
}
