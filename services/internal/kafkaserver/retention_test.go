package kafkaserver

import (
	"strconv"
	"testing"
	"time"
)

func TestKeepFrom(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	// Four segments of 100 bytes, the oldest written to 4 h ago, the newest 1 h ago.
	var segments []segment
	for i := range 4 {
		segments = append(segments, segment{base: int64(i * 10), bytes: 100, modified: now.Add(-time.Duration(4-i) * time.Hour)})
	}
	for _, tc := range []struct {
		name   string
		limits limits
		want   int64 // 0: nothing goes
	}{
		{"no limits", limits{age: -1, bytes: -1}, 0},
		{"age between two", limits{age: 150 * time.Minute, bytes: -1}, 20},
		{"age exactly", limits{age: 3 * time.Hour, bytes: -1}, 10},
		{"all too old, the newest stays", limits{age: time.Second, bytes: -1}, 30},
		{"bytes exactly", limits{age: -1, bytes: 200}, 20},
		{"bytes, what stays is at least the limit", limits{age: -1, bytes: 201}, 10},
		{"bytes of one, the newest stays", limits{age: -1, bytes: 0}, 30},
		{"either", limits{age: 210 * time.Minute, bytes: 100}, 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := keepFrom(segments, tc.limits, now)
			if got != tc.want || ok != (tc.want != 0) {
				t.Errorf("got %d %v, want %d", got, ok, tc.want)
			}
		})
	}
	if _, ok := keepFrom(nil, limits{age: 0, bytes: 0}, now); ok {
		t.Error("something goes of nothing")
	}
}

func TestLimitsOf(t *testing.T) {
	text := func(s string) *string { return &s }
	got := limitsOf(map[string]*string{"retention.ms": text("60000"), "retention.bytes": text("5")})
	if want := (limits{age: time.Minute, bytes: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	forever := strconv.FormatInt(1<<63-1, 10)
	got = limitsOf(map[string]*string{"retention.ms": text(forever), "retention.bytes": nil})
	if want := (limits{age: -1, bytes: -1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseFolder(t *testing.T) {
	topic, partition, ok := parseFolder("ntegral.samples.v1-12")
	if topic != "ntegral.samples.v1" || partition != 12 || !ok {
		t.Errorf("got %q %d %v", topic, partition, ok)
	}
	for _, bad := range []string{"", "x", "x-", "x-y", "%zz-1"} {
		if _, _, ok := parseFolder(bad); ok {
			t.Errorf("%q was taken for a partition", bad)
		}
	}
}
