package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

const (
	pollEvery = 50 * time.Millisecond
	pollMost  = time.Second
)

// await waits until the facts of all that was published show in the store: the
// ledger has, of each task, a step that used the last record that it reads. It
// waits through outages of the store and whatever else passes by itself.
func (r *run) await(ctx context.Context, client *kgo.Client) error {
	began := r.s.Now()
	var want map[int32]record.Offsets
	err := lifecycle.Retry(ctx, lifecycle.Backoff{Min: pollEvery, Max: pollMost}, func(ctx context.Context) (err error) {
		want, err = r.goals(ctx, client)
		return err
	})
	if err != nil {
		return fmt.Errorf("await facts: %w", err)
	}
	backoff := lifecycle.Backoff{Min: pollEvery, Max: pollMost}
	for {
		have, err := r.s.Ledger.Offsets(ctx)
		switch {
		case err == nil:
			missing, records := behind(want, have)
			if len(missing) == 0 {
				r.console.line("all facts are in the store, %s after the last acknowledgement, %s after the start",
					rough(r.s.Now().Sub(began)), rough(r.s.Now().Sub(r.began)))
				return nil
			}
			faults, err := r.hindered(ctx, missing)
			if err != nil {
				return err
			}
			if r.console.due() {
				r.console.status(fmt.Sprintf("waiting for the store: %s of %s to go%s", plural(records, "record"), plural(int64(len(missing)), "task"), faults))
			}
		case !lifecycle.IsRetryable(err):
			return err
		case r.console.due():
			r.console.status(fmt.Sprintf("waiting for the store: %v", err))
		}
		if err := lifecycle.Wait(ctx, backoff.Next()); err != nil {
			return fmt.Errorf("await facts: %w", err)
		}
	}
}

// lettersSince prints what the processor has refused of the replay's nodes
// since it was first begun, and returns how much that is. Of a replay that was
// done before it prints nothing: that has been said. What other replays, and
// corrections, are refused or warned of is not about this one.
func (r *run) lettersSince(ctx context.Context, client *kgo.Client, from map[int32]int64) (refused int64, err error) {
	ends, err := kafka.EndOffsets(ctx, client, record.DeadLetters)
	if err != nil {
		return 0, err
	}
	type key struct {
		node   string
		reason telemetry.Reason
	}
	letters := make(map[key]*record.DeadLetter)
	seen := make(map[string]bool) // a processor that is killed repeats letters, with their ids
	for partition, end := range ends[record.DeadLetters] {
		err := readPartition(ctx, r.s, record.DeadLetters, partition, from[partition], end, func(rec *kgo.Record) error {
			l, err := record.DecodeDeadLetter(rec.Value)
			if err != nil || l.Origin == record.Corrections || strings.HasPrefix(kafka.Header(rec, "ce_source"), replaySource) || !r.estate.Known(l.Node) {
				return nil
			}
			id := kafka.Header(rec, "ce_source") + " " + kafka.Header(rec, "ce_id")
			if seen[id] {
				return nil
			}
			seen[id] = true
			k := key{l.Node, l.Reason}
			if have := letters[k]; have != nil {
				have.Count += l.Count
				have.First, have.Last = min(have.First, l.First), max(have.Last, l.Last)
			} else {
				letters[k] = &l
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("read dead letters: %w", err)
		}
	}
	keys := slices.SortedFunc(maps.Keys(letters), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.reason, b.reason), cmp.Compare(a.node, b.node))
	})
	for _, k := range keys {
		if !letters[k].Reason.Noted() {
			refused += int64(letters[k].Count)
		}
		r.console.line("%s", describeLetter(letters[k]))
	}
	return refused, nil
}

func describeLetter(l *record.DeadLetter) string {
	span := fmt.Sprintf("%s, from %s to %s", count(int64(l.Count)), clock(l.First), clock(l.Last))
	switch l.Reason {
	case telemetry.Late:
		return fmt.Sprintf("%s: readings of node %q older than its horizon were refused (those sent before already count): %s", l.Reason, l.Node, span)
	case telemetry.CounterReset:
		return fmt.Sprintf("%s: energy counters of node %q went back %s times: what they say after it is estimated", l.Reason, l.Node, count(int64(l.Count)))
	case telemetry.CounterHung:
		return fmt.Sprintf("%s: %s readings of energy counters of node %q repeat the one before and say nothing", l.Reason, count(int64(l.Count)), l.Node)
	case telemetry.BeyondHorizon:
		return fmt.Sprintf("%s: a rate, device or placement of node %q acts on windows that only ntegral reconcile can still restate: %s", l.Reason, l.Node, span)
	}
	return fmt.Sprintf("%s: events of node %q were refused by the processor: %s (%s)", l.Reason, l.Node, span, l.Detail)
}

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
