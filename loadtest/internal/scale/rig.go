package scale

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/loadtest/internal/cluster"
	"github.com/ntegral/ntegral/loadtest/internal/fleet"
	"github.com/ntegral/ntegral/loadtest/internal/product"
	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
)

// The parts of a system, in the order of tables.
var (
	processor = fleet.Processor(1)
	sink      = fleet.Sink(1)
	parts     = []string{fleet.Broker, processor, sink, fleet.Store}
)

// rig is one system under one load.
type rig struct {
	Options
	load    cluster.Load
	dir     string
	metrics string // host:port of the processor's
	fleet   *fleet.Fleet
	client  *kgo.Client
	admin   *kadm.Client
	gen     *generator
	log     *follower
	memory  *memory
	written cluster.Report // the history
	busy    map[int32]bool // tasks that have nodes: few nodes leave some without
}

// with makes a rig whose topics hold the history, and runs use against it.
// Neither processor nor sink runs yet.
func (o Options) with(ctx context.Context, accelerators int, use func(context.Context, *rig) error) (err error) {
	if err := o.validate(accelerators); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.Dir, "ntegral-scale-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	r := &rig{Options: o, load: o.load(accelerators), dir: dir}
	defer func() {
		err = errors.Join(err, r.close(ctx))
		if o.Keep {
			o.say("kept: %s", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := o.checkDisk(accelerators, dir, diskFree); err != nil {
		return err
	}
	if err := r.start(ctx); err != nil {
		return err
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	return use(ctx, r)
}

// start runs broker and store and makes the topics.
func (r *rig) start(ctx context.Context) (err error) {
	ports, err := fleet.FreePorts(1)
	if err != nil {
		return err
	}
	r.metrics = ports[0]
	r.fleet, err = fleet.Start(ctx, fleet.Options{
		Binary: r.Binary, Dir: filepath.Join(r.dir, "system"),
		// A name in the group, as `ntegral up` gives one: a processor that was
		// killed has its tasks back at once.
		Environ: []string{"NTEGRAL_PROCESS_LISTEN=" + r.metrics, "NTEGRAL_PROCESS_INSTANCE_ID=scale", "NTEGRAL_SINK_INSTANCE_ID=scale"},
	})
	if err != nil {
		return err
	}
	if r.client, err = kgo.NewClient(kgo.SeedBrokers(r.fleet.Brokers())); err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	r.admin = kadm.NewClient(r.client)
	return topics.Make(ctx, r.admin, r.Tasks)
}

// fill waits until the generator has written the history.
func (r *rig) fill(ctx context.Context) (err error) {
	began := time.Now()
	if r.gen, err = startGenerator(r.Self, r.fleet.Brokers(), r.load, r.History, r.Live); err != nil {
		return err
	}
	if r.written, err = r.gen.await(ctx, cluster.Filled); err != nil {
		return err
	}
	ends, err := r.ends(ctx, record.Samples)
	if err != nil {
		return err
	}
	r.busy = map[int32]bool{}
	for p, end := range ends {
		if end > 0 {
			r.busy[p] = true
		}
	}
	took := time.Since(began).Seconds()
	r.say("  written in %.0f s: %d readings, %s in %d records", took, r.load.Readings(r.History), gigabytes(r.written.Bytes), r.written.Records)
	return nil
}

// begin starts processor and sink, and what watches them.
func (r *rig) begin(ctx context.Context) (err error) {
	if r.log, err = follow(r.fleet.Brokers()); err != nil {
		return err
	}
	r.memory = watchMemory(r.fleet)
	for _, name := range []string{processor, sink} {
		if err := r.fleet.Begin(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// close ends whatever runs.
func (r *rig) close(ctx context.Context) (err error) {
	if r.gen != nil {
		r.gen.stop()
	}
	if r.log != nil {
		r.log.close()
	}
	if r.memory != nil {
		r.memory.close()
	}
	if r.client != nil {
		r.client.Close()
	}
	if r.fleet != nil {
		for _, fell := range r.fleet.Fallen() {
			err = errors.Join(err, fell)
		}
		err = errors.Join(err, r.fleet.Close(ctx))
	}
	return err
}

// usages is what the parts have used so far.
func (r *rig) usages() (map[string]product.Usage, error) {
	out := map[string]product.Usage{}
	for _, name := range parts {
		u, err := r.fleet.Usage(name)
		if err != nil {
			return nil, err
		}
		out[name] = u
	}
	return out, nil
}

// ends are the ends of a topic's partitions.
func (r *rig) ends(ctx context.Context, topic string) (map[int32]int64, error) {
	listed, err := r.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("list ends of %s: %w", topic, err)
	}
	out := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out, nil
}

// ledger is the last step in the store, by task.
func (r *rig) ledger(ctx context.Context) (map[int32]uint64, error) {
	rows, err := r.fleet.System.SQL(ctx, "SELECT task, max(step) FROM ledger GROUP BY task")
	if err != nil {
		return nil, err
	}
	out := map[int32]uint64{}
	for _, row := range rows {
		task, err1 := strconv.ParseInt(row[0], 10, 32)
		step, err2 := strconv.ParseUint(row[len(row)-1], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		out[int32(task)] = step
	}
	return out, nil
}
