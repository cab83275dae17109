package process

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

const (
	namespace = "ntegral"
	subsystem = "process"
)

// Values of the label kind of task_failures_total.
const (
	failureRetryable = "retryable"
	failurePermanent = "permanent"
	failureFenced    = "fenced"
)

// metrics are what happened in this process. What is known of a task's steps
// is in its status instead, see taskCollector.
type metrics struct {
	stepSeconds       prometheus.Histogram
	checkpointSeconds prometheus.Histogram
	checkpointBytes   prometheus.Gauge
	recalls           prometheus.Counter
	opens             prometheus.Counter
	failures          *prometheus.CounterVec
	deadLetters       prometheus.Counter
	lettersDropped    prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	seconds := prometheus.ExponentialBuckets(0.001, 2, 14)
	return &metrics{
		stepSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem,
			Name: "step_duration_seconds", Help: "Time from a step's input to its acknowledged commit, waits for more input of a step that lags within it, and for moving history away where much waits, in seconds.", Buckets: seconds,
		}),
		checkpointSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem,
			Name: "checkpoint_duration_seconds", Help: "Time that a task stands still for a checkpoint, in seconds.", Buckets: seconds,
		}),
		checkpointBytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem,
			Name: "checkpoint_bytes", Help: "Bytes written for the last checkpoint, with the history since the one before, in bytes.",
		}),
		recalls: counter("history_recalls_total", "Blocks of history, a node's readings of one window, that were read back from their topic, in blocks."),
		opens:   counter("opens_total", "Epochs opened, in epochs."),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem,
			Name: "task_failures_total", Help: "Epochs given up, by kind of failure, in epochs.",
		}, []string{"kind"}),
		deadLetters:    counter("dead_letters_total", "Dead letters written, in records."),
		lettersDropped: counter("dead_letters_dropped_total", "Dead letters beyond the bound of a step, which only the counts by reason show, in records."),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.stepSeconds, m.checkpointSeconds, m.checkpointBytes, m.recalls, m.opens, m.failures, m.deadLetters, m.lettersDropped}
}

// taskMetric is a figure of a task's status.
type taskMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*TaskStatus) float64
}

func taskDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, append([]string{"task"}, labels...), nil)
}

var (
	refusedDesc = taskDesc("events_refused_total", "Events refused, by reason, in events; late ones apart.", "reason")
	notedDesc   = taskDesc("events_noted_total",
		"What was taken but is worth knowing, by reason, in events; what a restatement takes back stays counted here.", "reason")
	taskMetrics = []taskMetric{
		{
			taskDesc("readings_accepted_total", "Readings accepted, in readings."), prometheus.CounterValue,
			func(s *TaskStatus) float64 { return float64(s.Totals.Readings) },
		},
		{
			taskDesc("readings_duplicate_total", "Readings of a series at a time that was known already, in readings."), prometheus.CounterValue,
			func(s *TaskStatus) float64 { return float64(s.Totals.Duplicates) },
		},
		{
			taskDesc("readings_late_total", "Events older than the horizon, kept out, in events."), prometheus.CounterValue,
			func(s *TaskStatus) float64 { return float64(s.Totals.Counts[telemetry.Late]) },
		},
		{
			taskDesc("rows_total", "Fact rows committed, in rows."), prometheus.CounterValue,
			func(s *TaskStatus) float64 { return float64(s.Totals.Rows) },
		},
		{
			taskDesc("parts_total", "Parts committed, in parts."), prometheus.CounterValue,
			func(s *TaskStatus) float64 { return float64(s.Totals.Parts) },
		},
		{
			taskDesc("steps_total", "Steps committed, in steps."), prometheus.CounterValue,
			func(s *TaskStatus) float64 { return float64(s.Step) },
		},
		{
			taskDesc("epoch", "Epoch of the task, a number."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return float64(s.Epoch) },
		},
		{
			taskDesc("watermark_timestamp_seconds", "Largest watermark of the task's nodes, in seconds since 1970; 0 if there is none."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return float64(s.Watermark) / 1e9 },
		},
		{
			taskDesc("lag_records", "Records of the samples topic that no step has used, in records."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return float64(s.Lag) },
		},
		{
			taskDesc("running", "1 while the task runs, 0 while it is being opened or down."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return boolean(s.State == StateRunning) },
		},
		{
			taskDesc("rejected_energy_joules", "Energy of rejected counter segments, in joules."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return joules(s.Totals.RejectedEnergy) },
		},
		{
			taskDesc("unplaced_energy_joules", "Energy of segments that no presence holds, in joules."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return joules(s.Totals.UnplacedEnergy) },
		},
		{
			taskDesc("inconsistent_energy_joules", "Energy by which children exceed their meter, in joules."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return joules(s.Totals.InconsistentEnergy) },
		},
		{
			taskDesc("residual_energy_joules", "Energy that conservation lacks, in joules; always 0."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return joules(s.Totals.ResidualEnergy) },
		},
		{
			taskDesc("residual_money", "Money that conservation lacks, in currency units; always 0."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return float64(s.Totals.ResidualMoney) / 1e9 },
		},
		{
			taskDesc("residual_time_seconds", "Time that conservation lacks, in seconds; always 0."), prometheus.GaugeValue,
			func(s *TaskStatus) float64 { return float64(s.Totals.ResidualTime) / 1e9 },
		},
	}
)

func joules(uj int64) float64 { return float64(uj) / 1e6 }

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// taskCollector shows the tasks' statuses as metrics. They are totals since the
// task began, so they go on where they were when a task has moved.
type taskCollector struct{ tasks *taskSet }

// Describe implements prometheus.Collector.
func (c taskCollector) Describe(to chan<- *prometheus.Desc) {
	to <- refusedDesc
	to <- notedDesc
	for i := range taskMetrics {
		to <- taskMetrics[i].desc
	}
}

// Collect implements prometheus.Collector.
func (c taskCollector) Collect(to chan<- prometheus.Metric) {
	for _, s := range c.tasks.statuses() {
		task := strconv.Itoa(int(s.Task))
		for i := range taskMetrics {
			m := &taskMetrics[i]
			to <- prometheus.MustNewConstMetric(m.desc, m.kind, m.of(s), task)
		}
		for reason, n := range s.Totals.refused() {
			to <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(n), task, reason.String())
		}
		for i, n := range s.Totals.Noted {
			if n > 0 {
				to <- prometheus.MustNewConstMetric(notedDesc, prometheus.CounterValue, float64(n), task, telemetry.Reason(i).String())
			}
		}
	}
}
