package process

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kelseyhightower/envconfig"
)

func TestConfigFromEnvironment(t *testing.T) {
	var got Config
	if err := envconfig.Process("NTEGRAL_PROCESS", &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, DefaultConfig()); diff != "" {
		t.Errorf("defaults of the tags (-got +want):\n%s", diff)
	}
	t.Setenv("NTEGRAL_PROCESS_WINDOW", "30s")
	t.Setenv("NTEGRAL_PROCESS_INSTANCE_ID", "one")
	t.Setenv("NTEGRAL_PROCESS_LISTEN", "127.0.0.1:1")
	if err := envconfig.Process("NTEGRAL_PROCESS", &got); err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	want.Window, want.InstanceID, want.Listen = 30*time.Second, "one", "127.0.0.1:1"
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("set (-got +want):\n%s", diff)
	}
}

// TestCheckpointsOfTasksComeInTurn: evenly over an interval.
func TestCheckpointsOfTasksComeInTurn(t *testing.T) {
	e := &environment{cfg: DefaultConfig(), partitions: 4}
	for task, want := range []time.Duration{0, 7500 * time.Millisecond, 15 * time.Second, 22500 * time.Millisecond} {
		if got := e.phase(int32(task)); got != want {
			t.Errorf("task %d: got %v, want %v", task, got, want)
		}
	}
}
