package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// Names of the parts there is one of.
const (
	Broker = "broker"
	Store  = "store"
)

// Options say what a fleet is made of.
type Options struct {
	Binary string
	Dir    string // of data and logs; made where it is missing
	// Script runs an Apache Kafka; empty: the broker is the embedded one.
	Script            string
	Processors, Sinks int
	Environ           []string  // more settings of every part, NAME=value
	Log               io.Writer // what replays say; nil drops it
}

// disturbable is what can be done to a part.
type disturbable interface {
	start(context.Context) error
	kill(context.Context) error
	leave(context.Context) error
	close(context.Context) error
	signal(syscall.Signal) error
	fallen() []error
}

// Fleet is a running system.
type Fleet struct {
	// System asks it, by its addresses.
	System *product.System

	opts    Options
	environ []string
	broker  string // host:port
	store   string
	parts   map[string]disturbable
}

// readyWithin bounds how long broker and store may take to be reachable.
const readyWithin = 90 * time.Second

// Start runs the parts; the members find broker and store already there.
func Start(ctx context.Context, o Options) (_ *Fleet, err error) {
	f := &Fleet{opts: o, parts: map[string]disturbable{}}
	if err := os.MkdirAll(filepath.Join(o.Dir, "log"), 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(ctx))
		}
	}()
	if err := f.address(); err != nil {
		return nil, err
	}
	if f.System, err = product.Elsewhere(o.Binary, f.environ, o.Log); err != nil {
		return nil, err
	}
	f.addParts()
	for _, name := range append([]string{Broker, Store}, Members(o.Processors, o.Sinks)...) {
		if err := f.Begin(ctx, name); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// address chooses ports and passwords.
func (f *Fleet) address() error {
	ports, err := FreePorts(2)
	if err != nil {
		return err
	}
	f.broker, f.store = ports[0], ports[1]
	f.environ = []string{
		"NTEGRAL_KAFKA_BROKERS=" + f.broker, "NTEGRAL_CLICKHOUSE_URL=http://" + f.store,
		"NTEGRAL_CLICKHOUSE_PASSWORD=" + rand.Text(), "NTEGRAL_CLICKHOUSE_READ_PASSWORD=" + rand.Text(),
	}
	return nil
}

// addParts makes all parts known, and one more member of each kind than the fleet
// begins with. None is started.
func (f *Fleet) addParts() {
	if f.opts.Script != "" {
		_, port, _ := net.SplitHostPort(f.broker) // it was just joined
		f.parts[Broker] = &apache{script: f.opts.Script, dir: filepath.Join(f.opts.Dir, "kafka"), port: port}
	} else {
		f.add(Broker, "kafka", "NTEGRAL_KAFKA_DIR="+filepath.Join(f.opts.Dir, "kafka"), "NTEGRAL_KAFKA_LISTEN="+f.broker)
	}
	f.add(Store, "clickhouse", "NTEGRAL_CHDB_DATA_DIR="+filepath.Join(f.opts.Dir, "clickhouse"), "NTEGRAL_CHDB_LISTEN="+f.store,
		rename(f.environ[2], "NTEGRAL_CHDB_WRITER_PASSWORD"), rename(f.environ[3], "NTEGRAL_CHDB_READER_PASSWORD"))
	for _, name := range Members(f.opts.Processors+1, f.opts.Sinks+1) {
		service, _, _ := strings.Cut(name, "-")
		f.add(name, service, "NTEGRAL_PROCESS_LISTEN=127.0.0.1:0", "NTEGRAL_SINK_LISTEN=127.0.0.1:0")
	}
}

func (f *Fleet) add(name, service string, env ...string) {
	f.parts[name] = &part{
		name: name, log: filepath.Join(f.opts.Dir, "log", name+".log"),
		argv: []string{f.System.Binary, service}, env: slices.Concat(f.environ, env, f.opts.Environ),
	}
}

// Processor is the name of the i-th processor, from 1 on; Sink that of a sink.
func Processor(i int) string { return "process-" + strconv.Itoa(i) }

// Sink is the name of the i-th sink, from 1 on.
func Sink(i int) string { return "sink-" + strconv.Itoa(i) }

// Members are the names of so many processors and sinks.
func Members(processors, sinks int) (out []string) {
	for i := range processors {
		out = append(out, Processor(i+1))
	}
	for i := range sinks {
		out = append(out, Sink(i+1))
	}
	return out
}

// Begin starts a part, or ends its outage. It returns when a broker or a store can be reached.
func (f *Fleet) Begin(ctx context.Context, name string) error {
	p, err := f.part(name)
	if err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("%s is not there after %s", name, readyWithin))
	defer cancel()
	switch name {
	case Broker:
		return until(ctx, func() bool { return dials(ctx, f.broker) })
	case Store:
		return until(ctx, func() bool { return pings(ctx, f.store) })
	}
	return nil
}

// Kill ends a part at once, for an outage.
func (f *Fleet) Kill(ctx context.Context, name string) error {
	return f.do(ctx, name, disturbable.kill)
}

// Leave ends a part in order, for an outage.
func (f *Fleet) Leave(ctx context.Context, name string) error {
	return f.do(ctx, name, disturbable.leave)
}

// Freeze stops a part as it stands; Thaw continues it.
func (f *Fleet) Freeze(ctx context.Context, name string) error {
	return f.do(ctx, name, func(p disturbable, _ context.Context) error { return p.signal(syscall.SIGSTOP) })
}

// Thaw continues a part that was stopped.
func (f *Fleet) Thaw(ctx context.Context, name string) error {
	return f.do(ctx, name, func(p disturbable, _ context.Context) error { return p.signal(syscall.SIGCONT) })
}

func (f *Fleet) do(ctx context.Context, name string, what func(disturbable, context.Context) error) error {
	p, err := f.part(name)
	if err != nil {
		return err
	}
	return what(p, ctx)
}

func (f *Fleet) part(name string) (disturbable, error) {
	p, ok := f.parts[name]
	if !ok {
		return nil, fmt.Errorf("no part %q in the fleet", name)
	}
	return p, nil
}

// Brokers is the address of the broker.
func (f *Fleet) Brokers() string { return f.broker }

// Usage is what a part's present process has used so far.
func (f *Fleet) Usage(name string) (product.Usage, error) {
	p, ok := f.parts[name].(*part)
	if !ok {
		return product.Usage{}, fmt.Errorf("no process of ours is the part %q", name)
	}
	return p.usage()
}

// Fallen lists the parts that ended by themselves, once for each time.
func (f *Fleet) Fallen() (out []error) {
	for _, p := range f.parts {
		out = append(out, p.fallen()...)
	}
	return out
}

// Close ends every process.
func (f *Fleet) Close(ctx context.Context) error {
	var errs []error
	for _, p := range f.parts {
		errs = append(errs, p.close(context.WithoutCancel(ctx)))
	}
	return errors.Join(errs...)
}

func pings(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/ping", nil)
	if err != nil {
		return false
	}
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}
