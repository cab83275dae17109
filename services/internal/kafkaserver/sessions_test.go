package kafkaserver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

const (
	sessionTimeout   = time.Second
	rebalanceTimeout = 5 * time.Second
)

// peer is a member of a group on a connection of its own.
type peer struct {
	client *kgo.Client
	group  string
	id     string

	mu    sync.Mutex
	conns []*net.TCPConn
}

func newPeer(t *testing.T, cfg kafka.Config, group string) *peer {
	t.Helper()
	p := &peer{group: group}
	c, err := kafka.NewClient(cfg, kafkatest.Logger(t), kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok {
			p.mu.Lock()
			p.conns = append(p.conns, tcp)
			p.mu.Unlock()
		}
		return conn, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	p.client = c
	return p
}

// hangUp ends the connections as the death of the process does, but only this
// way, so that a request that waits ends when the broker has noticed it.
func (p *peer) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.CloseWrite() // the client may have closed it already
	}
}

func (p *peer) ask(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return p.client.SeedBrokers()[0].Request(ctx, req) // which does not try again
}

func (p *peer) join(ctx context.Context) (*kmsg.JoinGroupResponse, error) {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = p.group, p.id, "test"
	req.SessionTimeoutMillis = int32(sessionTimeout.Milliseconds())
	req.RebalanceTimeoutMillis = int32(rebalanceTimeout.Milliseconds())
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name = "test"
	req.Protocols = append(req.Protocols, protocol)
	resp, err := p.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	joined := resp.(*kmsg.JoinGroupResponse)
	p.id = joined.MemberID
	return joined, kerr.ErrorForCode(joined.ErrorCode)
}

// enter gets a member id and then joins by it, as a dynamic member does.
func (p *peer) enter(ctx context.Context) (*kmsg.JoinGroupResponse, error) {
	if _, err := p.join(ctx); !errors.Is(err, kerr.MemberIDRequired) {
		return nil, fmt.Errorf("join without an id: got %w, want %w", err, kerr.MemberIDRequired)
	}
	return p.join(ctx)
}

// lead gives each member that the join names an assignment.
func (p *peer) lead(ctx context.Context, joined *kmsg.JoinGroupResponse) error {
	if joined.LeaderID != p.id {
		return fmt.Errorf("leader: got %s, want %s", joined.LeaderID, p.id)
	}
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = p.group, p.id, joined.Generation
	for _, m := range joined.Members {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = m.MemberID, []byte("partitions of "+m.MemberID)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	resp, err := p.ask(ctx, req)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.SyncGroupResponse).ErrorCode)
}

func (p *peer) heartbeat(ctx context.Context, generation int32) error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = p.group, p.id, generation
	resp, err := p.ask(ctx, req)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.HeartbeatResponse).ErrorCode)
}

// members returns the members that the broker shows, with their assignments.
func (p *peer) members(ctx context.Context) (map[string]string, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{p.group}
	resp, err := p.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, m := range resp.(*kmsg.DescribeGroupsResponse).Groups[0].Members {
		found[m.MemberID] = string(m.MemberAssignment)
	}
	return found, nil
}

// parked is a member whose JoinGroup waits for the leader of its group.
type parked struct {
	leader, follower *peer
	generation       int32 // the leader's
	answer           chan error
}

// park makes a group of a leader that has its assignment and a second member
// that waits in JoinGroup.
func park(ctx context.Context, t *testing.T, cfg kafka.Config, group string) *parked {
	t.Helper()
	p := &parked{leader: newPeer(t, cfg, group), follower: newPeer(t, cfg, group), answer: make(chan error, 1)}
	joined, err := p.leader.enter(ctx)
	if err == nil {
		err = p.leader.lead(ctx, joined)
	}
	if err != nil {
		t.Fatalf("leader: %v", err)
	}
	p.generation = joined.Generation
	go func() {
		_, err := p.follower.enter(ctx)
		p.answer <- err
	}()
	for { // each round asks the broker, so this waits for it
		members, err := p.leader.members(ctx)
		if err != nil {
			t.Fatalf("wait for the second member: %v", err)
		}
		if len(members) == 2 {
			return p
		}
		if err := p.leader.heartbeat(ctx, p.generation); err != nil && !errors.Is(err, kerr.RebalanceInProgress) {
			t.Fatalf("heartbeat: %v", err)
		}
	}
}

// TestMemberKilledInJoin holds the reason for sessions. Without them about half
// of the groups keep the dead member (kfake's answer goes either to the closed
// connection's queue or to its end, at random), so that there are several.
func TestMemberKilledInJoin(t *testing.T) {
	for _, tc := range []struct{ name, user string }{{"no password", ""}, {"password", "ntegral"}} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := shortSessions(t, tc.user)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			leaders := map[*peer]int32{} // and their generations
			for i := range 8 {
				leader, generation := killInJoin(ctx, t, cfg, "group-"+strconv.Itoa(i))
				leaders[leader] = generation
			}
			awaitAlone(ctx, t, leaders)
		})
	}
}

// killInJoin returns the leader of a group whose other member is dead.
func killInJoin(ctx context.Context, t *testing.T, cfg kafka.Config, group string) (leader *peer, generation int32) {
	t.Helper()
	p := park(ctx, t, cfg, group)
	p.follower.hangUp()
	if err := <-p.answer; err == nil {
		t.Fatal("the closed connection had an answer")
	}
	joined, err := p.leader.join(ctx)
	if err == nil {
		err = p.leader.lead(ctx, joined)
	}
	if err != nil {
		t.Fatalf("leader, again: %v", err)
	}
	if len(joined.Members) != 2 {
		t.Fatalf("members at the second join: got %d, want the dead one too", len(joined.Members))
	}
	return p.leader, joined.Generation
}

// awaitAlone waits until each leader is the only member of its group.
func awaitAlone(ctx context.Context, t *testing.T, leaders map[*peer]int32) {
	t.Helper()
	limit := time.After(sessionTimeout + rebalanceTimeout + 3*time.Second)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for len(leaders) > 0 {
		select {
		case <-limit:
			for leader := range leaders {
				members, err := leader.members(ctx)
				t.Errorf("the dead member is still there: got %q, %v, want %s alone", members, err, leader.id)
			}
			return
		case <-ticker.C:
		}
		for leader, generation := range leaders {
			members, err := leader.members(ctx)
			if err != nil {
				t.Fatalf("describe: %v", err)
			}
			if len(members) == 1 {
				delete(leaders, leader)
				continue
			}
			if err := leader.heartbeat(ctx, generation); err != nil && !errors.Is(err, kerr.RebalanceInProgress) {
				t.Fatalf("heartbeat: %v", err)
			}
		}
	}
}

// TestMemberMayWaitInJoin holds that the guard does not end a live member, which
// is silent while it waits, up to the rebalance timeout.
func TestMemberMayWaitInJoin(t *testing.T) {
	cfg := shortSessions(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p := park(ctx, t, cfg, "group")
	enough := time.After(sessionTimeout + 1500*time.Millisecond)
	for waiting := true; waiting; {
		select {
		case <-enough:
			waiting = false
		case err := <-p.answer:
			t.Fatalf("the join ended before the leader's: %v", err)
		case <-time.After(20 * time.Millisecond):
			if err := p.leader.heartbeat(ctx, p.generation); !errors.Is(err, kerr.RebalanceInProgress) {
				t.Fatalf("heartbeat: got %v, want %v", err, kerr.RebalanceInProgress)
			}
		}
	}
	joined, err := p.leader.join(ctx)
	if err = errors.Join(err, <-p.answer); err != nil {
		t.Fatal(err)
	}
	if len(joined.Members) != 2 {
		t.Errorf("members: got %d, want 2", len(joined.Members))
	}
}

// shortSessions starts a broker that allows for them.
func shortSessions(t *testing.T, user string) kafka.Config {
	t.Helper()
	server := serverConfig(t)
	if user != "" {
		server.User, server.Password = user, "secret for tests"
	}
	t.Cleanup(run(t, server))
	cfg := kafka.Config{Brokers: []string{server.Listen}, User: server.User, Password: server.Password}
	least := "100"
	changed, err := kadm.NewClient(client(t, cfg)).AlterBrokerConfigs(t.Context(), []kadm.AlterConfig{
		{Name: "group.min.session.timeout.ms", Value: &least},
	})
	if err == nil {
		for _, c := range changed {
			err = errors.Join(err, c.Err)
		}
	}
	if err != nil {
		t.Fatalf("allow short sessions: %v", err)
	}
	return cfg
}
