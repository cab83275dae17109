package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/sink"
	"github.com/ntegral/ntegral/services/internal/supervise"
	"github.com/ntegral/ntegral/services/internal/system"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// supervised reads what the supervisor says of its processes.
func (r *Report) supervised(ctx context.Context, s Settings) {
	st, err := supervise.Find(ctx, *s.System)
	r.Processes = append(r.Processes, st.Children...)
	if stopped, ok := errors.AsType[*supervise.NotRunningError](err); ok {
		r.stopped = true
		r.problem("%v", stopped)
		return
	}
	if err != nil {
		r.problem("supervisor: %v", err)
	}
	for _, c := range st.Children {
		if c.State != supervise.StateReady {
			text := fmt.Sprintf("process %s is %s", c.Name, c.State)
			if c.LastError != "" {
				text += ": " + c.LastError
			}
			r.problem("%s", text)
		}
	}
}

func (r *Report) disk(s Settings) {
	d := &Disk{Dir: string(s.System.Folder), Floor: s.DiskFloor}
	var errs []error
	for _, use := range []struct {
		dir  string
		into *int64
	}{{s.System.Folder.Kafka(), &d.Kafka}, {s.System.Folder.Clickhouse(), &d.Clickhouse}, {s.System.Folder.Log(), &d.Log}} {
		n, err := system.DiskUse(use.dir)
		*use.into = n
		errs = append(errs, err)
	}
	disks, err := s.System.Disks()
	if err := errors.Join(append(errs, err)...); err != nil {
		r.problem("disk: %v", err)
	}
	for i, disk := range disks {
		if i == 0 || disk.Free < d.Free {
			d.Free = disk.Free
		}
		if disk.Free < s.DiskFloor {
			r.problem("disk: %d MiB free in %s, the floor is %d MiB", disk.Free>>20, disk.Dir, s.DiskFloor>>20)
		}
	}
	r.Disk = d
}

const processingQuery = `SELECT count(), sum(rows), sum(readings), sum(duplicates), toJSONString(sumMap(counts)),
	sum(rejected_j), sum(unplaced_j), sum(inconsistent_j),
	sum(abs(residual_energy_uj)), sum(abs(residual_nano)), sum(abs(residual_ns)),
	toUnixTimestamp64Nano(max(watermark)), toUnixTimestamp64Milli(max(recorded_at)), sum(length(refused_parts)),
	sum(conflict_seconds), sum(oversubscribed_seconds), sum(unpriced_seconds), sum(assumed_pue_j), sum(assumed_market_j)
FROM ledger`

// processing sums up the ledger.
func (r *Report) processing(ctx context.Context, s Settings) error {
	row, err := textrow.One(ctx, s.Store, processingQuery)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	p := &r.Processing
	var errs []error
	for i, into := range map[int]*uint64{0: &p.Steps, 1: &p.Rows, 2: &p.Readings, 3: &p.Duplicates, 13: &p.RefusedParts} {
		*into, err = strconv.ParseUint(row[i], 10, 64)
		errs = append(errs, err)
	}
	for i, into := range map[int]*int64{8: &p.ResidualEnergy, 9: &p.ResidualMoney, 10: &p.ResidualTime} {
		*into, err = strconv.ParseInt(row[i], 10, 64)
		errs = append(errs, err)
	}
	p.RejectedJoules, p.UnplacedJoules, p.InconsistentJoules = row[5], row[6], row[7]
	q := &p.Qualified
	q.ConflictSeconds, q.OversubscribedSeconds, q.UnpricedSeconds, q.AssumedPUEJoules, q.AssumedMarketJoules = row[14], row[15], row[16], row[17], row[18]
	errs = append(errs, p.counts(row[4]))
	p.Watermark, err = moment(row[11], time.Nanosecond)
	errs = append(errs, err)
	p.LastRecorded, err = moment(row[12], time.Millisecond)
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if p.ResidualEnergy != 0 || p.ResidualMoney != 0 || p.ResidualTime != 0 {
		r.problem("conservation: residual of %d uJ, %d nano-units, %d ns", p.ResidualEnergy, p.ResidualMoney, p.ResidualTime)
	}
	if p.RefusedParts > 0 {
		r.problem("store: %d parts could not be read; see the dead letters", p.RefusedParts)
	}
	return nil
}

// noted tells the reasons of what counts all the same.
func noted(name string) bool {
	for reason := range telemetry.NumReasons {
		if reason.String() == name {
			return reason.Noted()
		}
	}
	return false
}

// counts takes the ledger's events by reason; the store writes 64-bit numbers
// of JSON as strings or as numbers, by its settings.
func (p *Processing) counts(text string) error {
	var byReason map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &byReason); err != nil {
		return err
	}
	for reason, raw := range byReason {
		n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
		switch {
		case err != nil:
			return err
		case reason == telemetry.Late.String():
			p.Late = n
		case n != 0 && noted(reason):
			p.Noted[reason] = n
		case reason != telemetry.Accepted.String() && n != 0:
			p.Rejected[reason] = n
		}
	}
	return nil
}

func moment(text string, unit time.Duration) (*time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return nil, err
	}
	t := time.Unix(0, n*int64(unit)).UTC()
	return &t, nil
}

// processor asks the processor's own status.
func (r *Report) processor(ctx context.Context, s Settings) error {
	var st struct {
		Tasks []struct {
			Task      int32      `json:"task"`
			State     string     `json:"state"`
			Error     string     `json:"error"`
			Epoch     uint64     `json:"epoch"`
			Step      uint64     `json:"step"`
			Watermark *time.Time `json:"watermark"`
			Lag       int64      `json:"lag"`
			Inputs    struct {
				Samples int64 `json:"samples"`
			} `json:"inputs"`
			ResidualEnergy int64 `json:"residual_energy_uj"`
			ResidualMoney  int64 `json:"residual_nano"`
			ResidualTime   int64 `json:"residual_ns"`
		} `json:"tasks"`
	}
	if err := fetch(ctx, s.Process, &st); err != nil {
		return err
	}
	told := false
	for _, t := range st.Tasks {
		task := r.task(t.Task)
		task.State, task.Error, task.Epoch, task.Step, task.Watermark, task.Lag = t.State, t.Error, t.Epoch, t.Step, t.Watermark, t.Lag
		task.processed, task.samplesOffset = true, t.Inputs.Samples
		if t.Error != "" {
			told = true
			r.problem("processor: task %d is %s: %s", t.Task, t.State, t.Error)
		}
		if t.ResidualEnergy != 0 || t.ResidualMoney != 0 || t.ResidualTime != 0 {
			r.problem("conservation: task %d has a residual of %d uJ, %d nano-units, %d ns", t.Task, t.ResidualEnergy, t.ResidualMoney, t.ResidualTime)
		}
	}
	if err := health(ctx, s.Process); err != nil && !told {
		return err
	}
	return nil
}

func (r *Report) sink(ctx context.Context, s Settings) error {
	var st sink.Status
	if err := fetch(ctx, s.Sink, &st); err != nil {
		return err
	}
	told := false
	for _, t := range st.Tasks {
		task := r.task(t.Task)
		task.SinkStep, task.SinkState, task.SinkError, task.SinkLag = t.Step, string(t.State), t.Error, t.Lag
		task.sunk, task.sinkOffset = true, t.Offset
		if t.State == sink.StateBlocked {
			told = true
			r.problem("sink: task %d is blocked since %s and needs an operator: %s", t.Task, t.Since, t.Error)
		}
	}
	if err := health(ctx, s.Sink); err != nil && !told {
		return err
	}
	return nil
}

// maxStatus bounds an answer.
const maxStatus = 16 << 20

func fetch(ctx context.Context, addr string, into any) error {
	code, body, err := get(ctx, addr, "/status")
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("ask %s: status %d", addr, code)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	return nil
}

func health(ctx context.Context, addr string) error {
	code, body, err := get(ctx, addr, "/healthz")
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return errors.New(strings.TrimSpace(string(body)))
	}
	return nil
}

func get(ctx context.Context, addr, path string) (int, []byte, error) {
	if addr == "" {
		return 0, nil, errors.New("no address configured")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", addr, err)
	}
	req.Close = true // one question; an idle connection would outlive it
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxStatus))
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", addr, err)
	}
	return res.StatusCode, body, nil
}

// topics asks Kafka what the product's topics hold.
func (r *Report) topics(ctx context.Context, s Settings) error {
	client, err := kafka.NewClient(s.Kafka, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	var names []string
	for _, t := range record.Topics() {
		names = append(names, t.Name)
	}
	listed, err := kadm.NewClient(client).ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var there []string
	for _, t := range listed.Sorted() {
		if t.Err == nil {
			there = append(there, t.Topic)
		}
	}
	if len(there) == 0 {
		return errors.New("the product's topics do not exist")
	}
	starts, err := kafka.StartOffsets(ctx, client, there...)
	if err != nil {
		return err
	}
	ends, err := kafka.EndOffsets(ctx, client, there...)
	if err != nil {
		return err
	}
	sizes := sizes(ctx, kadm.NewClient(client))
	for _, name := range there {
		t := Topic{Name: name, Partitions: len(ends[name]), Bytes: -1}
		for p, end := range ends[name] {
			t.Records += end - starts[name][p]
		}
		if n, ok := sizes[name]; ok {
			t.Bytes = n
		}
		r.Topics = append(r.Topics, t)
	}
	return nil
}

// sizes returns the bytes of each topic, or nothing where the broker does not
// tell: that is worth a gap in a table, not a problem.
func sizes(ctx context.Context, admin *kadm.Client) map[string]int64 {
	all, err := admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil
	}
	bytes := map[string]int64{}
	all.Each(func(d kadm.DescribedLogDir) {
		d.Topics.Each(func(p kadm.DescribedLogDirPartition) { bytes[p.Topic] += p.Size })
	})
	return bytes
}
