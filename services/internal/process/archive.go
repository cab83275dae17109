package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// archive reads history back from its topic. Nodes are restated one after the
// other, in the order in which their blocks were written, so what was read last is
// kept, until the next checkpoint.
type archive struct {
	ctx     context.Context // of the session
	cfg     kafka.Config
	logger  *slog.Logger
	task    int32
	metrics *metrics

	reader *kafka.Reader // nil: nothing has been recalled yet
	end    int64         // of the topic, when it was asked for last
	values map[int64][]byte
	order  []int64 // of the values, the oldest first
	bytes  int
}

const (
	// cachedHistory bounds what an archive keeps, in bytes.
	cachedHistory = 32 << 20
	// recallFetch is how many bytes one read brings; at least a batch comes. What lies
	// behind it is wanted in order or not at all.
	recallFetch = 128 << 10
)

// errHistoryGone says that a place is not, or no longer, in the topic.
var errHistoryGone = errors.New("history is not where it was put")

// Recall implements engine.Archive.
func (a *archive) Recall(p engine.Place) ([]byte, error) {
	a.metrics.recalls.Inc()
	value, ok := a.values[p.Offset]
	if !ok {
		if err := a.read(p.Offset); err != nil {
			return nil, err
		}
		value = a.values[p.Offset]
	}
	if uint64(p.At)+uint64(p.Size) > uint64(len(value)) {
		return nil, a.gone(p.Offset, fmt.Sprintf("a record of %d bytes lies there", len(value)))
	}
	return value[p.At : p.At+p.Size], nil
}

func (a *archive) gone(offset int64, why string) error {
	return lifecycle.Retryable(fmt.Errorf("%w: %s/%d, offset %d: %s", errHistoryGone, record.History, a.task, offset, why))
}

// read reads the record at an offset, and keeps what comes with it.
func (a *archive) read(offset int64) error {
	if err := a.seek(offset); err != nil {
		return err
	}
	records, err := a.reader.Poll(a.ctx, 0)
	if gap, ok := errors.AsType[*kafka.GapError](err); ok {
		return a.gone(offset, gap.Error())
	}
	if err != nil {
		return err
	}
	for _, r := range records {
		a.keep(r)
	}
	// What was asked for came first, and may have been dropped if the rest is a lot.
	a.keep(records[0])
	if got := records[0].Offset; got != offset {
		return a.gone(offset, fmt.Sprintf("the next record is at %d", got))
	}
	return nil
}

// seek puts the reader before an offset that the topic has. At its end a reader
// waits for what is to come, which is not what was put away.
func (a *archive) seek(offset int64) error {
	if a.reader == nil {
		reader, err := kafka.NewReader(a.cfg, a.logger, record.History, a.task, offset, kgo.FetchMaxPartitionBytes(recallFetch))
		if err != nil {
			return err
		}
		a.reader, a.values = reader, map[int64][]byte{}
	} else if a.reader.Next() != offset {
		a.reader.SeekTo(offset)
	}
	if offset < a.end {
		return nil
	}
	ends, err := kafka.EndOffsets(a.ctx, a.reader.Client(), record.History)
	if err != nil {
		return err
	}
	if a.end = ends[record.History][a.task]; offset >= a.end {
		return a.gone(offset, fmt.Sprintf("the topic ends at %d", a.end))
	}
	return nil
}

func (a *archive) keep(r *kgo.Record) {
	if _, ok := a.values[r.Offset]; ok {
		return
	}
	a.values[r.Offset] = r.Value
	a.order = append(a.order, r.Offset)
	a.bytes += len(r.Value)
	for a.bytes > cachedHistory && len(a.order) > 1 {
		a.bytes -= len(a.values[a.order[0]])
		delete(a.values, a.order[0])
		a.order = a.order[1:]
	}
}

// close lets go of what is kept, and of the connection. It can be used again.
func (a *archive) close() {
	if a.reader != nil {
		a.reader.Close()
	}
	a.reader, a.values, a.order, a.bytes = nil, nil, nil, 0
}
