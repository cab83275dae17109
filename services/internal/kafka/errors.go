package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Classify marks err with its kind (see package lifecycle), by type and by
// Kafka's error code. What it does not know stays retryable.
func Classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting):
		return lifecycle.Interrupted(err)
	case isPermanent(err):
		return lifecycle.Permanent(err)
	}
	return err
}

// permanent lists the answers of a broker that no repetition will change. The
// client retries what Kafka calls retriable; of the rest, those missing here
// (an unknown server error, which is what a full disk looks like, among them)
// may pass when an operator has acted.
var permanent = []error{
	kerr.MessageTooLarge,
	kerr.RecordListTooLarge,
	kerr.InvalidRecord,
	kerr.CorruptMessage,
	kerr.InvalidTopicException,
	kerr.InvalidPartitions,
	kerr.InvalidReplicationFactor,
	kerr.InvalidConfig,
	kerr.InvalidRequest,
	kerr.PolicyViolation,
	kerr.TopicAuthorizationFailed,
	kerr.GroupAuthorizationFailed,
	kerr.ClusterAuthorizationFailed,
	kerr.SaslAuthenticationFailed,
	kerr.UnsupportedSaslMechanism,
	kerr.IllegalSaslState,
	kerr.UnsupportedVersion,
	kerr.UnsupportedForMessageFormat,
	kerr.UnsupportedCompressionType,
	kerr.SecurityDisabled,
	// Somebody else has the member's name in the group, or the broker has lost the
	// member's id. The client would ask for ever with the same id; only a new one,
	// of a new process, gets the name.
	kerr.FencedInstanceID,
}

func isPermanent(err error) bool {
	for _, p := range permanent {
		if errors.Is(err, p) {
			return true
		}
	}
	_, gap := errors.AsType[*GapError](err)
	return gap
}

// GapError says that a reader wanted an offset that its partition does not hold.
// Want < Start: the records from Want to Start have been trimmed or have expired.
// Want > End: the partition is shorter than somebody remembered it.
type GapError struct {
	Topic     string
	Partition int32
	Want      int64 // the offset to read next
	Start     int64 // the oldest offset that there is
	End       int64 // the offset after the newest
}

func (e *GapError) Error() string {
	if e.Want > e.End {
		return fmt.Sprintf("topic %s partition %d: offset %d is beyond its end %d", e.Topic, e.Partition, e.Want, e.End)
	}
	return fmt.Sprintf("topic %s partition %d: offsets %d to %d are gone, it starts at %d", e.Topic, e.Partition, e.Want, e.Start-1, e.Start)
}
