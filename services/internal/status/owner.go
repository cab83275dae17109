package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// owners asks Kafka's groups whether every task has a processor and a sink, on
// whatever machine. A group that is about to assign anew is left alone.
func (r *Report) owners(ctx context.Context, s Settings) error {
	if len(r.Topics) == 0 {
		return nil // Kafka does not answer, which has been said
	}
	client, err := kafka.NewClient(s.Kafka, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, g := range s.groups() {
		if g.name == "" {
			continue
		}
		d, err := describe(ctx, admin, g.name)
		if err != nil {
			return fmt.Errorf("describe group %s: %w", g.name, err)
		}
		if d.State != "Stable" && d.State != "Empty" && d.State != "Dead" {
			continue
		}
		if orphans := r.unassigned(d, g.topic); len(orphans) > 0 {
			r.problem("%s: nobody has task %s", g.who, strings.Join(orphans, ", "))
		}
	}
	return nil
}

// describe asks again where there is no coordinator yet: the first question
// about any group makes a new cluster appoint one.
func describe(ctx context.Context, admin *kadm.Client, group string) (kadm.DescribedGroup, error) {
	for {
		described, err := admin.DescribeGroups(ctx, group)
		d := described[group]
		if err == nil {
			err = d.Err
		}
		if shards, ok := errors.AsType[*kadm.ShardErrors](err); ok && len(shards.Errs) > 0 {
			err = shards.Errs[0].Err
		}
		switch {
		case errors.Is(err, kerr.GroupIDNotFound): // nobody has ever joined it
			return kadm.DescribedGroup{Group: group, State: "Dead"}, nil
		case !kerr.IsRetriable(err):
			return d, err
		}
		if lifecycle.Wait(ctx, 100*time.Millisecond) != nil {
			return d, err
		}
	}
}

// unassigned returns the partitions of a topic that no member of a group has.
func (r *Report) unassigned(g kadm.DescribedGroup, topic string) []string {
	i := slices.IndexFunc(r.Topics, func(t Topic) bool { return t.Name == topic })
	if i < 0 {
		return nil
	}
	assigned := g.AssignedPartitions()
	var orphans []string
	for p := range r.Topics[i].Partitions {
		if !assigned.Lookup(topic, int32(p)) {
			orphans = append(orphans, fmt.Sprint(p))
		}
	}
	return orphans
}
