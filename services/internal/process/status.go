package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// State is what a task is doing.
type State string

// States of a task.
const (
	StateOpening State = "opening" // it reads its log, or waits to try again
	StateRunning State = "running"
	StateDown    State = "down" // it cannot go on; see its error
)

// Totals are sums over all steps of a task that count, since it began; they
// survive restarts, because they are in its checkpoints and commits.
type Totals struct {
	Readings   uint64                      `json:"readings"`
	Duplicates uint64                      `json:"duplicates"`
	Rows       uint64                      `json:"rows"`
	Parts      uint64                      `json:"parts"`
	Counts     [telemetry.NumReasons]int64 `json:"counts"`
	// Noted is of the counts of what was taken all the same. A restatement can
	// take some of it back, in Counts; here the steps that added to it are
	// summed up, so that it never falls.
	Noted [telemetry.NumReasons]int64 `json:"noted"`

	RejectedEnergy     int64 `json:"rejected_energy_uj"`
	UnplacedEnergy     int64 `json:"unplaced_energy_uj"`
	InconsistentEnergy int64 `json:"inconsistent_energy_uj"`
	ResidualEnergy     int64 `json:"residual_energy_uj"`
	ResidualMoney      int64 `json:"residual_nano"`
	ResidualTime       int64 `json:"residual_ns"`
}

func (t *Totals) add(c *record.Commit) {
	t.Readings += c.Readings
	t.Duplicates += c.Duplicates
	t.Rows += c.Rows
	t.Parts += uint64(c.Parts)
	for reason, n := range c.Counts {
		if reason < len(t.Counts) {
			t.Counts[reason] += n
			if n > 0 && telemetry.Reason(reason).Noted() {
				t.Noted[reason] += n
			}
		}
	}
	t.RejectedEnergy += c.RejectedEnergy
	t.UnplacedEnergy += c.UnplacedEnergy
	t.InconsistentEnergy += c.InconsistentEnergy
	t.ResidualEnergy += c.ResidualEnergy
	t.ResidualMoney += c.ResidualMoney
	t.ResidualTime += c.ResidualTime
}

// TaskStatus is what a task publishes about itself, as of its last step. It is
// immutable once published.
type TaskStatus struct {
	Task      int32
	State     State
	Error     string // why it is not running
	Epoch     uint64
	Step      uint64
	Watermark int64          // ns; 0: none
	Lag       int64          // records of samples that no step has used
	Inputs    record.Offsets // reached
	Totals    Totals
}

// publish shows where the task stands; end is the end of its samples.
func (s *session) publish(end int64) {
	s.task.status.Store(&TaskStatus{
		Task: s.task.id, State: StateRunning, Epoch: s.log.Epoch, Step: s.log.Step, Watermark: s.watermark,
		Lag: max(0, end-s.inputs.at.Samples), Inputs: s.inputs.at, Totals: s.totals,
	})
}

// statusJSON is the form of /status. Energies are in µJ, money in 10⁻⁹ of its
// currency; watermark is null where no node has one.
type statusJSON struct {
	Task      int32      `json:"task"`
	State     State      `json:"state"`
	Error     string     `json:"error,omitempty"`
	Epoch     uint64     `json:"epoch"`
	Step      uint64     `json:"step"`
	Watermark *time.Time `json:"watermark"`
	Lag       int64      `json:"lag"`
	Inputs    struct {
		Samples     int64 `json:"samples"`
		Placements  int64 `json:"placements"`
		Inventory   int64 `json:"inventory"`
		Rates       int64 `json:"rates"`
		Corrections int64 `json:"corrections"`
	} `json:"inputs"`
	Readings           uint64           `json:"readings"`
	Duplicates         uint64           `json:"duplicates"`
	Rows               uint64           `json:"rows"`
	Parts              uint64           `json:"parts"`
	Late               int64            `json:"late"`
	Rejected           map[string]int64 `json:"rejected"`
	Noted              map[string]int64 `json:"noted"` // as it is now: restatements can take some of it back
	RejectedEnergy     int64            `json:"rejected_energy_uj"`
	UnplacedEnergy     int64            `json:"unplaced_energy_uj"`
	InconsistentEnergy int64            `json:"inconsistent_energy_uj"`
	ResidualEnergy     int64            `json:"residual_energy_uj"`
	ResidualMoney      int64            `json:"residual_nano"`
	ResidualTime       int64            `json:"residual_ns"`
}

// MarshalJSON writes the form of /status.
func (s *TaskStatus) MarshalJSON() ([]byte, error) {
	out := statusJSON{
		Task: s.Task, State: s.State, Error: s.Error, Epoch: s.Epoch, Step: s.Step, Lag: s.Lag,
		Readings: s.Totals.Readings, Duplicates: s.Totals.Duplicates, Rows: s.Totals.Rows, Parts: s.Totals.Parts,
		Late: s.Totals.Counts[telemetry.Late], Rejected: map[string]int64{}, Noted: map[string]int64{},
		RejectedEnergy: s.Totals.RejectedEnergy, UnplacedEnergy: s.Totals.UnplacedEnergy, InconsistentEnergy: s.Totals.InconsistentEnergy,
		ResidualEnergy: s.Totals.ResidualEnergy, ResidualMoney: s.Totals.ResidualMoney, ResidualTime: s.Totals.ResidualTime,
	}
	out.Inputs.Samples, out.Inputs.Placements = s.Inputs.Samples, s.Inputs.Placements
	out.Inputs.Inventory, out.Inputs.Rates = s.Inputs.Inventory, s.Inputs.Rates
	out.Inputs.Corrections = s.Inputs.Corrections
	if s.Watermark != 0 {
		at := time.Unix(0, s.Watermark).UTC()
		out.Watermark = &at
	}
	for reason, n := range s.Totals.refused() {
		out.Rejected[reason.String()] = n
	}
	for i, n := range s.Totals.Counts {
		if reason := telemetry.Reason(i); n != 0 && reason.Noted() {
			out.Noted[reason.String()] = n
		}
	}
	return json.Marshal(out)
}

// refused yields the reasons that occurred, but for late events, which are kept
// out and not wrong, and for what is only noted.
func (t *Totals) refused() map[telemetry.Reason]int64 {
	out := map[telemetry.Reason]int64{}
	for i, n := range t.Counts {
		if reason := telemetry.Reason(i); n != 0 && reason != telemetry.Accepted && reason != telemetry.Late && !reason.Noted() {
			out[reason] = n
		}
	}
	return out
}

// statusServer serves /metrics, /status and /healthz.
type statusServer struct {
	env   *environment
	tasks *taskSet
}

// Run serves until ctx ends.
func (s statusServer) Run(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.env.cfg.Listen)
	if err != nil {
		return fmt.Errorf("serve status: %w", err)
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	s.env.set.Ready(listener.Addr().String())
	select {
	case err = <-ended:
		return fmt.Errorf("serve status: %w", err)
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		err = errors.Join(err, server.Close())
		return fmt.Errorf("stop status server: %w", err)
	}
	return nil
}

func (s statusServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.env.set.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		tasks := s.tasks.statuses()
		if tasks == nil {
			tasks = []*TaskStatus{}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"tasks": tasks}) // the client has gone
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		for _, t := range s.tasks.statuses() {
			if t.State == StateDown {
				http.Error(w, fmt.Sprintf("task %d is down: %s", t.Task, t.Error), http.StatusServiceUnavailable)
				return
			}
		}
		_, _ = w.Write([]byte("ok\n")) // the client has gone
	})
	return mux
}
