package kafka_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

func reader(t *testing.T, b *kafkatest.Broker, topic string, offset int64) *kafka.Reader {
	t.Helper()
	r, err := kafka.NewReader(b.Config, kafkatest.Logger(t), topic, 1, offset)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// bounded keeps a broken reader from holding the tests up.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func readTo(t *testing.T, r *kafka.Reader, end int64) (values []string) {
	t.Helper()
	err := r.ReadTo(bounded(t), end, func(rec *kgo.Record) error {
		values = append(values, string(rec.Value))
		return nil
	})
	if err != nil {
		t.Fatalf("read to %d: %v", end, err)
	}
	if r.Next() != end {
		t.Errorf("read to %d: next is %d", end, r.Next())
	}
	return values
}

func numbers(first, last int) (out []string) {
	for i := first; i < last; i++ {
		out = append(out, strconv.Itoa(i))
	}
	return out
}

func TestReaderReadsFromAnExactOffset(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		topic := b.Topic(t, 2)
		produce(t, client, topic, 0, 1000, 1010) // another partition, to be left alone
		produce(t, client, topic, 1, 0, 100)
		r := reader(t, b, topic, 40)
		if diff := cmp.Diff(readTo(t, r, 60), numbers(40, 60)); diff != "" {
			t.Errorf("first part (-got +want):\n%s", diff)
		}
		produce(t, client, topic, 1, 100, 120)
		if diff := cmp.Diff(readTo(t, r, 120), numbers(60, 120)); diff != "" {
			t.Errorf("rest (-got +want):\n%s", diff)
		}
		r.SeekTo(5)
		if diff := cmp.Diff(readTo(t, r, 10), numbers(5, 10)); diff != "" {
			t.Errorf("after going back (-got +want):\n%s", diff)
		}
	})
}

func TestReaderPollIsBounded(t *testing.T) {
	b := kafkatest.InProcess(t)
	topic := b.Topic(t, 2)
	produce(t, b.Client(t), topic, 1, 10, 40)
	r := reader(t, b, topic, 0)
	for _, tc := range []struct{ maxBytes, want int }{{1, 1}, {9, 3}, {10, 3}, {0, 23}} { // a record has 3 bytes
		records, err := r.Poll(bounded(t), tc.maxBytes)
		if err != nil || len(records) != tc.want {
			t.Errorf("poll of %d bytes: got %d records, %v, want %d", tc.maxBytes, len(records), err, tc.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Poll(ctx, 0); !lifecycle.IsInterrupted(err) {
		t.Errorf("poll at the end, cancelled: got %v, want it interrupted", err)
	}
	produce(t, b.Client(t), topic, 1, 40, 41)
	if records, err := r.Poll(bounded(t), 0); err != nil || len(records) != 1 || records[0].Offset != 30 {
		t.Errorf("poll after an interrupted one: got %v, %v, want offset 30", records, err)
	}
}

func TestReaderReportsTrimmedOffsets(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		topic := b.Topic(t, 2)
		produce(t, client, topic, 1, 0, 50)
		if err := kafka.Trim(t.Context(), client, topic, 1, 30); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name string
			from int64
			want kafka.GapError
		}{
			{"before the start", 10, kafka.GapError{Topic: topic, Partition: 1, Want: 10, Start: 30, End: 50}},
			{"beyond the end", 60, kafka.GapError{Topic: topic, Partition: 1, Want: 60, Start: 30, End: 50}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				r := reader(t, b, topic, tc.from)
				for range 2 { // it says so again until another offset is chosen
					_, err := r.Poll(bounded(t), 0)
					gap, ok := errors.AsType[*kafka.GapError](err)
					if !ok {
						t.Fatalf("got %v, want a GapError", err)
					}
					if diff := cmp.Diff(*gap, tc.want); diff != "" {
						t.Errorf("gap (-got +want):\n%s", diff)
					}
				}
				r.SeekTo(30)
				if diff := cmp.Diff(readTo(t, r, 50), numbers(30, 50)); diff != "" {
					t.Errorf("after the gap (-got +want):\n%s", diff)
				}
			})
		}
	})
}

func TestReaderReportsTrimmingUnderItsFeet(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		client := b.Client(t)
		topic := b.Topic(t, 2)
		produce(t, client, topic, 1, 0, 10)
		r := reader(t, b, topic, 0)
		if diff := cmp.Diff(readTo(t, r, 10), numbers(0, 10)); diff != "" {
			t.Errorf("before (-got +want):\n%s", diff)
		}
		r.SeekTo(2)
		if err := kafka.Trim(t.Context(), client, topic, 1, 8); err != nil {
			t.Fatal(err)
		}
		// What the client had fetched ahead may still come, what it had not is a gap; nothing is skipped.
		next := int64(2)
		for next < 10 {
			records, err := r.Poll(bounded(t), 0)
			if gap, ok := errors.AsType[*kafka.GapError](err); ok {
				if gap.Want != next || gap.Start != 8 {
					t.Fatalf("got %+v, want a gap from %d to 8", gap, next)
				}
				next = 8
				r.SeekTo(next)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range records {
				if rec.Offset != next {
					t.Fatalf("got offset %d, want %d", rec.Offset, next)
				}
				next++
			}
		}
	})
}

func TestReaderSurvivesARestartedBroker(t *testing.T) {
	for name, b := range map[string]*kafkatest.Broker{"stopped": kafkatest.InProcess(t), "killed": kafkatest.Spawn(t)} {
		t.Run(name, func(t *testing.T) {
			topic := b.Topic(t, 2)
			client := b.Client(t)
			r := reader(t, b, topic, 0)
			written := 0
			for range 4 {
				produce(t, client, topic, 1, written, written+50)
				if diff := cmp.Diff(readTo(t, r, int64(written+30)), numbers(max(written-20, 0), written+30)); diff != "" {
					t.Errorf("after %d records (-got +want):\n%s", written, diff)
				}
				written += 50
				if b.CanKill() {
					b.Kill(t)
				} else {
					b.Stop(t)
				}
				b.Start(t)
			}
			if diff := cmp.Diff(readTo(t, r, int64(written)), numbers(written-20, written)); diff != "" {
				t.Errorf("at the end (-got +want):\n%s", diff)
			}
		})
	}
}
