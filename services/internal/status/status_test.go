package status_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// row is a store whose ledger sums up to one row.
type row string

func (r row) QueryFormat(context.Context, string, string, ...any) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(r) + "\n")), nil
}

const soundLedger = "4\t100\t5000\t7\t" + `{"late":"3","negative":2,"accepted":9}` + "\t1.5\t0\t0\t0\t0\t0\t1789489200000000000\t1789489200123\t0"

// service serves a status and a health.
func service(t *testing.T, body string, sick string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if sick != "" {
			http.Error(w, sick, http.StatusServiceUnavailable)
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

const (
	soundProcess = `{"tasks":[{"task":1,"state":"running","epoch":2,"step":9,"lag":4,"watermark":"2026-09-15T14:59:30Z"},{"task":0,"state":"running"}]}`
	soundSink    = `{"tasks":[{"task":1,"step":8,"lag":3,"state":"running"}]}`
)

func TestCollect(t *testing.T) {
	b := kafkatest.InProcess(t)
	sinktest.Topics(t, b, 2)
	gone := service(t, "", "")
	for _, tt := range []struct {
		name          string
		store         row
		process, sink string
		want          []string // problems, by a part of each; nil: healthy
	}{
		{name: "sound", store: soundLedger, process: service(t, soundProcess, ""), sink: service(t, soundSink, "")},
		{
			name: "residual", store: row(strings.Replace(soundLedger, "\t0\t0\t0\t17", "\t0\t1\t0\t17", 1)),
			process: service(t, soundProcess, ""), sink: service(t, soundSink, ""),
			want: []string{"conservation: residual of 0 uJ, 1 nano-units"},
		},
		{
			name: "sink blocked", store: soundLedger, process: service(t, soundProcess, ""), sink: service(t, soundSink, "task 1: no such column"),
			want: []string{"sink: task 1: no such column"},
		},
		{
			name: "nothing answers", store: row(strings.Replace(soundLedger, "4\t", "four\t", 1)), process: gone, sink: "",
			want: []string{"processor: ask", "sink: no address configured", "store: read ledger"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := status.Collect(t.Context(), status.Settings{Kafka: b.Config, Store: tt.store, Process: tt.process, Sink: tt.sink})
			slices.Sort(r.Problems)
			if len(r.Problems) != len(tt.want) || r.Healthy != (tt.want == nil) {
				t.Fatalf("healthy %v, problems %q, want %q", r.Healthy, r.Problems, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(r.Problems[i], want) {
					t.Errorf("problem %q, want %q", r.Problems[i], want)
				}
			}
			if tt.want != nil {
				return
			}
			if r.Processing.Readings != 5000 || r.Processing.Late != 3 || r.Processing.Rejected["negative"] != 2 || len(r.Processing.Rejected) != 1 {
				t.Errorf("processing %+v", r.Processing)
			}
			if len(r.Tasks) != 2 || r.Tasks[0].Task != 0 || r.Tasks[1].Lag != 4 || r.Tasks[1].SinkLag != 3 {
				t.Errorf("tasks %+v", r.Tasks)
			}
			checkForms(t, r)
		})
	}
}

func checkForms(t *testing.T, r *status.Report) {
	t.Helper()
	var text, object bytes.Buffer
	if err := r.Write(&text, "table"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"readings", "5000 (7 duplicates, 3 late)", "negative 2", "ntegral.facts.v1", "healthy"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, text.String())
		}
	}
	if err := r.Write(&object, "json"); err != nil {
		t.Fatal(err)
	}
	var decoded struct {
		Processing struct {
			Energy json.Number `json:"residual_energy_uj"`
			Money  json.Number `json:"residual_nano"`
		} `json:"processing"`
	}
	if err := json.Unmarshal(object.Bytes(), &decoded); err != nil || decoded.Processing.Energy != "0" || decoded.Processing.Money != "0" {
		t.Errorf("json %s (%v)", object.String(), err)
	}
}
