package cluster

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/loadtest/internal/topics"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// small has a last node that is not full.
func small() Load {
	l := Standard(19)
	l.Interval = 2 * time.Second
	return l
}

func draw(l Load, slots int) (all []topics.Entry) {
	c := newCourses(l)
	var s scratch
	for slot := range slots {
		for n := range l.Nodes() {
			all = append(all, c.record(n, slot, &s))
		}
	}
	return all
}

func TestRecordsAreAFunctionOfTheLoad(t *testing.T) {
	a, b := draw(small(), 12), draw(small(), 12)
	if d := cmp.Diff(a, b); d != "" {
		t.Error(d)
	}
	other := small()
	other.Seed++
	if bytes.Equal(a[0].Value, draw(other, 1)[0].Value) {
		t.Error("another seed gives the same readings")
	}
}

func TestRecordsHoldWhatTheLoadSays(t *testing.T) {
	l := small()
	type series struct {
		device string
		metric telemetry.Metric
	}
	type reading struct{ at, value int64 }
	last := map[series]reading{}
	var d record.SamplesDecoder
	readings := int64(0)
	for _, e := range draw(l, 12) {
		b, err := d.Decode(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		readings += int64(b.Readings())
		for _, c := range b.Series {
			key := series{b.Node + "/" + c.Device, c.Metric}
			for i, v := range c.Values.AppendTo(nil) {
				at := b.Axes[c.Axis][i]
				before, known := last[key]
				if known && at-before.at != int64(l.Interval) {
					t.Fatalf("%v: %s between two readings", key, time.Duration(at-before.at))
				}
				if known && c.Metric == telemetry.EnergyJoules && v <= before.value {
					t.Fatalf("%v: counter goes from %d to %d", key, before.value, v)
				}
				last[key] = reading{at, v}
			}
		}
	}
	if want := l.Readings(2 * time.Minute); readings != want || len(last) != l.Accelerators*Metrics {
		t.Errorf("%d readings of %d series, want %d of %d", readings, len(last), want, l.Accelerators*Metrics)
	}
}

func TestLongIntervalsMakeLongSlots(t *testing.T) {
	l := Standard(100_000)
	l.Interval = 30 * time.Second
	if l.Slot() != 30*time.Second || l.Slots(time.Minute) != 2 || l.Readings(time.Minute) != 1_000_000 {
		t.Errorf("slot %s, %d slots, %d readings", l.Slot(), l.Slots(time.Minute), l.Readings(time.Minute))
	}
	if l = Standard(1); l.Slot() != 10*time.Second || l.Nodes() != 1 || l.on(0) != 1 {
		t.Errorf("slot %s, %d nodes of %d", l.Slot(), l.Nodes(), l.on(0))
	}
}

// A device is held once at a time, by accelerators that the node has.
func TestPlacementsFitTheirNode(t *testing.T) {
	l := small()
	for n := range l.Nodes() {
		end := map[string]int64{}
		for _, p := range l.Placements(n, 6*time.Hour) {
			if len(p.Devices) == 0 || p.End <= p.Start {
				t.Errorf("%s holds %v in [%d, %d)", p.ID, p.Devices, p.Start, p.End)
			}
			for _, device := range p.Devices {
				if device >= deviceNames[l.on(n)-1]+"x" || p.Start < end[device] {
					t.Errorf("%s: %s begins before the one before ends, or is not there", p.ID, device)
				}
				end[device] = p.End
			}
		}
		if len(end) != l.on(n) {
			t.Errorf("node %d: %d of %d accelerators are ever held", n, len(end), l.on(n))
		}
	}
}

func TestLoadListsItsFaults(t *testing.T) {
	err := Load{Accelerators: 2_000_000, Interval: 7 * time.Second, Start: time.Unix(1, 0)}.Validate()
	for _, want := range []string{"accelerators 2000000", "interval 7s", "a whole minute"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if err := Standard(1_000_000).Validate(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRecord(b *testing.B) {
	l := Standard(8_000)
	c := newCourses(l)
	var s scratch
	readings := 0
	for i := 0; b.Loop(); i++ {
		c.record(i%l.Nodes(), i/l.Nodes(), &s)
		readings += PerNode * Metrics * 10
	}
	b.ReportMetric(float64(readings)/b.Elapsed().Seconds(), "readings/s")
}
