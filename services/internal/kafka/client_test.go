package kafka_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

// underWay counts the produce requests that have no answer yet, by broker.
type underWay struct {
	sent, most atomic.Int64
	now        sync.Map // *atomic.Int64 by broker
}

func (u *underWay) of(broker kgo.BrokerMetadata) *atomic.Int64 {
	now, _ := u.now.LoadOrStore(broker.NodeID, new(atomic.Int64))
	return now.(*atomic.Int64)
}

func (u *underWay) OnBrokerWrite(broker kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key != int16(kmsg.Produce) {
		return
	}
	u.sent.Add(1)
	now := u.of(broker).Add(1)
	for most := u.most.Load(); now > most && !u.most.CompareAndSwap(most, now); most = u.most.Load() {
	}
}

func (u *underWay) OnBrokerRead(broker kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == int16(kmsg.Produce) {
		u.of(broker).Add(-1)
	}
}

// TestProduceRequestsGoOneByOne holds what keeps the client from stopping for
// ever after its broker was killed, see versions.
func TestProduceRequestsGoOneByOne(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		var u underWay
		c := b.Client(t, kgo.WithHooks(&u), kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(1024))
		topic := b.Topic(t, 4)
		for i := range 20_000 {
			c.Produce(t.Context(), &kgo.Record{Topic: topic, Key: []byte(strconv.Itoa(i))}, nil)
		}
		if err := c.Flush(bounded(t)); err != nil {
			t.Fatal(err)
		}
		if u.most.Load() != 1 || u.sent.Load() < 10 {
			t.Errorf("got up to %d requests under way, want 1 (%d sent in all)", u.most.Load(), u.sent.Load())
		}
	})
}
