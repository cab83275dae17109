// Package status gathers how a system is: its processes, how far each task is,
// what was kept out and why, what conservation leaves over, and the disk.
//
// Words. Processing is about figures: sums over all steps in the ledger. A task
// has a processor's side (lag in samples, watermark) and a sink's side (lag in
// records of its commit log). A problem is something that an operator should
// look at; a system with problems is unhealthy: a part that does not answer, a
// process or a task that is down, a task that nobody has or, in a supervised
// system, that nobody works on, a record that waits too long, a residual, a part that could not be read, too little disk. Lag, late
// readings and rejected ones are not problems by themselves.
//
// Every part is asked by itself and within a bounded time: a part that does not
// answer is a problem, and the others are shown all the same.
package status

import (
	"context"
	"fmt"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// Settings say whom to ask.
type Settings struct {
	Kafka  kafka.Config
	Store  textrow.Store
	System *system.System // nil: the parts run elsewhere
	// Process and Sink are where these serve their status, as host:port.
	Process, Sink string
	// ProcessGroup and SinkGroup assign the tasks; empty: it is not asked who has
	// them.
	ProcessGroup, SinkGroup string
	DiskFloor               int64 // free bytes below which there is a problem
	Config                  Config
	Clock                   func() time.Time // nil: the system's
	// Patience is how long a task that a group has given away may be one that no
	// process works on, before that is a problem; 0: half of askTimeout.
	Patience time.Duration
}

// group is who shares the tasks of one side.
type group struct {
	who, name, topic string
	addr             string // of the process that is asked
}

func (s *Settings) groups() [2]group {
	return [2]group{
		{"processor", s.ProcessGroup, record.Samples, s.Process},
		{"sink", s.SinkGroup, record.Facts, s.Sink},
	}
}

// Report is how a system is.
type Report struct {
	Healthy    bool                    `json:"healthy"`
	Problems   []string                `json:"problems"`
	Processes  []supervise.ChildStatus `json:"processes"`
	Processing Processing              `json:"processing"`
	Tasks      []Task                  `json:"tasks"`
	Disk       *Disk                   `json:"disk,omitempty"`
	Topics     []Topic                 `json:"topics"`

	stopped bool // nothing runs: there is nobody to ask
}

// Processing is what the ledger says of all steps together.
type Processing struct {
	Steps      uint64           `json:"steps"`
	Rows       uint64           `json:"rows"`
	Readings   uint64           `json:"readings"`
	Duplicates uint64           `json:"duplicates"`
	Late       int64            `json:"late"`
	Rejected   map[string]int64 `json:"rejected"` // by the processor
	// Noted is what was taken and is worth knowing.
	Noted map[string]int64 `json:"noted"`
	// RefusedRows is what replays have refused of their directories, as far as
	// the dead letters are kept.
	RefusedRows map[string]int64 `json:"refused_rows"`
	// Warnings is what replays have warned of, likewise.
	Warnings map[string]int64 `json:"warnings"`
	// Qualified is what stands in facts under a reservation.
	Qualified          Qualified `json:"qualified"`
	RejectedJoules     string    `json:"rejected_j"`
	UnplacedJoules     string    `json:"unplaced_j"`
	InconsistentJoules string    `json:"inconsistent_j"`
	// Residuals of conservation, as sums of their absolute values: steps cannot
	// make up for each other.
	ResidualEnergy int64      `json:"residual_energy_uj"`
	ResidualMoney  int64      `json:"residual_nano"`
	ResidualTime   int64      `json:"residual_ns"`
	Watermark      *time.Time `json:"watermark"` // the largest of all nodes
	LastRecorded   *time.Time `json:"last_recorded_at"`
	RefusedParts   uint64     `json:"refused_parts"`
}

// Qualified are sums over all facts, as decimals: device time that is held in
// conflict, beyond what there is, or without a price, and facility energy whose
// PUE, or market-based factor, had to be assumed. docs/formats/tables.md says
// what each column means.
type Qualified struct {
	ConflictSeconds       string `json:"conflict_seconds"`
	OversubscribedSeconds string `json:"oversubscribed_seconds"`
	UnpricedSeconds       string `json:"unpriced_seconds"`
	AssumedPUEJoules      string `json:"assumed_pue_j"`
	AssumedMarketJoules   string `json:"assumed_market_j"`
}

// Task is how far a task is.
type Task struct {
	Task      int32      `json:"task"`
	Epoch     uint64     `json:"epoch"`
	Step      uint64     `json:"step"`
	State     string     `json:"state,omitempty"`
	Error     string     `json:"error,omitempty"`
	Watermark *time.Time `json:"watermark"`
	Lag       int64      `json:"lag"` // records of samples
	// LagSince is the time of the oldest of them.
	LagSince  *time.Time `json:"lag_since,omitempty"`
	SinkStep  uint64     `json:"sink_step"`
	SinkState string     `json:"sink_state,omitempty"`
	SinkError string     `json:"sink_error,omitempty"`
	SinkLag   int64      `json:"sink_lag"` // records of the commit log
	// SinkLagSince is the time of the oldest of them.
	SinkLagSince *time.Time `json:"sink_lag_since,omitempty"`

	processed, sunk           bool  // the processor, the sink that was asked works on it
	samplesOffset, sinkOffset int64 // next to be used
}

// Disk is what a data folder takes and what is left, in bytes.
type Disk struct {
	Dir        string `json:"dir"`
	Kafka      int64  `json:"kafka_bytes"`
	Clickhouse int64  `json:"clickhouse_bytes"`
	Log        int64  `json:"log_bytes"`
	Free       int64  `json:"free_bytes"` // where least is free, if parts of the folder lie on disks of their own
	Floor      int64  `json:"floor_bytes"`
}

// Topic is what a topic holds.
type Topic struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	Records    int64  `json:"records"`
	Bytes      int64  `json:"bytes"` // -1: the broker does not say
}

// askTimeout bounds each part.
const askTimeout = 10 * time.Second

// Collect asks everybody.
func Collect(ctx context.Context, s Settings) *Report {
	r := &Report{Problems: []string{}, Processes: []supervise.ChildStatus{}, Tasks: []Task{}, Topics: []Topic{}}
	r.Processing.Rejected, r.Processing.Noted, r.Processing.RefusedRows = map[string]int64{}, map[string]int64{}, map[string]int64{}
	r.Processing.Warnings = map[string]int64{}
	if s.Clock == nil {
		s.Clock = time.Now
	}
	if s.Patience == 0 {
		s.Patience = patience
	}
	if s.System != nil {
		r.supervised(ctx, s)
		r.disk(s)
	}
	if r.stopped {
		return r // nobody would answer
	}
	for _, part := range []struct {
		name string
		ask  func(context.Context, Settings) error
	}{
		{"store", r.processing}, {"processor", r.processor}, {"sink", r.sink}, {"kafka", r.topics}, {"dead letters", r.letters}, {"lag", r.lags}, {"groups", r.owners}, {"groups", r.idle},
	} {
		bounded, cancel := context.WithTimeout(ctx, askTimeout)
		if err := part.ask(bounded, s); err != nil {
			r.problem("%s: %v", part.name, err)
		}
		cancel()
	}
	r.Healthy = len(r.Problems) == 0
	return r
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// task returns the entry of a task, which it adds in the order of numbers.
func (r *Report) task(number int32) *Task {
	at := 0
	for at < len(r.Tasks) && r.Tasks[at].Task < number {
		at++
	}
	if at == len(r.Tasks) || r.Tasks[at].Task != number {
		r.Tasks = append(r.Tasks, Task{})
		copy(r.Tasks[at+1:], r.Tasks[at:])
		r.Tasks[at] = Task{Task: number}
	}
	return &r.Tasks[at]
}
