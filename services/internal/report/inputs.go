package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// Inputs tells where the input of each task ends now.
type Inputs interface {
	Ends(ctx context.Context) (map[int32]record.Offsets, error)
}

// askTimeout bounds a question to Kafka, whose client would wait for ever.
const askTimeout = 10 * time.Second

func (s Source) ends(ctx context.Context) (map[int32]record.Offsets, error) {
	if s.Inputs == nil {
		return nil, errors.New("no Kafka is configured")
	}
	return s.Inputs.Ends(ctx)
}

// KafkaInputs asks Kafka.
type KafkaInputs kafka.Config

// Ends implements Inputs.
func (k KafkaInputs) Ends(ctx context.Context) (map[int32]record.Offsets, error) {
	client, err := kafka.NewClient(kafka.Config(k), nil)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ends, err := kafka.EndOffsets(ctx, client, record.Samples, record.Placements, record.Inventory, record.Rates, record.Corrections)
	if err != nil {
		return nil, fmt.Errorf("ask for ends of input: %w", err)
	}
	tasks := map[int32]record.Offsets{}
	for task, samples := range ends[record.Samples] {
		tasks[task] = record.Offsets{
			Samples: samples, Placements: ends[record.Placements][task], Inventory: ends[record.Inventory][task],
			Rates: ends[record.Rates][0], Corrections: ends[record.Corrections][task],
		}
	}
	return tasks, nil
}
