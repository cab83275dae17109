package sink

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Status is what /status answers.
type Status struct {
	Tasks []TaskStatus `json:"tasks"`
}

// TaskStatus is where a task stands.
type TaskStatus struct {
	Task   int32  `json:"task"`
	Epoch  uint64 `json:"epoch"`
	Step   uint64 `json:"step"`   // last in the ledger
	Offset int64  `json:"offset"` // of the log, to be read next
	Lag    int64  `json:"lag"`    // records of the log that are not read yet
	Rows   uint64 `json:"rows"`   // brought to the store since this sink began
	State  State  `json:"state"`
	Error  string `json:"error,omitempty"`
	Since  string `json:"since,omitempty"` // when the error began
}

// State is how a task is doing.
type State string

// States of a task.
const (
	StateRunning  State = "running"
	StateRetrying State = "retrying" // something fails and may pass
	StateBlocked  State = "blocked"  // an operator has to act
)

// patience is how long something may fail before the sink is unhealthy.
const patience = 30 * time.Second

func (t *task) status() TaskStatus {
	t.mu.Lock()
	s := TaskStatus{
		Task: t.partition, Epoch: t.at.Epoch, Step: t.at.Step, Offset: t.next, Lag: max(0, t.end-t.next), Rows: t.rows, State: StateRunning,
	}
	t.mu.Unlock()
	if f, failing := t.worst(); failing {
		s.State, s.Error, s.Since = StateRetrying, f.err.Error(), f.since.UTC().Format(time.RFC3339)
		if f.blocked {
			s.State = StateBlocked
		}
	}
	return s
}

// newHandler serves /metrics, /status and /healthz.
func newHandler(set Settings, tasks *taskSet) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(set.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		status := Status{Tasks: []TaskStatus{}}
		for _, t := range tasks.all() {
			status.Tasks = append(status.Tasks, t.status())
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status) // the client has gone
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		var sick []string
		for _, t := range tasks.all() {
			f, failing := t.worst()
			if failing && (f.blocked || set.Clock().Sub(f.since) > patience) {
				sick = append(sick, fmt.Sprintf("task %d: %v", t.partition, f.err))
			}
		}
		if len(sick) > 0 {
			http.Error(w, strings.Join(sick, "\n"), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
