package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/sink"
)

func (a *app) sink() *cobra.Command {
	return a.service("sink", "Bring facts to the store",
		"Insert committed facts into ClickHouse, once, and keep the ledger of what has arrived.\nApplies migrations first. Any number of sinks share the work.",
		"  ntegral sink --data ./data\n  NTEGRAL_KAFKA_BROKERS=kafka-1:9092 NTEGRAL_CLICKHOUSE_URL=https://store:8443 ntegral sink",
		func(ctx context.Context, cfg *Config, ready func(string)) error {
			if err := errors.Join(cfg.Sink.Validate(), cfg.Kafka.KafkaClient.Validate()); err != nil {
				return usageError{err}
			}
			a.logger.Info("configuration", "sink", fmt.Sprintf("%+v", cfg.Sink), "store", fmt.Sprintf("%+v", cfg.Clickhouse.StoreClient))
			store := cfg.Clickhouse.StoreClient
			// Each insert under way holds a connection, and resuming asks beside them.
			store.MaxConnections = max(store.MaxConnections, cfg.Sink.Inserts+2)
			return withStore(ctx, store, func(ctx context.Context, client *clickhouse.Client) error {
				return sink.Run(ctx, cfg.Sink, sink.Settings{
					Kafka: cfg.Kafka.KafkaClient, Store: sink.ClickHouse{Client: client}, Logger: a.logger, Ready: ready,
				})
			})
		})
}
