package fleet

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
)

// Ports are chosen below the range from which the kernel takes those of
// outgoing connections: one inside it could be somebody's when its server comes
// back.
const lowestPort, highestPort = 15000, 32000

// FreePorts returns n addresses on loopback that nobody listens on.
func FreePorts(n int) (out []string, err error) {
	for range 1000 {
		if len(out) == n {
			return out, nil
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(lowestPort+rand.IntN(highestPort-lowestPort))))
		if err != nil {
			continue
		}
		defer func() { _ = ln.Close() }() // nothing was accepted; held until all are found, so that they differ
		out = append(out, ln.Addr().String())
	}
	return nil, errors.New("find free ports: none")
}

func dials(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

func until(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

func rename(variable, name string) string {
	_, value, _ := strings.Cut(variable, "=")
	return name + "=" + value
}
