package gokapeer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

func TestStateSurvivesItsCodec(t *testing.T) {
	s := newState()
	s.last[seriesKey{"gpu-0", telemetry.EnergyJoules}] = reading{60, -7}
	s.last[seriesKey{"gpu-1", telemetry.SMActive}] = reading{61, 1 << 40}
	*s.open(3, "") = sums{1, 2}
	*s.open(4, "train") = sums{1 << 50, 0}
	b, err := stateCodec{}.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := stateCodec{}.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, s, cmp.AllowUnexported(state{}, seriesKey{}, reading{}, sumKey{}, sums{})); d != "" {
		t.Error(d)
	}
	for cut := range b {
		if _, err := (stateCodec{}).Decode(b[:cut]); err == nil {
			t.Errorf("%d of %d bytes decode", cut, len(b))
		}
	}
}
