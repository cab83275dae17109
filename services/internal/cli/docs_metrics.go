package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafkaserver"
	"github.com/ntegral/ntegral/services/internal/process"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/system"
)

const metricsPreface = `# Metrics

Written by ` + "`make generate`" + ` from the declarations in the code: do not edit. Each service serves
its own at /metrics, in Prometheus' form; those of a system that ` + "`ntegral up`" + ` runs are where
DIR/ntegral.env says (NTEGRAL_PROCESS_LISTEN, NTEGRAL_SINK_LISTEN, NTEGRAL_CLICKHOUSE_URL).

## What must not be summed

- **Over processes, what has a task.** A task that has moved can be shown by its old and
  its new owner for a moment: take ` + "`max by (task)`" + ` first, then sum over tasks.
- **` + "`..._epoch`, `..._step`, `..._timestamp_seconds`, `..._running`, `..._blocked`" + `** over anything: they
  are numbers, times and answers. Take max, min or count.
- **` + "`ntegral_process_residual_money`" + `**: it adds up currencies. All that matters is whether it is 0.
- **Processor and sink**: rows and parts of both are the same ones, seen twice.
- **` + "`ntegral_sink_..._total`" + `** as what the store holds: what is inserted again after a crash is
  counted again, and the store drops it. What the store holds is in its table ledger.
- **` + "`ntegral_process_checkpoint_bytes`" + `** over time: it is the size of the last one, of any task.

Counters of the processor that have a task go on where they were after a restart or a
move, since they come from the task's log; all others begin at 0 with their process.
A label task is the number of the partition.
`

// series is a metric as it was declared.
type series struct{ name, kind, unit, labels, help string }

// services are those that have metrics, and how to get their declarations.
var services = []struct {
	name     string
	describe func(context.Context, *prometheus.Registry) error
}{
	{"process", describeProcess},
	{"sink", func(_ context.Context, r *prometheus.Registry) error { sink.Describe(r); return nil }},
	{"clickhouse", func(_ context.Context, r *prometheus.Registry) error { chserver.Describe(r); return nil }},
}

func writeMetrics(ctx context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, metricsPreface); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	for _, s := range services {
		registry := prometheus.NewRegistry()
		if err := s.describe(ctx, registry); err != nil {
			return fmt.Errorf("describe metrics of %s: %w", s.name, err)
		}
		all, err := declared(registry)
		if err != nil {
			return fmt.Errorf("describe metrics of %s: %w", s.name, err)
		}
		var text strings.Builder
		fmt.Fprintf(&text, "\n## ntegral %s\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n", s.name)
		for _, m := range all {
			fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s |\n", m.name, m.kind, m.unit, m.labels, m.help)
		}
		if _, err := io.WriteString(w, text.String()); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return nil
}

// describeProcess lets a processor register its metrics: that needs a broker,
// so it gets one for the time being.
func describeProcess(ctx context.Context, into *prometheus.Registry) (err error) {
	dir, err := os.MkdirTemp("", "ntegral-docs")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ports, err := system.FreePorts(1)
	if err != nil {
		return err
	}
	cfg := process.DefaultConfig()
	cfg.Listen, cfg.Partitions = "127.0.0.1:0", 1
	cfg.Kafka = kafka.Config{Brokers: []string{system.Loopback(ports[0])}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listening, brokerDone := make(chan string, 1), make(chan error, 1)
	go func() {
		brokerDone <- kafkaserver.Run(ctx, kafkaserver.Config{Dir: dir, Listen: cfg.Kafka.Brokers[0]},
			kafkaserver.Settings{Ready: func(addr string) { listening <- addr }})
	}()
	select {
	case <-listening:
	case err := <-brokerDone:
		return err
	}
	defer func() { cancel(); err = errors.Join(err, <-brokerDone) }()
	// The declarations are in the registry as long as the processor runs.
	processing, end := context.WithCancel(ctx)
	defer end()
	declared := prometheus.NewRegistry()
	err = process.Run(processing, cfg, process.Settings{Registry: declared, Ready: func(string) {
		into.MustRegister(frozen(declared))
		end()
	}})
	return err
}

// declarations are descriptions without values.
type declarations []*prometheus.Desc

// frozen keeps what r describes now.
func frozen(r *prometheus.Registry) declarations {
	var all declarations
	for d := range described(r) {
		all = append(all, d)
	}
	return all
}

// Describe implements prometheus.Collector.
func (d declarations) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range d {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (declarations) Collect(chan<- prometheus.Metric) {}

func described(r *prometheus.Registry) <-chan *prometheus.Desc {
	to := make(chan *prometheus.Desc)
	go func() {
		defer close(to)
		r.Describe(to)
	}()
	return to
}

// description is how a prometheus.Desc prints; it has no other way to be read.
var description = regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), (?:unit: "[^"]*", )?constLabels: \{\}, variableLabels: \{(.*)\}\}$`)

func declared(r *prometheus.Registry) ([]series, error) {
	var all []series
	var errs []error
	for d := range described(r) {
		found := description.FindStringSubmatch(d.String())
		if found == nil {
			errs = append(errs, fmt.Errorf("read declaration %s: not as expected", d))
			continue
		}
		name, err1 := strconv.Unquote(found[1])
		help, err2 := strconv.Unquote(found[2])
		errs = append(errs, err1, err2)
		all = append(all, series{name, kindOf(name), unitOf(name), strings.ReplaceAll(found[3], ",", ", "), help})
	}
	if len(all) == 0 {
		errs = append(errs, errors.New("none were declared"))
	}
	slices.SortFunc(all, func(a, b series) int { return cmp.Compare(a.name, b.name) })
	return all, errors.Join(errs...)
}

// kindOf follows from the name, by the rules for names; a test holds the
// declarations to them.
func kindOf(name string) string {
	switch {
	case strings.HasSuffix(name, "_total"):
		return "counter"
	case strings.HasSuffix(name, "_duration_seconds"):
		return "histogram"
	}
	return "gauge"
}

func unitOf(name string) string {
	for _, u := range []string{"seconds", "bytes", "joules", "records", "rows", "parts", "steps", "money"} {
		if strings.HasSuffix(strings.TrimSuffix(name, "_total"), "_"+u) {
			return u
		}
	}
	return "1"
}
