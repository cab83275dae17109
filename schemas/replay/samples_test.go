package replay_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

const (
	takenIn = 1_789_480_800_000_000_000 // 2026-09-15T14:00:00Z
	header  = "time,node,device,metric,value\n"
)

func testEstate() *replay.Estate {
	e := replay.NewEstate()
	for _, d := range []telemetry.Device{
		{Node: "n1", Kind: telemetry.KindWall, Region: "r1", Cluster: "c1", InstanceType: "i8"},
		{Node: "n1", ID: "g0", Kind: telemetry.KindGPU, Model: "H100"},
		{Node: "n1", ID: "g1", Kind: telemetry.KindGPU, Model: "H100"},
		{Node: "n1", ID: "m0", Kind: telemetry.KindMIG, Model: "3g.40gb", Parent: "g1"},
		{Node: "n1", ID: "c0", Kind: telemetry.KindCPU},
		{Node: "n2", Kind: telemetry.KindWall},
		{Node: "a,b", Kind: telemetry.KindWall},
	} {
		e.Put(d)
	}
	return e
}

// readSamples returns the accepted readings and the faults as text.
func readSamples(in io.Reader) (readings, faults []string, rows int64) {
	report := func(f replay.Fault) { faults = append(faults, f.String()) }
	s := replay.NewSamples(replay.Source{File: "samples.csv", Reader: in, Report: report}, testEstate(),
		replay.Bounds{TakenIn: takenIn, MaxSkew: 300_000_000_000})
	for s.Next() {
		if s.Series != nil {
			readings = append(readings, fmt.Sprintf("%d %s %s %s %d", s.Time, s.Series.Node, s.Series.Device, s.Series.Metric, s.Value))
		}
	}
	return readings, faults, s.Rows()
}

func TestSamplesFaults(t *testing.T) {
	for _, tc := range []struct{ name, row, want string }{
		{"unparsable value", "1789477200000,n1,g0,power_watts,12W", `samples.csv:3:33: unparsable: value "12W" of power_watts: want a decimal number such as 612.5`},
		{"empty value", "1789477200000,n1,g0,power_watts,", `samples.csv:3:33: unparsable: value "" of power_watts: want a decimal number such as 612.5`},
		{"NaN", "1789477200000,n1,g0,power_watts,NaN", `samples.csv:3:33: not_finite: value "NaN" of power_watts: want a finite number, or no row where there is no reading`},
		{"infinite", "1789477200000,n1,g0,power_watts,-Inf", `samples.csv:3:33: not_finite: value "-Inf" of power_watts: want a finite number, or no row where there is no reading`},
		{"negative", "1789477200000,n1,g0,power_watts,-1", `samples.csv:3:33: negative: value "-1" of power_watts: want 0 or more`},
		{"sentinel", "1789477200000,n1,g0,energy_joules_total,9223372036854775794", `samples.csv:3:41: sentinel: value "9223372036854775794" of energy_joules_total: a driver's mark for a missing value: want no row where there is no reading`},
		{"power beyond bound", "1789477200000,n1,g0,power_watts,5000.1", `samples.csv:3:33: out_of_range: value "5000.1" of power_watts: want at most 5000.000000 W for a device of kind gpu`},
		{"percent for ratio", "1789477200000,n1,g0,gpu_util_ratio,97", `samples.csv:3:36: out_of_range: value "97" of gpu_util_ratio: want a ratio of at most 1.05; percent are divided by 100`},
		{"unknown metric", "1789477200000,n1,g0,power,1", `samples.csv:3:21: unknown_metric: metric "power": want one of ` + strings.Join(telemetry.MetricNames(), " ")},
		{"unknown node", "1789477200000,n9,g0,power_watts,1", `samples.csv:3:15: unknown_node: node "n9": want a node of the inventory`},
		{"unknown device", "1789477200000,n1,g9,power_watts,1", `samples.csv:3:18: unknown_device: device "g9": want a device that the inventory has for node "n1"`},
		{"activity on unknown device", "1789477200000,n1,g9/p,sm_active_ratio,1", `samples.csv:3:18: unknown_device: device "g9/p": want a device that the inventory has for node "n1"`},
		{"far future", "2026-09-15T14:05:00.000000001Z,n1,g0,power_watts,1", `samples.csv:3:1: in_future: time "2026-09-15T14:05:00.000000001Z": want a time at most 5m0s after now, which is 2026-09-15T14:00:00Z`},
		{"far past", "1999-12-31T23:59:59.999Z,n1,g0,power_watts,1", `samples.csv:3:1: too_old: time "1999-12-31T23:59:59.999Z": want a time after 1999`},
		{"no time", ",n1,g0,power_watts,1", `samples.csv:3:1: unparsable: time "": want RFC 3339 such as 2026-09-15T13:00:00Z, or milliseconds since 1970 such as 1789477200000`},
		{"too few cells", "1789477200000,n1,g0,power_watts", `samples.csv:3: unparsable: 4 cells: want 5, as the header has`},
		{"too many cells", "1789477200000,n1,g0,power_watts,1,2", `samples.csv:3: unparsable: 6 cells: want 5, as the header has`},
		{"NUL byte", "1789477200000,n1,g\x000,power_watts,1", `samples.csv:3:18: unparsable: device "g\x000" has a control character in it: want text`},
		{"invalid UTF-8", "1789477200000,n1\xff,g0,power_watts,1", `samples.csv:3:15: unparsable: node "n1\xff" is not UTF-8: want the file encoded in UTF-8`},
		{"open quote", "1789477200000,n1,\"g0,power_watts,1", `samples.csv:3: unparsable: a quoted cell is not closed, or goes on after its closing quote: want "..." around the whole cell and "" for a quote in it`},
		{"quote inside", "1789477200000,n1,g\"0,power_watts,1", `samples.csv:3: unparsable: a quoted cell is not closed, or goes on after its closing quote: want "..." around the whole cell and "" for a quote in it`},
		{"line of 10 MB", "1789477200000,n1,g0,power_watts," + strings.Repeat("1", 10<<20), `samples.csv:3: too_large: the line is longer than 1048576 bytes: want one row a line`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const before, after = "1789477200000,n1,g0,power_watts,1\n", "1789477201000,n1,g0,power_watts,2\n"
			readings, faults, rows := readSamples(strings.NewReader(header + before + tc.row + "\n" + after))
			if diff := cmp.Diff(faults, []string{tc.want}); diff != "" {
				t.Errorf("faults (-got +want):\n%s", diff)
			}
			want := []string{"1789477200000000000 n1 g0 power_watts 1000000", "1789477201000000000 n1 g0 power_watts 2000000"}
			if diff := cmp.Diff(readings, want); diff != "" {
				t.Errorf("readings around the fault (-got +want):\n%s", diff)
			}
			if rows != 3 {
				t.Errorf("%d rows, want 3", rows)
			}
		})
	}
}

func TestSamplesAccepted(t *testing.T) {
	const power = "1789477200000000000 n1 g0 power_watts 1500000"
	for _, tc := range []struct {
		name, file string
		want       []string
	}{
		{"plain", header + "1789477200000,n1,g0,power_watts,1.5\n", []string{power}},
		{"CRLF", "time,node,device,metric,value\r\n1789477200000,n1,g0,power_watts,1.5\r\n", []string{power}},
		{"byte order mark", "\ufeff" + header + "1789477200000,n1,g0,power_watts,1.5\n", []string{power}},
		{"no final line end", header + "1789477200000,n1,g0,power_watts,1.5", []string{power}},
		{"blank lines", header + "\n\r\n1789477200000,n1,g0,power_watts,1.5\n\n", []string{power}},
		{"header only", header, nil},
		{"quoted cells", header + "\"1789477200000\",\"n1\",\"g0\",power_watts,\"1.5\"\r\n", []string{power}},
		{"quoted, no final line end", header + "1789477200000,n1,g0,power_watts,\"1.5\"", []string{power}},
		{"quoted name", header + "1789477200000,\"a,b\",,power_watts,1.5\n", []string{"1789477200000000000 a,b  power_watts 1500000"}},
		{"other order of columns", "value,time,metric,node,device\n1.5,1789477200000,power_watts,n1,g0\n", []string{power}},
		{"decimals of milliseconds", header + "1789477200000.000001,n1,g0,power_watts,1.5\n", []string{"1789477200000000001 n1 g0 power_watts 1500000"}},
		{"offset", header + "2026-09-15T15:00:00.5+02:00,n1,g0,power_watts,1.5\n", []string{"1789477200500000000 n1 g0 power_watts 1500000"}},
		{"of the node", header + "1789477200000,n1,,power_watts,5001\n", []string{"1789477200000000000 n1  power_watts 5001000000"}},
		{"activity of a placement", header + "1789477200000,n1,g0/ns/pod,sm_active_ratio,1.04\n", []string{"1789477200000000000 n1 g0/ns/pod sm_active_ratio 1000000"}},
		{
			"twice and out of order", header + strings.Repeat("1789477200000,n1,g0,power_watts,1.5\n", 2) + "1789477199000,n1,g0,power_watts,1.5\n",
			[]string{power, power, "1789477199000000000 n1 g0 power_watts 1500000"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(tc.file), iotest.OneByteReader(strings.NewReader(tc.file)), iotest.DataErrReader(strings.NewReader(tc.file))} {
				readings, faults, _ := readSamples(in)
				if len(faults) > 0 {
					t.Errorf("faults %q, want none", faults)
				}
				if diff := cmp.Diff(readings, tc.want); diff != "" {
					t.Errorf("readings (-got +want):\n%s", diff)
				}
			}
		})
	}
}

func TestSamplesFileFaults(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       []string
		readings   int
	}{
		{"empty", "", []string{"samples.csv: unparsable: the file is empty: want a header, time,node,device,metric,value"}, 0},
		{"missing column", "time,node,device,value\n1,n1,g0,1\n", []string{"samples.csv:1: unparsable: no column metric: want time,node,device,metric,value; the file is not used"}, 0},
		{"unknown column", "time,node,device,metric,value,note\n1789477200000,n1,g0,power_watts,1,x\n", []string{`samples.csv:1:31: unparsable: unknown column "note": want time,node,device,metric,value; its cells are not used`}, 1},
		{"column twice", "time,node,device,metric,value,time\n1789477200000,n1,g0,power_watts,1,2\n", []string{`samples.csv:1:31: unparsable: column "time" is there twice: the first one counts`}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			readings, faults, _ := readSamples(strings.NewReader(tc.file))
			if diff := cmp.Diff(faults, tc.want); diff != "" {
				t.Errorf("faults (-got +want):\n%s", diff)
			}
			if got := len(readings); got != tc.readings {
				t.Errorf("%d readings, want %d", got, tc.readings)
			}
		})
	}
}

// A last line that a read error cuts off is not used: 12 may have been 1234.
func TestSamplesTorn(t *testing.T) {
	for _, last := range []string{"1789477201000,n1,g0,power_watts,12", "1789477201000,n1,g0,power_watts,\"12\"", "1789477201000,\"n1"} {
		torn := io.MultiReader(strings.NewReader(header+"1789477200000,n1,g0,power_watts,1.5\n"+last), iotest.ErrReader(errors.New("unexpected EOF")))
		readings, faults, _ := readSamples(torn)
		if got, want := len(readings), 1; got != want {
			t.Errorf("%q: %d readings, want %d", last, got, want)
		}
		want := "samples.csv:3: unparsable: the file cannot be read further (unexpected EOF): what stands before counts; want a whole file"
		if n := len(faults); n == 0 || faults[n-1] != want && !strings.HasPrefix(faults[n-1], "samples.csv:4: unparsable: the file cannot be read further") {
			t.Errorf("%q: faults %q, want %q at the end", last, faults, want)
		}
	}
}

// Only the first faults of a reason carry a message, all are reported.
func TestSamplesManyFaults(t *testing.T) {
	_, faults, rows := readSamples(strings.NewReader(header + strings.Repeat("1789477200000,n1,g0,power_watts,-1\n", 1500)))
	if len(faults) != 1500 || rows != 1500 {
		t.Errorf("%d faults of %d rows, want 1500 of 1500", len(faults), rows)
	}
	if got, want := faults[1499], "samples.csv:1501: negative: "; got != want {
		t.Errorf("last fault %q, want %q", got, want)
	}
}

func FuzzSamples(f *testing.F) {
	f.Add([]byte("1789477200000,n1,g0,power_watts,1.5\n2026-09-15T15:00:00Z,n1,\"g0\",gpu_util_ratio,\"0.5\"\r\n"))
	f.Add([]byte("\"\"\"\n,,,,\n\xff\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		readings, _, rows := readSamples(strings.NewReader(header + string(body)))
		again, _, rowsAgain := readSamples(iotest.HalfReader(strings.NewReader(header + string(body))))
		if diff := cmp.Diff(readings, again); diff != "" || rows != rowsAgain {
			t.Errorf("another cut of the input gave other readings (%d and %d rows):\n%s", rows, rowsAgain, diff)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-09-15T13:00:00.123456789+05:30")
	f.Add("1789477200000.5")
	f.Add("2023-09-15T13:00:00.123456789+05:60")
	f.Add("2023-09-15T13:00:00-24:00")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := replay.ParseTime([]byte(text))
		want, err := parseTimePlainly(text)
		if ok != (err == nil) || ok && got != want {
			t.Errorf("ParseTime(%q) = %d, %t, want %d, %v", text, got, ok, want, err)
		}
	})
}
