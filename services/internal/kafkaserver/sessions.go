package kafkaserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ntegral/ntegral/services/internal/kafka"
)

// sessionInterval is the time between two looks at the groups, and so the most
// that a member without a session timer outlives its session.
const sessionInterval = time.Second

// stable is the state of a group whose members have their assignments.
const stable = "Stable"

// sessions sees to it that each member of a stable group has a session timer.
//
// kfake starts a member's timer when it answers the member's JoinGroup, but not
// when it finds the connection gone by then. A process that was killed while it
// waited leaves such a member behind: the leader gives it an assignment, the
// leader's SyncGroup ends the time limit for those of the others, and nothing
// ends the member any more; its partitions are nobody's until the next rebalance.
//
// The cure is a Heartbeat in the member's name, which starts the timer that was
// left out; the rest is kfake's ordinary end of a session. It is sent once for
// each member and generation, so it never keeps a dead member: it delays the end
// of one by sessionInterval at most. A live member has its timer moved, which
// its next own heartbeat does too. Groups that are not stable are left alone:
// there a member may wait without a timer, and kfake limits the wait.
type sessions struct {
	cluster *kfake.Cluster
	client  *kgo.Client      // to this very broker
	started map[member]int32 // the generation in which each was started last
}

// member of a group. A member id is never given out again.
type member struct{ group, id string }

func newSessions(cfg Config, cluster *kfake.Cluster, logger *slog.Logger) (*sessions, error) {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		// The advertised address need not lead back here.
		var d net.Dialer
		return d.DialContext(ctx, network, cfg.Listen)
	}
	client, err := kafka.NewClient(kafka.Config{
		Brokers: []string{cfg.address()}, User: cfg.User, Password: cfg.Password,
	}, logger, kgo.Dialer(dial))
	if err != nil {
		return nil, err
	}
	return &sessions{cluster: cluster, client: client}, nil
}

// watch looks at the groups from time to time, until ctx ends. It must have
// returned before the cluster is closed.
func (s *sessions) watch(ctx context.Context, logger *slog.Logger) {
	defer s.client.Close()
	ticker := time.NewTicker(sessionInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.start(ctx); err != nil && ctx.Err() == nil {
				logger.Warn("start session timers of kafka groups", "error", err)
			}
		}
	}
}

// start starts the timers of the members that are new in their generation, and
// forgets the members that are gone.
func (s *sessions) start(ctx context.Context) error {
	list := kmsg.NewPtrListGroupsRequest()
	list.StatesFilter, list.TypesFilter = []string{stable}, []string{"classic"}
	groups, err := ask[*kmsg.ListGroupsResponse](ctx, s, list)
	if err != nil {
		return fmt.Errorf("list groups: %w", err)
	}
	next := make(map[member]int32, len(s.started))
	var errs []error
	for _, g := range groups.Groups {
		if err := s.startGroup(ctx, g.Group, next); err != nil {
			errs = append(errs, fmt.Errorf("group %s: %w", g.Group, err))
		}
	}
	s.started = next
	return errors.Join(errs...)
}

func (s *sessions) startGroup(ctx context.Context, name string, next map[member]int32) error {
	group := s.cluster.GroupInfo(name)
	if group == nil || group.State != stable {
		return nil // it moved on; it is looked at when it is stable again
	}
	for _, m := range group.Members {
		key := member{name, m.MemberID}
		if generation, ok := s.started[key]; !ok || generation != group.Epoch {
			beat := kmsg.NewPtrHeartbeatRequest()
			beat.Group, beat.Generation, beat.MemberID, beat.InstanceID = name, group.Epoch, m.MemberID, m.InstanceID
			// Any answer will do: a refusal says that the group moved on meanwhile.
			if _, err := ask[*kmsg.HeartbeatResponse](ctx, s, beat); err != nil {
				return fmt.Errorf("heartbeat for %s: %w", m.MemberID, err)
			}
		}
		next[key] = group.Epoch
	}
	return nil
}

// ask does not try again: the next look does.
func ask[T kmsg.Response](ctx context.Context, s *sessions, req kmsg.Request) (T, error) {
	var none T
	resp, err := s.client.SeedBrokers()[0].Request(ctx, req)
	if err != nil {
		return none, err
	}
	answer, ok := resp.(T)
	if !ok {
		return none, fmt.Errorf("unexpected answer %T", resp)
	}
	return answer, nil
}
