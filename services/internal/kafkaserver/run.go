package kafkaserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Run serves until ctx ends, and then saves what makes the next start quick.
func Run(ctx context.Context, cfg Config, set Settings) error {
	if err := cfg.Validate(); err != nil {
		return lifecycle.Permanent(fmt.Errorf("configure embedded kafka: %w", err))
	}
	if set.Logger == nil {
		set.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("make kafka folder: %w", err)
	}
	unlock, err := lifecycle.Lock(cfg.Dir)
	if err != nil {
		return fmt.Errorf("lock kafka folder: %w", err)
	}
	defer unlock() //nolint:errcheck // closing the file; the kernel unlocks in any case
	if err := dropOldAccounts(cfg.Dir); err != nil {
		return err
	}
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	disk := &space{dir: cfg.Dir, reserve: cfg.ReserveBytes, free: set.diskFree(), logger: set.Logger, end: end}
	return disk.close(serve(running, cfg, set, disk), running)
}

// serve runs the broker until ctx ends.
func serve(ctx context.Context, cfg Config, set Settings, disk *space) error {
	opts, err := options(cfg, serverLog{logger: set.Logger, disk: disk})
	if err != nil {
		return err
	}
	began := time.Now()
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("start embedded kafka: %w", err)
	}
	defer cluster.Close()
	disk.cluster.Store(cluster)
	keepNewest(cluster)
	groups, err := newSessions(cfg, cluster, set.Logger)
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	background.Go(func() { groups.watch(ctx, set.Logger) })
	background.Go(func() { disk.watch(ctx) })
	defer background.Wait() // before the cluster is closed
	addr := cfg.address()
	set.Logger.Info("embedded kafka is ready", "address", addr, "dir", cfg.Dir, "durable", cfg.Durable, "load_time", time.Since(began))
	if set.Ready != nil {
		set.Ready(addr)
	}
	expire(ctx, cfg, cluster, set.Logger)
	return nil
}

// dropOldAccounts removes the accounts that the broker saved, which it would
// prefer to those of the configuration.
func dropOldAccounts(dir string) error {
	if err := os.Remove(filepath.Join(dir, "sasl.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop old kafka accounts: %w", err)
	}
	return nil
}

func options(cfg Config, logger serverLog) ([]kfake.Opt, error) {
	_, portText, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("configure embedded kafka: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, lifecycle.Permanent(fmt.Errorf("configure embedded kafka: port %q is not a number", portText))
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(int(port)),
		kfake.ListenFn(cfg.listen),
		kfake.DataDir(cfg.Dir),
		kfake.ClusterID("ntegral"),
		kfake.WithLogger(logger),
		kfake.MaxVersions(versions()),
		// Ten years: kfake's own retention and compaction must never run (package comment).
		kfake.BrokerConfigs(map[string]string{"log.cleaner.backoff.ms": "315360000000"}),
	}
	if cfg.Durable {
		opts = append(opts, kfake.SyncWrites())
	}
	if cfg.User != "" {
		opts = append(opts, kfake.EnableSASL(),
			kfake.Superuser(kafka.MechanismScramSHA256, cfg.User, cfg.Password.Reveal()),
			kfake.Superuser(kafka.MechanismScramSHA512, cfg.User, cfg.Password.Reveal()))
	}
	return opts, nil
}

// versions is what kversion.Tip names, Kafka 3.9, but for the request for a producer id, which
// is kept at the version of Kafka 2.4. A killed broker forgets which sequence
// number it expects of a producer. From Kafka 2.5 on it would then take any, and
// with several requests in flight a later batch may come before an earlier one
// that is sent again: the log would be out of order. Up to 2.4 it refuses what
// does not begin at 0, and the producer begins anew with its oldest batch that
// was not acknowledged.
func versions() *kversion.Versions {
	v := kversion.Tip()
	v.SetMaxKeyVersion(int16(kmsg.InitProducerID), 2)
	return v
}

// listen ignores the address that kfake asks for, which is always on 127.0.0.1.
func (c Config) listen(network, _ string) (net.Listener, error) {
	ln, err := net.Listen(network, c.Listen)
	if err != nil {
		return nil, err
	}
	if c.Advertise == "" {
		return ln, nil
	}
	return advertised{Listener: ln, addr: name(c.address())}, nil
}

// address is where clients connect.
func (c Config) address() string {
	if c.Advertise == "" {
		return c.Listen
	}
	_, port, _ := net.SplitHostPort(c.Listen) // checked by Validate
	return net.JoinHostPort(c.Advertise, port)
}

// advertised is a listener that gives itself out for another address: kfake
// puts its listener's address into the metadata that clients connect by.
type advertised struct {
	net.Listener
	addr name
}

func (a advertised) Addr() net.Addr { return a.addr }

// name is an address by host name.
type name string

func (name) Network() string  { return "tcp" }
func (n name) String() string { return string(n) }

// keepNewest cuts requests to delete records, so that none empties a partition.
func keepNewest(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.DeleteRecords), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req, ok := kreq.(*kmsg.DeleteRecordsRequest)
		if !ok {
			return nil, nil, false
		}
		// The broker's state may be asked for only while this request sleeps.
		cluster.SleepControl(func() {
			for _, t := range req.Topics {
				for i := range t.Partitions {
					p := &t.Partitions[i]
					info := cluster.PartitionInfo(t.Topic, p.Partition)
					if info == nil {
						continue // the broker answers that it is unknown
					}
					newest := max(info.HighWatermark-1, info.LogStartOffset)
					if p.Offset < 0 || p.Offset > newest && p.Offset <= info.HighWatermark {
						p.Offset = newest
					}
				}
			}
		})
		return nil, nil, false
	})
}

// serverLog passes kfake's warnings on, also to who acts on them.
type serverLog struct {
	logger *slog.Logger
	disk   *space
}

func (l serverLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if level != kfake.LogLevelError && level != kfake.LogLevelWarn {
		return
	}
	detail := fmt.Sprintf(format, args...)
	to := slog.LevelWarn
	if level == kfake.LogLevelError {
		to = slog.LevelError
	}
	l.logger.Log(context.Background(), to, "embedded kafka", "detail", detail)
	l.disk.heard(format, detail)
}
