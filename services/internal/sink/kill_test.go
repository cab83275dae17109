package sink_test

import (
	"strconv"
	"testing"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/chserver/chservertest"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// TestKilledServers kills the store and the broker, one after the other, while
// steps arrive, and starts them again in their places.
func TestKilledServers(t *testing.T) {
	b := kafkatest.Spawn(t)
	dir := t.TempDir()
	server := chservertest.Start(t, dir)
	client := sinktest.Client(t, server)
	sinktest.Topics(t, b, 1)
	log := sinktest.NewLog(t, sinktest.Producer(t, b), 0)
	sinktest.Start(t, b, sink.ClickHouse{Client: client})
	ctx := t.Context()
	for range 3 {
		for range 10 {
			log.Step(40, 20)
		}
		// Kill in the midst of it: some of these steps are there, some are not.
		first := log.Last - 8
		until(t, ctx, "a first step to arrive", func() bool {
			row, err := textrow.One(ctx, client, "SELECT max(step) >= "+strconv.FormatUint(first, 10)+" FROM ledger")
			return err == nil && row[0] == "1"
		})
		server.Kill()
		log.Step(30)
		server = chservertest.Start(t, dir, func(c *chserver.Config) { c.Listen = server.Addr })
		b.Kill(t)
		b.Start(t)
		log.Step(7, 7, 7)
	}
	await(t, client, log)
}
