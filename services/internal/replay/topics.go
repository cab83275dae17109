package replay

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// topicsTimeout is how long a replay waits for the processors to make the topics.
const topicsTimeout = 30 * time.Second

// awaitTopics sees that nodes will meet their placements, which they do only
// where these are in one partition number. A system that has just been started
// may be about to make the topics, one by one.
func (r *run) awaitTopics(ctx context.Context, client *kgo.Client) error {
	patience, cancel := context.WithTimeout(ctx, topicsTimeout)
	defer cancel()
	backoff := lifecycle.Backoff{Min: 50 * time.Millisecond, Max: time.Second}
	for told := false; ; told = true {
		err := checkTopics(ctx, client)
		if err == nil || !missing(err) {
			return err
		}
		if !told {
			r.console.line("waiting for a processor to make the topics")
		}
		if wait := lifecycle.Wait(patience, backoff.Next()); wait != nil {
			return cmp.Or(ctx.Err(), err)
		}
	}
}

func checkTopics(ctx context.Context, client *kgo.Client) error {
	if _, err := kafka.CheckCoPartitioned(ctx, client, record.Samples, record.Placements, record.Inventory); err != nil {
		return err
	}
	_, err := kafka.EndOffsets(ctx, client, record.Samples, record.Placements, record.Inventory, record.Rates, record.Replays, record.DeadLetters)
	return err
}

func missing(err error) bool {
	counts, ok := errors.AsType[*kafka.CoPartitionError](err)
	return ok && counts.Missing || errors.Is(err, kerr.UnknownTopicOrPartition)
}
