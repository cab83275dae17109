package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// script is a run of one testdata file.
type script struct {
	t             *testing.T
	cfg           engine.Config
	engine        *engine.Engine
	archive       attic
	columns       []string // that want shows; none: all but the counts of intervals
	samplesHeader []string
	revision      uint64
	takenIn       int64
	pending       []telemetry.Reading // of the record that is being gathered
	node          string
	step          int
	out           strings.Builder
}

// steps runs the lines of the steps section.
func (s *script) steps(text string) {
	s.takenIn = telemetry.MaxTime
	for _, line := range strings.Split(expand(text), "\n") {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch {
		case len(words) > 0 && words[0] == "#":
		case strings.Count(line, ",") == len(s.samplesHeader)-1:
			s.sample(strings.Split(line, ","))
		default:
			s.flush()
			if len(words) > 0 {
				s.command(words)
			}
		}
	}
	s.flush()
	s.endStep()
}

// sample adds a reading to the record that is being gathered.
func (s *script) sample(cells []string) {
	row := map[string]string{}
	for i, name := range s.samplesHeader {
		row[name] = cells[i]
	}
	if row["node"] != s.node {
		s.flush()
	}
	s.node = row["node"]
	s.pending = append(s.pending, s.reading(row))
}

// flush applies the record that was gathered.
func (s *script) flush() {
	if len(s.pending) > 0 {
		s.engine.ApplySamples(batchOf(s.node, s.takenIn, s.pending))
		s.pending = nil
	}
}

// batchOf packs readings, each series by itself, in their order.
func batchOf(node string, takenIn int64, readings []telemetry.Reading) *record.SampleBatch {
	b := &record.SampleBatch{Node: node, TakenIn: takenIn}
	type series struct {
		device string
		metric telemetry.Metric
	}
	index := map[series]int{}
	var values [][]int64
	for _, r := range readings {
		key := series{r.Device, r.Metric}
		i, ok := index[key]
		if !ok {
			i = len(b.Series)
			index[key] = i
			b.Axes, values = append(b.Axes, nil), append(values, nil)
			b.Series = append(b.Series, record.SeriesColumn{Device: r.Device, Metric: r.Metric, Axis: i})
		}
		b.Axes[i] = append(b.Axes[i], r.Time)
		values[i] = append(values[i], r.Value)
	}
	for i := range values {
		b.Series[i].Values = record.ColumnOf(values[i]...)
	}
	return b
}

func (s *script) command(words []string) {
	row := map[string]string{}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		row[name] = value
	}
	switch words[0] {
	case "--":
		s.endStep()
	case "seal":
		s.engine.ApplySeal(record.Seal{Node: words[1]})
	case "restart":
		s.archive.evict(s.engine, 500, 0)
		s.engine = restored(s.t, s.cfg, snapshot(s.t, s.engine))
		s.engine.UseArchive(&s.archive)
	case "taken-in":
		s.takenIn = s.time(words[1], 0)
	case "device":
		s.event("inventory", row)
	case "placement":
		s.event("placements", row)
	case "rate":
		s.event("rates", row)
	default:
		s.t.Fatalf("unknown command %q", words[0])
	}
}

// endStep ends a step and writes what it gave; a step that gave nothing is
// not mentioned.
func (s *script) endStep() {
	s.step++
	r := s.engine.EndStep()
	if r.ResidualEnergy != 0 || r.ResidualMoney != 0 || r.ResidualTime != 0 {
		s.t.Errorf("step %d: residuals %d, %d, %d", s.step, r.ResidualEnergy, r.ResidualMoney, r.ResidualTime)
	}
	var b strings.Builder
	engine.SortRows(r.Rows)
	for i := range r.Rows {
		s.row(&b, &r.Rows[i])
	}
	var counts []string
	for reason := telemetry.Accepted + 1; reason < telemetry.NumReasons; reason++ {
		if n := r.Counts[reason]; n != 0 {
			counts = append(counts, fmt.Sprintf("%s=%d", reason, n))
		}
	}
	if r.Duplicates != 0 {
		counts = append(counts, fmt.Sprintf("duplicates=%d", r.Duplicates))
	}
	for _, e := range []struct {
		name string
		v    int64
	}{{"rejected_j", r.RejectedEnergy}, {"unplaced_j", r.UnplacedEnergy}, {"inconsistent_j", r.InconsistentEnergy}} {
		if e.v != 0 {
			counts = append(counts, e.name+"="+amount(e.v, 6))
		}
	}
	if len(counts) > 0 {
		fmt.Fprintf(&b, "counts %s\n", strings.Join(counts, " "))
	}
	if b.Len() > 0 {
		fmt.Fprintf(&s.out, "step %d\n%s", s.step, b.String())
	}
}

func (s *script) row(b *strings.Builder, r *fact.Row) {
	dash := func(text string) string {
		if text == "" {
			return "-"
		}
		return text
	}
	line, sums := fmt.Sprintf("@%d %s %s %s %s %s", (r.WindowStart-scriptStart)/1_000_000_000, r.Node, dash(r.Device), dash(r.Placement), dash(r.State), r.Reason), ""
	if r.Currency != "" {
		line += " " + r.Currency
	}
	for i, c := range fact.Columns {
		shown := slices.Contains(s.columns, c.Name)
		if len(s.columns) == 0 {
			shown = c.Scale > 0
		}
		if v := r.Sums[i]; v != 0 && shown {
			sums += fmt.Sprintf(" %s=%s", c.Name, amount(v, c.Scale))
		}
	}
	if sums != "" || len(s.columns) == 0 {
		b.WriteString(line + sums + "\n")
	}
}

// snapshot returns an engine's state as chunks.
func snapshot(t testing.TB, e *engine.Engine) [][]byte {
	t.Helper()
	var chunks [][]byte
	if err := e.Snapshot(512, func(b []byte) error { chunks = append(chunks, slices.Clone(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	return chunks
}

func restored(t testing.TB, cfg engine.Config, chunks [][]byte) *engine.Engine {
	t.Helper()
	e, err := engine.Restore(cfg, chunkReader(chunks))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func chunkReader(chunks [][]byte) func() ([]byte, error) {
	return func() ([]byte, error) {
		if len(chunks) == 0 {
			return nil, nil
		}
		chunk := chunks[0]
		chunks = chunks[1:]
		return chunk, nil
	}
}
