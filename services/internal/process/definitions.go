package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
)

// definitionAttempts bounds how often a reader of checkpoints begins again
// because the task has trimmed them meanwhile.
const definitionAttempts = 5

// Definitions returns the settings on which a task's figures depend, as its
// last checkpoint says them; found is false for a task that has none.
func Definitions(ctx context.Context, cfg kafka.Config, logger *slog.Logger, task int32) (def engine.Config, found bool, err error) {
	for range definitionAttempts {
		def, found, err = readDefinitions(ctx, cfg, logger, task)
		if _, gap := errors.AsType[*kafka.GapError](err); !gap {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("read definitions of task %d: %w", task, err)
	}
	return def, found, err
}

func readDefinitions(ctx context.Context, cfg kafka.Config, logger *slog.Logger, task int32) (def engine.Config, found bool, err error) {
	client, err := kafka.NewClient(cfg, logger)
	if err != nil {
		return def, false, err
	}
	defer client.Close()
	starts, err := kafka.StartOffsets(ctx, client, record.State)
	if err != nil {
		return def, false, err
	}
	ends, err := kafka.EndOffsets(ctx, client, record.State)
	if err != nil {
		return def, false, err
	}
	start, end := starts[record.State][task], ends[record.State][task]
	if start == end {
		return def, false, nil
	}
	reader, err := kafka.NewReader(cfg, logger, record.State, task, start)
	if err != nil {
		return def, false, err
	}
	defer reader.Close()
	err = reader.ReadTo(ctx, end, func(r *kgo.Record) error {
		if !isFirstChunk(r) {
			return nil
		}
		var header stateHeader
		if err := json.Unmarshal(r.Value, &header); err != nil {
			return fmt.Errorf("decode state header: %w", err)
		}
		def, found = header.Definitions, true
		return nil
	})
	return def, found, err
}

func isFirstChunk(r *kgo.Record) bool {
	for _, h := range r.Headers {
		if h.Key == headerChunk {
			return string(h.Value) == "0"
		}
	}
	return false
}
