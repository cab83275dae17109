package replay

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

// told is an output that tells of a text.
type told struct {
	said bytes.Buffer
	text string
	once func()
}

func (o *told) Write(p []byte) (int, error) {
	n, err := o.said.Write(p)
	if o.once != nil && strings.Contains(o.said.String(), o.text) {
		o.once()
		o.once = nil
	}
	return n, err
}

// TestReplayWaitsForTheTopics: a replay into a system that has just been started
// finds no topics, or some of them.
func TestReplayWaitsForTheTopics(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		b.DeleteTopics(t)
		out := &told{text: "waiting for a processor", once: func() { makeTopics(t, b) }}
		set := settings(t, b, nil)
		set.Out = out
		if err := Run(t.Context(), configOf(fleet(t, 2, 20)), set); err != nil {
			t.Fatalf("%v\n%s", err, &out.said)
		}
		if got := len(readContents(t, b).readings); got != 2*20*2 {
			t.Errorf("%d readings, want %d", got, 2*20*2)
		}
		if out.once != nil {
			t.Error("it did not say that it waits")
		}
	})
}

func TestReplayWithoutTopicsCanBeEnded(t *testing.T) {
	b := kafkatest.InProcess(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := &told{text: "waiting for a processor", once: cancel}
	set := settings(t, b, nil)
	set.Out = out
	if err := Run(ctx, configOf(fleet(t, 2, 20)), set); err == nil {
		t.Error("a replay into a system without topics succeeds")
	}
}

func TestMissingTopics(t *testing.T) {
	if !missing(&kafka.CoPartitionError{Missing: true}) || missing(&kafka.CoPartitionError{}) {
		t.Error("different counts are taken for missing topics, or missing topics are not")
	}
}
