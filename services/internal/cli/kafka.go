package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ntegral/ntegral/services/internal/kafkaserver"
)

func (a *app) kafka() *cobra.Command {
	return a.service("kafka", "Run the embedded Kafka",
		"Run the embedded Kafka on a data folder, for systems of one machine.\nLarger ones use Apache Kafka.",
		"  ntegral kafka --data ./data\n  NTEGRAL_KAFKA_DIR=/var/lib/ntegral/kafka NTEGRAL_KAFKA_LISTEN=127.0.0.1:9092 ntegral kafka",
		func(ctx context.Context, cfg *Config, ready func(string)) error {
			server := cfg.Kafka.KafkaServer
			if err := server.Validate(); err != nil {
				return usageError{err}
			}
			a.logger.Info("configuration", "kafka", fmt.Sprintf("%+v", server))
			return kafkaserver.Run(ctx, server, kafkaserver.Settings{Logger: a.logger, Ready: ready})
		})
}
