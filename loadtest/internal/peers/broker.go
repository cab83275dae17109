package peers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
)

const (
	startLimit = 60 * time.Second
	stopLimit  = 15 * time.Second
)

var errEnded = errors.New("exit status 0")

// child is a process that we started; its output goes to a file.
type child struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error
}

func spawn(name, log string, env []string, argv ...string) (*child, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer func() { _ = out.Close() }() // the child has its own handle
	c := &child{name: name, log: log, cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.Env = out, out, append(os.Environ(), env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { c.err = c.cmd.Wait(); close(c.done) }()
	return c, nil
}

// stop ends the child, by force where it does not listen.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-c.done:
	case <-time.After(stopLimit):
		_ = c.cmd.Process.Kill() // as above
		<-c.done
	}
}

// ended is the error of a child that should still run.
func (c *child) ended() error {
	select {
	case <-c.done:
		b, _ := os.ReadFile(c.log) // what it said, if it can be read
		return fmt.Errorf("%s ended early: %w: %s", c.name, cmp.Or(c.err, errEnded), b[max(0, len(b)-1500):])
	default:
		return nil
	}
}

func (c *child) usage() (product.Usage, error) { return product.UsageOf(c.name, c.cmd.Process.Pid) }

// freePort asks the kernel for a port that nobody uses now.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// broker is the embedded Kafka with the load in it.
type broker struct {
	*child
	address string
	client  *kgo.Client
	admin   *kadm.Client
	ends    map[int32]int64 // of the samples
	bytes   int64           // of the samples
}

func startBroker(ctx context.Context, binary, dir string) (_ *broker, err error) {
	b := &broker{}
	if b.address, err = freePort(ctx); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "kafka")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	b.child, err = spawn("kafka", filepath.Join(dir, "kafka.log"), []string{"NTEGRAL_KAFKA_DIR=" + data, "NTEGRAL_KAFKA_LISTEN=" + b.address}, binary, "kafka")
	if err != nil {
		return nil, err
	}
	b.client, err = kgo.NewClient(kgo.SeedBrokers(b.address), kgo.MaxBufferedBytes(64<<20), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		b.child.stop()
		return nil, fmt.Errorf("make client: %w", err)
	}
	b.admin = kadm.NewClient(b.client)
	if err := b.ready(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *broker) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return product.Until(ctx, func() (bool, error) { return b.client.Ping(ctx) == nil, b.ended() })
}

func (b *broker) close() {
	b.client.Close()
	b.stop()
}

// fill makes the topics and writes the load.
func (b *broker) fill(ctx context.Context, l Load, partitions int32) error {
	if err := topics.Make(ctx, b.admin, partitions); err != nil {
		return err
	}
	compact := "compact"
	compacted := map[string]*string{"cleanup.policy": &compact}
	for topic, configs := range map[string]map[string]*string{
		tablePlacements: compacted, gokaFacts: nil, streamsFacts: nil,
	} {
		if _, err := b.admin.CreateTopic(ctx, partitions, 1, configs, topic); err != nil {
			return fmt.Errorf("make topic %s: %w", topic, err)
		}
	}
	var first firstError
	send := func(e topics.Entry) {
		if e.Topic == record.Samples {
			b.bytes += int64(len(e.Value))
		}
		r := &kgo.Record{Topic: e.Topic, Key: []byte(e.Key), Value: e.Value, Headers: topics.Headers(e.Kind, source)}
		b.client.Produce(ctx, r, func(_ *kgo.Record, err error) { first.set(err) })
	}
	l.dimensions(send)
	l.tables(send)
	l.samples(send)
	if err := errors.Join(b.client.Flush(ctx), first.get()); err != nil {
		return fmt.Errorf("write load: %w", err)
	}
	listed, err := b.admin.ListEndOffsets(ctx, record.Samples)
	if err != nil {
		return fmt.Errorf("list ends: %w", err)
	}
	b.ends = map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { b.ends[o.Partition] = o.Offset })
	return nil
}

// committed waits until the group has committed the end of the samples.
func (b *broker) committed(ctx context.Context, group string, alive func() error) error {
	return product.Until(ctx, func() (bool, error) {
		if err := alive(); err != nil {
			return false, err
		}
		offsets, err := b.admin.FetchOffsets(ctx, group)
		if err != nil {
			return false, nil // the group may not be there yet; the deadline bounds it
		}
		for p, end := range b.ends {
			if o, ok := offsets.Lookup(record.Samples, p); end > 0 && (!ok || o.At < end) { // few nodes leave partitions empty
				return false, nil
			}
		}
		return true, nil
	})
}

// consume reads the whole of a topic as it is now.
func (b *broker) consume(ctx context.Context, topic string, each func(*kgo.Record) error) error {
	starts, err := b.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("list starts of %s: %w", topic, err)
	}
	ends, err := b.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("list ends of %s: %w", topic, err)
	}
	left := map[int32]int64{}
	at := map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, o.Partition); !ok || start.Offset < o.Offset {
			left[o.Partition] = o.Offset
			at[o.Partition] = kgo.NewOffset().AtStart()
		}
	})
	c, err := kgo.NewClient(kgo.SeedBrokers(b.address), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}), kgo.KeepControlRecords())
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	defer c.Close()
	for len(left) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for i := fetches.RecordIter(); !i.Done(); {
			r := i.Next()
			if !r.Attrs.IsControl() {
				if err := each(r); err != nil {
					return err
				}
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		}
	}
	return nil
}
