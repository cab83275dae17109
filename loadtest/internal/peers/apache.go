package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// startApache starts an Apache Kafka through the project's script and writes the
// same load into it. stop ends it.
func startApache(ctx context.Context, script, dir string, l Load) (b *broker, pid int, stop func() error, err error) {
	address, err := freePort(ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("read address: %w", err)
	}
	if out, err := exec.CommandContext(ctx, script, "start", dir, port).CombinedOutput(); err != nil {
		return nil, 0, nil, fmt.Errorf("start apache kafka: %w: %s", err, out)
	}
	stop = func() error {
		if out, err := exec.CommandContext(context.WithoutCancel(ctx), script, "stop", dir).CombinedOutput(); err != nil {
			return fmt.Errorf("stop apache kafka: %w: %s", err, out)
		}
		return nil
	}
	if b, err = dial(address); err == nil {
		err = b.fill(ctx, l, partitions)
	}
	if err == nil {
		pid, err = pidOf(dir)
	}
	if err != nil {
		return nil, 0, nil, errors.Join(err, stop())
	}
	return b, pid, stop, nil
}

func pidOf(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		return 0, fmt.Errorf("read pid: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read pid: %w", err)
	}
	return pid, nil
}

// apacheUse is the use of the broker with that pid.
func apacheUse(pid int) (product.Usage, error) { return product.UsageOf("apache kafka", pid) }
