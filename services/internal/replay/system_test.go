package replay

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

const partitions = 4

var testNow = time.Date(2026, 9, 15, 16, 0, 0, 0, time.UTC)

// startBroker runs an embedded broker with the topics of a system.
func startBroker(t testing.TB) *kafkatest.Broker {
	t.Helper()
	b := kafkatest.InProcess(t)
	makeTopics(t, b)
	return b
}

// eachBroker runs fn with the topics of a system on each kind of broker.
func eachBroker(t *testing.T, fn func(t *testing.T, b *kafkatest.Broker)) {
	t.Helper()
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		b.DeleteTopics(t)
		makeTopics(t, b)
		fn(t, b)
	})
}

func makeTopics(t testing.TB, b *kafkatest.Broker) {
	t.Helper()
	client := b.Client(t)
	var specs []kafka.TopicSpec
	for _, topic := range record.Topics() {
		n := int32(partitions)
		if topic.Single {
			n = 1
		}
		specs = append(specs, kafka.TopicSpec{Name: topic.Name, Partitions: n, Configs: topic.Configs()})
	}
	if err := kafka.EnsureTopics(t.Context(), client, 1, specs...); err != nil {
		t.Fatal(err)
	}
}

// contents is what a replay has left in the topics.
type contents struct {
	readings   []string // node device metric time value, sorted
	series     map[string][]int64
	batches    int
	sampleIDs  []string // of all samples records
	seals      []string
	devices    []telemetry.Device
	rates      []telemetry.Rate
	placements []telemetry.Placement
	charges    int
	letters    []record.DeadLetter
	progress   []record.ReplayProgress
}

func readContents(t testing.TB, b *kafkatest.Broker) contents {
	t.Helper()
	client := b.Client(t)
	var names []string
	for _, topic := range record.Topics() {
		names = append(names, topic.Name)
	}
	ends, err := kafka.EndOffsets(t.Context(), client, names...)
	if err != nil {
		t.Fatal(err)
	}
	c := contents{series: make(map[string][]int64)}
	s := Settings{Kafka: b.Config}.withDefaults()
	for _, topic := range names {
		if err := readTopic(t.Context(), s, topic, ends, func(r *kgo.Record) error { return c.take(r) }); err != nil {
			t.Fatalf("read %s: %v", topic, err)
		}
	}
	slices.Sort(c.readings)
	slices.Sort(c.seals)
	slices.Sort(c.sampleIDs)
	slices.SortFunc(c.placements, func(a, b telemetry.Placement) int { return cmp.Compare(a.Revision, b.Revision) })
	return c
}

func (c *contents) take(r *kgo.Record) (err error) {
	switch kafka.Header(r, "ce_type") {
	case record.TypeSamples:
		var d record.SamplesDecoder
		batch, err := d.Decode(r.Value)
		if err != nil {
			return err
		}
		if batch.Node != string(r.Key) {
			return fmt.Errorf("key %s of node %s", r.Key, batch.Node)
		}
		c.batches++
		c.sampleIDs = append(c.sampleIDs, kafka.Header(r, "ce_id"))
		for _, s := range batch.Series {
			name := batch.Node + " " + s.Device + " " + s.Metric.String()
			for i, v := range s.Values.AppendTo(nil) {
				c.readings = append(c.readings, fmt.Sprint(name, " ", batch.Axes[s.Axis][i], " ", v))
				c.series[name] = append(c.series[name], batch.Axes[s.Axis][i])
			}
		}
	case record.TypeSeal:
		s, err := record.DecodeSeal(r.Value)
		c.seals = append(c.seals, s.Node)
		return err
	case record.TypeDevice:
		d, err := record.DecodeDevice(r.Value)
		c.devices = append(c.devices, d)
		return err
	case record.TypeRate:
		rate, err := record.DecodeRate(r.Value)
		c.rates = append(c.rates, rate)
		return err
	case record.TypePlacement:
		p, err := record.DecodePlacement(r.Value)
		c.placements = append(c.placements, p)
		return err
	case record.TypeBilling:
		c.charges++
	case record.TypeDeadLetter:
		l, err := record.DecodeDeadLetter(r.Value)
		c.letters = append(c.letters, l)
		return err
	case record.TypeReplay:
		p, err := record.DecodeReplayProgress(r.Value)
		c.progress = append(c.progress, p)
		return err
	default:
		return fmt.Errorf("unknown type %q", kafka.Header(r, "ce_type"))
	}
	return err
}

// writeFiles writes a directory: names and contents in turn.
func writeFiles(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	inventoryHeader  = "node,device,kind,model,parent,provider,region,zone,instance_type,cluster,tenant\n"
	samplesHeader    = "time,node,device,metric,value\n"
	placementsHeader = "id,manager,cluster,workload,kind,tenant,team,node,devices,mode,share,start,end,labels\n"
	ratesHeader      = "kind,key,value,unit,valid_from,valid_to,source\n"
)

// fleet is a directory of some nodes with one card each, for so many seconds.
func fleet(t testing.TB, nodes, seconds int) string {
	t.Helper()
	inventory, samples, placements := inventoryHeader, new(strings.Builder), placementsHeader
	samples.WriteString(samplesHeader)
	for n := range nodes {
		inventory += fmt.Sprintf("n%d,,wall,,,,r,,,c,\nn%d,g0,gpu,H100,,,,,,,\n", n, n)
		placements += fmt.Sprintf("p%d,slurm,c,train,training,,,n%d,g0,whole,,2026-09-15T13:00:00Z,,\n", n, n)
	}
	start := time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC).UnixMilli()
	for i := range seconds {
		for n := range nodes {
			fmt.Fprintf(samples, "%d,n%d,g0,power_watts,%d\n%d,n%d,g0,sm_active_ratio,0.5\n", start+int64(i)*1000, n, 400+i%100, start+int64(i)*1000, n)
		}
	}
	rates := ratesHeader + "device_price,H100,2.95,USD/h,,,list\npue,,1.2,1,,,\ngrid_location,,396.25,g/kWh,,,\n"
	return writeFiles(t, "inventory.csv", inventory, "samples.csv", samples.String(), "placements.csv", placements, "rates.csv", rates)
}

// ends is a ledger of a store that has everything at once.
type ends struct {
	t testing.TB
	b *kafkatest.Broker
}

func (l ends) Offsets(ctx context.Context) (map[int32]record.Offsets, error) {
	client, err := kafka.NewClient(l.b.Config, nil)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := kafka.EndOffsets(ctx, client, record.Samples, record.Rates, record.Inventory, record.Placements)
	offsets := make(map[int32]record.Offsets)
	for task := range ends[record.Samples] {
		offsets[task] = record.Offsets{
			Samples: ends[record.Samples][task], Rates: ends[record.Rates][0], Inventory: ends[record.Inventory][task], Placements: ends[record.Placements][task],
		}
	}
	return offsets, err
}

func settings(t testing.TB, b *kafkatest.Broker, out *bytes.Buffer) Settings {
	return Settings{Kafka: b.Config, Ledger: ends{t, b}, Out: out, Now: func() time.Time { return testNow }}
}

func configOf(dir string) Config {
	c := DefaultConfig()
	c.Dir = dir
	return c
}
