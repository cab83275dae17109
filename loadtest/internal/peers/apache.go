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

// apache is a broker that the project's script runs, with the load in it.
type apache struct {
	*broker
	script, dir string
	pid         int
}

// startApache starts an Apache Kafka and writes the same load into it. The script
// needs two neighbouring ports, of which we can only hope that both are still
// free, so it gets a few tries.
func startApache(ctx context.Context, script, dir string, l Load) (*apache, error) {
	var errs []error
	for try := range 3 {
		a := &apache{script: script, dir: filepath.Join(dir, strconv.Itoa(try))}
		address, err := a.start(ctx)
		if err != nil {
			errs = append(errs, err, a.end(ctx)) // the script may have given up on one that still starts
			continue
		}
		if a.broker, err = dial(address); err == nil {
			err = a.fill(ctx, l, partitions)
		}
		if err == nil {
			a.pid, err = pidOf(a.dir)
		}
		if err != nil {
			return nil, errors.Join(err, a.end(ctx))
		}
		return a, nil
	}
	return nil, errors.Join(errs...)
}

func (a *apache) start(ctx context.Context) (address string, err error) {
	if address, err = freePort(ctx); err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("read address: %w", err)
	}
	if out, err := exec.CommandContext(ctx, a.script, "start", a.dir, port).CombinedOutput(); err != nil {
		return "", fmt.Errorf("start apache kafka: %w: %s", err, out)
	}
	return address, nil
}

// end stops the broker.
func (a *apache) end(ctx context.Context) error {
	if a.broker != nil {
		a.client.Close()
	}
	if out, err := exec.CommandContext(context.WithoutCancel(ctx), a.script, "stop", a.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("stop apache kafka: %w: %s", err, out)
	}
	return nil
}

// use is what the broker has used so far; it is the script's child, not ours.
func (a *apache) use() (product.Usage, error) { return product.UsageOf("apache kafka", a.pid) }

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
