package kafkaserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// spaceInterval is the time between two looks at the disk.
const spaceInterval = 100 * time.Millisecond

// space keeps the disk from being filled to its last byte, and the broker from
// going on after a write that failed.
//
// kfake checks a batch's sequence number, and takes note of it, before it stores
// the batch. Where storing fails it answers with an error that producers do not
// repeat; but one whose connection breaks at that moment does, and is told that
// the batch is a duplicate: acknowledged, and not stored. A topic that could not
// be written to the list of topics is there until the next start.
//
// So, below the reserve, records and topics are refused before kfake sees them,
// with Kafka's own error for a disk that fails: producers wait, and go on by
// themselves when there is space. If a write fails all the same, because the
// reserve is smaller than what others write between two looks, nothing more is
// taken and the broker ends with an error, without the sequence numbers.
type space struct {
	dir     string
	reserve int64
	free    func(dir string) (int64, error)
	logger  *slog.Logger
	end     context.CancelCauseFunc // of the broker

	cluster  atomic.Pointer[kfake.Cluster]
	guarding atomic.Bool // the guard is in place
	broken   atomic.Bool // a write failed
}

// errNotStored ends a broker that could not store what it had taken note of.
var errNotStored = errors.New("kafka folder cannot be written")

// watch looks at the disk until ctx ends.
func (s *space) watch(ctx context.Context) {
	ticker := time.NewTicker(spaceInterval)
	defer ticker.Stop()
	for {
		s.look()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look puts the guard in place when space is short. It is not there all the time
// because kfake keeps the last request of each connection that a guard has seen.
func (s *space) look() {
	free, short := s.short()
	if !short || !s.guarding.CompareAndSwap(false, true) {
		return
	}
	s.logger.Error("disk is full: records are refused until there is space", "dir", s.dir, "free_mib", free>>20, "reserve_mib", s.reserve>>20)
	s.cluster.Load().ControlKey(-1, s.guard)
}

// short says whether space is short. Once it was, a quarter of the reserve more
// must be free, so that a disk at the edge is not open and closed by turns.
func (s *space) short() (free int64, short bool) {
	if s.reserve == 0 {
		return 0, false
	}
	free, err := s.free(s.dir)
	if err != nil {
		s.logger.Warn("disk space is not known", "error", err)
		return 0, false
	}
	need := s.reserve
	if s.guarding.Load() {
		need += s.reserve / 4
	}
	return free, free < need
}

// guard answers requests that would be stored, until there is space again.
func (s *space) guard(kreq kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order of results
	cluster := s.cluster.Load()
	if free, short := s.short(); !short && !s.broken.Load() {
		cluster.DropControl()
		s.guarding.Store(false)
		s.logger.Info("disk has space again: records are taken", "dir", s.dir, "free_mib", free>>20)
		return nil, nil, false
	}
	switch req := kreq.(type) {
	case *kmsg.ProduceRequest:
		if req.Acks == 0 {
			return nil, nil, false // nobody waits for the answer, and none can be given
		}
		cluster.KeepControl()
		return refuseRecords(req), nil, true
	case *kmsg.CreateTopicsRequest:
		cluster.KeepControl()
		return refuseTopics(req), nil, true
	}
	return nil, nil, false
}

func refuseRecords(req *kmsg.ProduceRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ProduceResponse) //nolint:revive // this request's kind of response
	for _, t := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.BaseOffset, partition.ErrorCode = p.Partition, -1, kerr.KafkaStorageError.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

func refuseTopics(req *kmsg.CreateTopicsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse) //nolint:revive // as above
	for _, t := range req.Topics {
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode = t.Topic, kerr.KafkaStorageError.Code
		topic.ErrorMessage = kmsg.StringPtr("the broker's disk is full")
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// Beginnings of the formats of kfake's complaints about lost writes. They are
// all that tells of them; a test with a full disk holds them.
const (
	lostBatch = "persist batch "
	lostState = "persist %s: "
)

// heard is told what kfake complains of, inside the request that it is about.
func (s *space) heard(format, detail string) {
	batch := strings.HasPrefix(format, lostBatch)
	if !batch && !strings.HasPrefix(format, lostState) || !s.broken.CompareAndSwap(false, true) {
		return
	}
	// Clients can connect a moment before the cluster is known here.
	if cluster := s.cluster.Load(); batch && cluster != nil && s.guarding.CompareAndSwap(false, true) {
		cluster.ControlKey(-1, s.guard) // before the batch can be sent again
	}
	s.end(fmt.Errorf("%w: %s", errNotStored, detail))
}

// close completes the end of a broker, which err is about unless it is nil.
func (s *space) close(err error, ran context.Context) error {
	if cause := context.Cause(ran); err == nil && errors.Is(cause, errNotStored) {
		err = cause
	}
	return errors.Join(err, s.forget())
}

// forget removes the sequence numbers that an orderly end has saved, if one of
// them is of a batch that was not stored.
func (s *space) forget() error {
	if !s.broken.Load() {
		return nil
	}
	if err := os.Remove(filepath.Join(s.dir, "seq_windows.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget sequence numbers: %w", err)
	}
	return nil
}
