package status_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/sink/sinktest"
	"github.com/ntegral/ntegral/services/internal/status"
	"github.com/ntegral/ntegral/services/internal/system"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// row is a store whose ledger sums up to one row.
type row string

func (r row) QueryFormat(context.Context, string, string, ...any) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(r) + "\n")), nil
}

const soundLedger = "4\t100\t5000\t7\t" + `{"late":"3","negative":2,"counter_reset":1,"accepted":9}` + "\t1.5\t0\t0\t0\t0\t0\t1789489200000000000\t1789489200123\t0\t60.5\t7\t86400\t1250.25\t3"

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
			name: "tasks down", store: soundLedger,
			process: service(t, `{"tasks":[{"task":0,"state":"down","error":"stored state does not fit"},{"task":1,"state":"opening","error":"broker is away"}]}`, "task 0 is down: stored state does not fit"),
			sink:    service(t, `{"tasks":[{"task":1,"state":"blocked","error":"no such column","since":"2026-09-15T14:59:30Z"}]}`, "task 1: no such column"),
			want: []string{
				"processor: task 0 is down: stored state does not fit", "processor: task 1 is opening: broker is away",
				"sink: task 1 is blocked since 2026-09-15T14:59:30Z and needs an operator: no such column",
			},
		},
		{
			name: "nothing answers", store: row(strings.Replace(soundLedger, "4\t", "four\t", 1)), process: gone, sink: "",
			want: []string{"processor: ask", "sink: no address configured", "store: read ledger"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := status.Collect(t.Context(), status.Settings{Kafka: b.Config, Store: tt.store, Process: tt.process, Sink: tt.sink})
			checkProblems(t, r, tt.want)
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

// TestWaiting lets records wait for their tasks, which nobody has.
func TestWaiting(t *testing.T) {
	kafkatest.EachFresh(t, func(t *testing.T, b *kafkatest.Broker) {
		sinktest.Topics(t, b, 2)
		producer := sinktest.Producer(t, b)
		for _, topic := range []string{record.Samples, record.Facts} {
			for range 3 {
				sinktest.Produce(t, producer, topic, 1, []byte("x"))
			}
		}
		s := status.Settings{
			Kafka: b.Config, Store: row(soundLedger), ProcessGroup: "nobody.process", SinkGroup: "nobody.sink",
			Process: service(t, `{"tasks":[{"task":1,"state":"running","lag":2,"inputs":{"samples":1}}]}`, ""),
			Sink:    service(t, `{"tasks":[{"task":1,"step":8,"lag":1,"offset":2,"state":"running"}]}`, ""),
			Config:  status.Config{MaxLag: time.Minute},
		}
		nobody := []string{"processor: nobody has task 0, 1", "sink: nobody has task 0, 1"}
		for _, tt := range []struct {
			later time.Duration
			max   time.Duration
			want  []string
		}{
			{0, time.Minute, nobody},
			{time.Hour, 0, nobody},
			{time.Hour, time.Minute, []string{
				"processor: nobody has task 0, 1", "processor: task 1 is behind: its next record has waited for 1h0m",
				"sink: nobody has task 0, 1", "sink: task 1 is behind: its next record has waited for 1h0m",
			}},
		} {
			s.Clock = func() time.Time { return time.Now().Add(tt.later) }
			s.Config.MaxLag = tt.max
			r := status.Collect(t.Context(), s)
			checkProblems(t, r, tt.want)
			if r.Tasks[0].LagSince == nil || r.Tasks[0].SinkLagSince == nil {
				t.Errorf("task %+v, want the times of its oldest records", r.Tasks[0])
			}
		}
	})
}

// TestFolder looks at a system whose supervisor died with a process down, and
// whose disk is below its floor.
func TestFolder(t *testing.T) {
	b := kafkatest.InProcess(t)
	sinktest.Topics(t, b, 1)
	sys, err := system.Create(t.TempDir(), system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := status.Settings{
		Kafka: b.Config, Store: row(soundLedger), Process: service(t, `{}`, ""), Sink: service(t, `{}`, ""), System: &sys, DiskFloor: 1 << 62,
	}
	checkProblems(t, status.Collect(t.Context(), s), []string{"disk: ", "is not running: start it with"})
	s.DiskFloor = 0
	for _, tt := range []struct {
		started string
		want    []string
	}{
		{startTime(t), []string{"process sink is backoff: exit status 1"}},
		{"1", []string{"is not running: start it with"}},
	} {
		supervisor(t, sys, tt.started, `{"name":"process","state":"ready"},{"name":"sink","state":"backoff","last_error":"exit status 1"}`)
		checkProblems(t, status.Collect(t.Context(), s), tt.want)
	}
}

// startTime is when this process began, by the kernel's count.
func startTime(t *testing.T) string {
	t.Helper()
	kernel, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(kernel[bytes.LastIndexByte(kernel, ')')+2:]))[19]
}

// supervisor makes this process, if it began then, the supervisor of a system.
func supervisor(t *testing.T, sys system.System, started, children string) {
	t.Helper()
	text := fmt.Sprintf(`{"pid":%d,"start_time":%s,"children":[%s]}`, os.Getpid(), started, children)
	if err := os.WriteFile(filepath.Join(sys.Folder.Run(), "status.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkProblems wants these problems, by a part of each.
func checkProblems(t *testing.T, r *status.Report, want []string) {
	t.Helper()
	slices.Sort(r.Problems)
	if len(r.Problems) != len(want) || r.Healthy != (len(want) == 0) {
		t.Fatalf("healthy %v, problems %q, want %q", r.Healthy, r.Problems, want)
	}
	for i := range want {
		if !strings.Contains(r.Problems[i], want[i]) {
			t.Errorf("problem %q, want %q", r.Problems[i], want[i])
		}
	}
}

func checkForms(t *testing.T, r *status.Report) {
	t.Helper()
	var text, object bytes.Buffer
	if err := r.Write(&text, "table"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"readings", "5000 accepted; 3 late kept out, 7 duplicates", "rows of replays: none", "negative 2", "counter_reset 1", "conflict 60.5 s, oversubscribed 7 s, unpriced 86400 s; assumed: PUE of 1250.25 J, market-based factor of 3 J", "ntegral.facts.v1", "healthy"} {
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
	for _, want := range []string{`"conflict_seconds": "60.5"`, `"oversubscribed_seconds": "7"`, `"unpriced_seconds": "86400"`, `"assumed_pue_j": "1250.25"`, `"assumed_market_j": "3"`, `"warnings": {}`} {
		if !strings.Contains(object.String(), want) {
			t.Errorf("no %s in:\n%s", want, object.String())
		}
	}
}
