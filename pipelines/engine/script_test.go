package engine_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/telemetry"
	"github.com/ntegral/ntegral/schemas/unit"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata/*.txtar; refused where CI is set")

// scriptStart is a window edge; scripts write times as @seconds from it.
var scriptStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// TestScripts runs testdata/*.txtar; testdata/README.md says how they read.
func TestScripts(t *testing.T) {
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update is refused where CI is set")
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, archive: attic{t: t}, cfg: engine.DefaultConfig(), samplesHeader: []string{"time", "node", "device", "metric", "value"}}
	s.engine = engine.New(s.cfg)
	var steps, want string
	wantAt := -1
	for i, f := range archive.Files {
		text := string(f.Data)
		switch f.Name {
		case "inventory.csv", "rates.csv", "placements.csv":
			for _, row := range s.table(text) {
				s.event(strings.TrimSuffix(f.Name, ".csv"), row)
			}
		case "config":
			s.configure(text)
		case "columns":
			s.columns = strings.Fields(text)
		case "steps":
			steps = text
		case "want":
			want, wantAt = text, i
		default:
			t.Fatalf("%s: unknown section %q", file, f.Name)
		}
	}
	if wantAt < 0 {
		t.Fatalf("%s: no want section", file)
	}
	s.steps(steps)
	got := s.out.String()
	if *update && got != want {
		archive.Files[wantAt].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(got, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("%s: got before want (-got +want):\n%s", file, diff)
	}
}

// configure sets durations of the engine's configuration, before the first event.
func (s *script) configure(text string) {
	for _, pair := range strings.Fields(text) {
		name, value, _ := strings.Cut(pair, "=")
		d, err := time.ParseDuration(value)
		field := map[string]*time.Duration{
			"max_gap": &s.cfg.MaxGap, "max_silence": &s.cfg.MaxSilence, "hold": &s.cfg.Hold, "horizon": &s.cfg.Horizon, "idle_after": &s.cfg.IdleAfter,
		}[name]
		if err != nil || field == nil {
			s.t.Fatalf("config %q: %v", pair, err)
		}
		*field = d
	}
	if err := s.cfg.Validate(); err != nil {
		s.t.Fatal(err)
	}
	s.engine = engine.New(s.cfg)
}

var scriptTime = regexp.MustCompile(`@(-?[0-9.]+)`)

// expand writes @seconds as RFC 3339.
func expand(line string) string {
	return scriptTime.ReplaceAllStringFunc(line, func(m string) string {
		d, err := time.ParseDuration(m[1:] + "s")
		if err != nil {
			return m
		}
		return time.Unix(0, scriptStart+d.Nanoseconds()).UTC().Format(time.RFC3339Nano)
	})
}

// table reads CSV; columns of the format that the header leaves out are empty.
func (s *script) table(text string) []map[string]string {
	lines, err := csv.NewReader(strings.NewReader(expand(text))).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	var rows []map[string]string
	for i := 1; i < len(lines); i++ {
		row := map[string]string{}
		for k, name := range lines[0] {
			row[name] = lines[i][k]
		}
		rows = append(rows, row)
	}
	return rows
}

// event applies a row of the inventory, the rates or the placements.
func (s *script) event(kind string, row map[string]string) {
	s.revision++
	switch kind {
	case "inventory":
		s.engine.ApplyDevice(&telemetry.Device{
			Node: row["node"], ID: row["device"], Kind: telemetry.ParseKind(row["kind"]), Model: row["model"], Parent: row["parent"],
			Region: row["region"], Zone: row["zone"], InstanceType: row["instance_type"], Cluster: row["cluster"],
		})
	case "rates":
		r := telemetry.Rate{
			Kind: telemetry.ParseRateKind(row["kind"]), Key: row["key"],
			From: s.time(row["valid_from"], telemetry.MinTime), To: s.time(row["valid_to"], telemetry.MaxTime),
		}
		var err error
		if r.Value, r.Currency, err = telemetry.ParseRateValue(r.Kind, row["value"], row["unit"]); err != nil {
			s.t.Fatal(err)
		}
		s.engine.ApplyRate(&r)
	case "placements":
		p := telemetry.Placement{
			ID: row["id"], Node: row["node"], Workload: row["workload"], Team: row["team"], Manager: telemetry.ParseManager(row["manager"]),
			Mode: telemetry.ParseMode(row["mode"]), Share: row["share"], Start: s.time(row["start"], 0), End: s.time(row["end"], telemetry.MaxTime),
			Devices: strings.FieldsFunc(row["devices"], func(r rune) bool { return r == ';' }), Revision: s.revision,
		}
		p.CPURequest, p.MemoryRequest = 1000*s.number(row["cpu_request_cores"]), s.number(row["memory_request_bytes"])
		if text, ok := row["revision"]; ok {
			p.Revision, _ = strconv.ParseUint(text, 10, 64)
		}
		s.engine.ApplyPlacement(&p)
	}
}

func (s *script) number(text string) uint64 {
	if text == "" {
		return 0
	}
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *script) time(text string, unset int64) int64 {
	if text == "" {
		return unset
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		s.t.Fatal(err)
	}
	return at.UnixNano()
}

// reading reads a cell of samples without judging it: that is the engine's.
func (s *script) reading(row map[string]string) telemetry.Reading {
	m := telemetry.ParseMetric(row["metric"])
	d, err := unit.ParseDecimal(row["value"])
	if err != nil {
		s.t.Fatalf("value %q: %v", row["value"], err)
	}
	v, err := d.Scaled(m.Scale())
	if err != nil {
		s.t.Fatalf("value %q: %v", row["value"], err)
	}
	return telemetry.Reading{Device: row["device"], Metric: m, Time: s.time(row["time"], 0), Value: v}
}

// amount writes an integer of a scale as a decimal without trailing zeros.
func amount(v int64, scale int) string {
	if scale == 0 {
		return strconv.FormatInt(v, 10)
	}
	var b bytes.Buffer
	u := uint64(v)
	if v < 0 {
		b.WriteByte('-')
		u = -u
	}
	digits := fmt.Sprintf("%0*d", scale+1, u)
	b.WriteString(digits[:len(digits)-scale])
	if f := strings.TrimRight(digits[len(digits)-scale:], "0"); f != "" {
		b.WriteString("." + f)
	}
	return b.String()
}
