package conformance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// vectorStart is a window edge; vectors write their times as seconds from it.
var vectorStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// script is a directory in short hand, one event a line:
//
//	dev ID KIND [MODEL [PARENT]]      a row of the inventory; the wall is there
//	DEVICE METRIC SECONDS VALUE [SECONDS VALUE ...]   readings; - is the node
//	hold ID DEVICES MODE SHARE START END [CORES BYTES]   workload = ID; - is empty
//	rate KIND KEY VALUE UNIT FROM TO                  - is empty
//	place CLUSTER ZONE REGION INSTANCE_TYPE           of the node
//
// power, energy and the other names of shortMetrics stand for their metrics.
type script string

var shortMetrics = map[string]string{
	"power": "power_watts", "energy": "energy_joules_total", "temp": "temperature_celsius", "limit": "power_limit_watts",
	"sm": "sm_active_ratio", "gr": "gr_engine_active_ratio", "util": "gpu_util_ratio",
	"xid": "xid_errors_total", "throttle": "throttle_seconds_total", "cpu": "cpu_seconds_total", "memory": "memory_used_bytes",
	"in": "tokens_input_total", "out": "tokens_output_total", "requests": "requests_total",
}

func dash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// vectorTime turns seconds, decimals allowed, into RFC 3339.
func vectorTime(s string) string {
	if s == "-" {
		return ""
	}
	d, err := time.ParseDuration(s + "s")
	if err != nil {
		panic(err)
	}
	return vectorStart.Add(d).Format(time.RFC3339Nano)
}

func (s script) directory() directory {
	wall := row{"node": "n", "device": "", "kind": "wall"}
	d := directory{inventory: []row{wall}}
	for _, line := range strings.Split(string(s), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		for len(f) < 9 {
			f = append(f, "-")
		}
		switch f[0] {
		case "dev":
			d.inventory = append(d.inventory, row{"node": "n", "device": f[1], "kind": f[2], "model": dash(f[3]), "parent": dash(f[4])})
		case "place":
			wall["cluster"], wall["zone"], wall["region"], wall["instance_type"] = dash(f[1]), dash(f[2]), dash(f[3]), dash(f[4])
		case "hold":
			d.placements = append(d.placements, row{
				"id": f[1], "workload": f[1], "node": "n", "devices": dash(f[2]), "mode": f[3], "share": dash(f[4]),
				"start": vectorTime(f[5]), "end": vectorTime(f[6]), "cpu_request_cores": dash(f[7]), "memory_request_bytes": dash(f[8]),
			})
		case "rate":
			d.rates = append(d.rates, row{
				"kind": f[1], "key": dash(f[2]), "value": f[3], "unit": f[4], "valid_from": vectorTime(f[5]), "valid_to": vectorTime(f[6]),
			})
		default:
			for i := 2; i+1 < len(f) && f[i] != "-"; i += 2 {
				d.samples = append(d.samples, row{
					"time": vectorTime(f[i]), "node": "n", "device": dash(f[0]), "metric": shortMetrics[f[1]], "value": f[i+1],
				})
			}
		}
	}
	return d
}

// vector is one case: what a report says of one key, in the columns named.
type vector struct {
	name   string
	script script
	by     string // default device
	key    string // first (or, for device, second) column
	to     int    // report windows before this second; 0: all
	want   string // "column=value column=value"; several rows of the key: joined by |
}

func (v vector) run(t *testing.T) {
	t.Helper()
	if v.by == "" {
		v.by = "device"
	}
	var to time.Time
	if v.to > 0 {
		to = vectorStart.Add(time.Duration(v.to) * time.Second)
	}
	header := reportHeader(v.by)
	at := 0
	if v.by == "device" {
		at = 1
	}
	var got []string
	wants := strings.Split(v.want, "|")
	for _, r := range plainReport(v.script.directory(), v.by, time.Time{}, to) {
		if r.Columns[at] != v.key {
			continue
		}
		want := wants[min(len(got), len(wants)-1)]
		var cells []string
		for _, pair := range strings.Fields(want) {
			column, _, _ := strings.Cut(pair, "=")
			cells = append(cells, column+"="+cell(header, r, column))
		}
		got = append(got, strings.Join(cells, " "))
	}
	for i := range wants {
		wants[i] = strings.Join(strings.Fields(wants[i]), " ")
	}
	if v.want == "none" {
		wants = nil
	}
	if diff := cmp.Diff(got, wants); diff != "" {
		t.Errorf("got before want (-got +want):\n%s", diff)
	}
}

func cell(header []string, r reportRow, column string) string {
	for i, h := range header {
		if h == column {
			return r.Columns[i]
		}
	}
	return fmt.Sprintf("no column %s", column)
}

func runVectors(t *testing.T, vectors []vector) {
	t.Helper()
	for _, v := range vectors {
		t.Run(strings.ReplaceAll(v.name, " ", "-"), v.run)
	}
}

var zeroTime time.Time

func durationOf(ns int64) time.Duration { return time.Duration(ns) }

func timeOf(ns int64) time.Time { return time.Unix(0, ns).UTC() }
