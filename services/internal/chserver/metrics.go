package chserver

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

type metrics struct {
	queries   *prometheus.HistogramVec
	errors    *prometheus.CounterVec
	pieces    prometheus.Counter
	sentBytes prometheus.Counter
	rows      prometheus.Counter
}

// Describe registers the declarations of the engine's metrics, for their
// documentation.
func Describe(r prometheus.Registerer) { newMetrics(r) }

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		queries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ntegral_clickhouse_query_duration_seconds", Help: "Time from a request to the end of its answer, by user.",
			Buckets: []float64{0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30},
		}, []string{"user"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ntegral_clickhouse_errors_total", Help: "Requests that ended in an error, by ClickHouse's code.",
		}, []string{"code"}),
		pieces: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ntegral_clickhouse_result_pieces_total", Help: "Pieces of results that were sent.",
		}),
		sentBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ntegral_clickhouse_result_bytes_total", Help: "Bytes of results before compression.",
		}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ntegral_clickhouse_written_rows_total", Help: "Rows that INSERTs with data have written, those of materialised views among them.",
		}),
	}
	r.MustRegister(m.queries, m.errors, m.pieces, m.sentBytes, m.rows)
	return m
}

func (m *metrics) observe(u user, d time.Duration) {
	m.queries.WithLabelValues(u.String()).Observe(d.Seconds())
}

func (m *metrics) failed(code int) { m.errors.WithLabelValues(strconv.Itoa(code)).Inc() }

func (m *metrics) sent(bytes int) {
	m.pieces.Inc()
	m.sentBytes.Add(float64(bytes))
}

func (m *metrics) wrote(s chdb.Stats) { m.rows.Add(float64(s.WrittenRows)) }
