package process

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// refusals counts records of this step that could not be read, by reason.
type refusals [telemetry.NumReasons]int64

// Bounds of what is written about one step: counters stay exact, letters do not
// drown the topic.
const (
	maxLetters       = 1000
	maxLetterPayload = 4 << 10
	maxLetterKey     = record.MaxName
)

// refuse takes note of an input record that cannot be read.
func (s *session) refuse(r *kgo.Record, reason telemetry.Reason, err error) {
	s.counts[reason]++
	s.letter(r.Key, record.DeadLetter{
		Reason: reason, Detail: err.Error(), Origin: r.Topic, Partition: r.Partition, Position: r.Offset, Count: 1,
		Payload: r.Value[:min(len(r.Value), maxLetterPayload)],
	}, "")
}

// addLetters turns the engine's letters into records. Their position is where
// the step's samples began, or those about corrections ended: the step is what
// they are about. Others about no node are about rates, which are everybody's:
// task 0 speaks for all.
func (s *session) addLetters(result *engine.Result, origin int64) {
	for i := range result.Letters {
		l := &result.Letters[i]
		if l.Node == "" && !l.Correction && s.task.id != 0 {
			result.Counts[l.Reason] -= int64(l.Count)
			continue
		}
		topic, position := record.Samples, origin
		if l.Correction {
			topic, position = record.Corrections, s.inputs.at.Corrections
		}
		s.letter([]byte(l.Node), record.DeadLetter{
			Reason: l.Reason, Detail: l.Detail, Origin: topic, Partition: s.task.id, Position: position,
			Node: l.Node, Count: l.Count, First: l.First, Last: l.Last,
		}, "/"+l.Node)
	}
}

// letter adds a dead letter to the step. It is written before the step's
// commit: a crash between the two repeats it, with the same identity.
func (s *session) letter(key []byte, l record.DeadLetter, about string) {
	if len(s.letters) >= maxLetters {
		s.task.env.metrics.lettersDropped.Inc()
		return
	}
	l.Detail = l.Detail[:min(len(l.Detail), maxLetterPayload)]
	env := record.Envelope{
		ID:     fmt.Sprintf("%s/%d/%d/%s%s", l.Origin, l.Partition, l.Position, l.Reason, about),
		Source: s.source, Type: record.TypeDeadLetter, Time: s.task.env.set.Clock().UnixNano(),
	}
	rec := s.record(record.DeadLetters, 0, env, l.Append(nil))
	rec.Key = bytes.Clone(key[:min(len(key), maxLetterKey)])
	s.letters = append(s.letters, rec)
}
