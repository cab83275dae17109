package demo

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

func TestPrintHours(t *testing.T) {
	states := [][]string{{"active", "60.5", "30.25", "101"}, {"unallocated", "32", "2.4", null}, {"", "0", "1.1", null}}
	var out bytes.Buffer
	if err := printHours(&out, states); err != nil {
		t.Fatal(err)
	}
	want := `             state  device-h     kWh  cost USD
            active     60.50  30.250    101.00
       unallocated     32.00   2.400         -
  (no accelerator)      0.00   1.100         -
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("hours (-want +got):\n%s", d)
	}
	if !toldApart(states) {
		t.Error("states are not told apart")
	}
	old := [][]string{{"", "128", "50", "300"}}
	out.Reset()
	if err := printHours(&out, old); err != nil || !bytes.Contains(out.Bytes(), []byte("(not told apart)")) || toldApart(old) {
		t.Errorf("facts without states: %v, told apart %v:\n%s", err, toldApart(old), out.String())
	}
	if err := printHours(&out, [][]string{{"active", "x", "1", "1"}}); err == nil {
		t.Error("a figure that is no number is printed")
	}
}

func TestCompareWork(t *testing.T) {
	truth := estate.Truth{Workloads: []estate.Figures{
		{Workload: "", IdleHours: 30},
		{Workload: "chat", IdleHours: 0.02, Requests: 1000, InputTokens: 90_000, OutputTokens: 28_000},
	}}
	for _, c := range []struct {
		name         string
		idle, served [][]string
		want         []string
	}{
		{"as planted", [][]string{{"", "30.1"}}, [][]string{{"", "0", "0", "0"}, {"chat", "1003", "90003", "27997"}}, nil},
		{"hours lost", [][]string{{"", "29"}}, [][]string{{"chat", "1000", "90000", "28000"}}, []string{"(unallocated): 29.00 idle device-h, planted 30.00"}},
		{"hours invented", [][]string{{"", "30"}, {"chat", "0.2"}}, [][]string{{"chat", "1000", "90000", "28000"}}, []string{"chat: 0.20 idle device-h, planted 0.02"}},
		{"nothing served", [][]string{{"", "30"}}, nil, []string{"chat: 0.00 requests, planted 1000.00", "chat: 0.00 tokens in, planted 90000.00", "chat: 0.00 tokens out, planted 28000.00"}},
	} {
		got, err := compareWork(truth, c.idle, c.served)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	if _, err := compareWork(truth, [][]string{{"chat", null}}, nil); err == nil {
		t.Error("idle hours that are unknown are compared")
	}
}
