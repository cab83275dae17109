package sink

import "github.com/prometheus/client_golang/prometheus"

// metrics of the sink, each declared here once.
type metrics struct {
	steps    *prometheus.CounterVec
	parts    *prometheus.CounterVec
	rows     *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	refused  *prometheus.CounterVec
	retries  *prometheus.CounterVec
	letters  *prometheus.CounterVec
	sessions *prometheus.CounterVec
	insert   *prometheus.HistogramVec
	inFlight prometheus.Gauge
	step     *prometheus.GaugeVec
	lag      *prometheus.GaugeVec
	blocked  *prometheus.GaugeVec
}

// Describe registers the declarations of the sink's metrics, for their
// documentation.
func Describe(registry prometheus.Registerer) { newMetrics(registry) }

func newMetrics(registry prometheus.Registerer) *metrics {
	task := []string{"task"}
	counter := func(name, help string, labels []string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ntegral_sink_" + name, Help: help}, labels)
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ntegral_sink_" + name, Help: help}, task)
	}
	m := &metrics{
		steps:    counter("steps_total", "Steps that were brought to the store as a whole.", task),
		parts:    counter("parts_total", "Parts that the store took.", task),
		rows:     counter("rows_total", "Rows of the steps that were brought to the store.", task),
		bytes:    counter("bytes_total", "Bytes of the parts that the store took.", task),
		refused:  counter("refused_parts_total", "Parts that nobody can decode, set aside as dead letters.", task),
		retries:  counter("retries_total", "Inserts that failed and were tried again, by kind of failure.", []string{"task", "kind"}),
		letters:  counter("dead_letters_total", "Records of the log that were set aside.", task),
		sessions: counter("sessions_total", "Times that a task began to read its log, from the ledger's end.", task),
		insert: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ntegral_sink_insert_duration_seconds", Help: "Time of an insert that succeeded, by table.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 14),
		}, []string{"table"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ntegral_sink_in_flight_bytes", Help: "Bytes of parts that are being inserted."}),
		step:     gauge("step", "Last step in the ledger."),
		lag:      gauge("lag_records", "Records of the log that are not in the store yet."),
		blocked:  gauge("blocked", "1 while the task cannot go on without an operator, else 0."),
	}
	registry.MustRegister(m.steps, m.parts, m.rows, m.bytes, m.refused, m.retries, m.letters, m.sessions, m.insert, m.inFlight, m.step, m.lag, m.blocked)
	return m
}
