package system

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

// Ports are chosen below the range from which the kernel takes the ports of
// outgoing connections. A port inside it could be in use by anybody's
// connection when its server comes back, or even by a client's own attempt to
// reach that server.
const (
	lowestPort     = 15000
	defaultHighest = 32768
	portRangeFile  = "/proc/sys/net/ipv4/ip_local_port_range"
)

// FreePorts returns n different ports of 127.0.0.1 that nobody listens on.
func FreePorts(n int) ([]int, error) {
	highest := ephemeralBegin()
	var ports []int
	var held []net.Listener // until all are found, so that they differ
	defer func() {
		for _, ln := range held {
			_ = ln.Close() // nothing was accepted
		}
	}()
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := lowestPort + rand.IntN(highest-lowestPort)
		ln, err := net.Listen("tcp", Loopback(port))
		if err != nil {
			continue
		}
		held = append(held, ln)
		ports = append(ports, port)
	}
	if len(ports) == n {
		return ports, nil
	}
	return nil, errors.New("find free ports: none between " + strconv.Itoa(lowestPort) + " and " + strconv.Itoa(highest))
}

// ephemeralBegin is the lowest port of outgoing connections.
func ephemeralBegin() int {
	b, err := os.ReadFile(portRangeFile)
	if err != nil {
		return defaultHighest
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\t")
	n, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || n < lowestPort+1000 {
		return defaultHighest
	}
	return n
}

// Loopback is the address of a port on this machine alone.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// CheckFree returns an error that names the first of addrs that is taken.
func CheckFree(addrs ...string) error {
	for _, addr := range addrs {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("address %s is not free: %w", addr, err)
		}
		_ = ln.Close() // nothing was accepted
	}
	return nil
}
