package kafkatest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/system"
)

// Real returns the Apache Kafka of this test binary, which it starts at the
// first call.
func Real(t testing.TB) *Broker {
	t.Helper()
	if missing := missingParts(); missing != "" {
		absent(t.Fatalf, t.Skipf, missing)
	}
	broker, err := startApache()
	if err != nil {
		t.Fatalf("start Apache Kafka: %v", err)
	}
	return &Broker{Kind: Apache, Config: kafka.Config{Brokers: []string{broker.addr}}}
}

// apache is the running broker. Its lifeline is kept here because a pipe that
// nothing refers to is closed by the garbage collector.
type apache struct {
	addr     string
	lifeline io.Closer
}

// startApache is the one broker of a test binary; starting it takes seconds.
var startApache = sync.OnceValues(func() (apache, error) {
	dir, err := os.MkdirTemp("", "kafkatest")
	if err != nil {
		return apache{}, err
	}
	// The watcher's input ends when this process does, by whatever cause. It has
	// a session of its own, so that an interrupt from the keyboard spares it.
	watcher := exec.Command("sh", "-c", `cat >/dev/null; "$1" stop "$2"; rm -rf "$2"`, "sh", script(), dir)
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	lifeline, err := watcher.StdinPipe()
	if err != nil {
		return apache{}, err
	}
	if err := watcher.Start(); err != nil {
		return apache{}, err
	}
	ports, err := system.FreePorts(1)
	if err != nil {
		return apache{}, err
	}
	// To a file: a pipe would stay open in the broker and hold the test up.
	log, err := os.Create(filepath.Join(dir, "start.log"))
	if err != nil {
		return apache{}, err
	}
	defer log.Close()
	cmd := exec.Command(script(), "start", dir, strconv.Itoa(ports[0]))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name()) // best effort: err is what counts
		return apache{}, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(said)))
	}
	return apache{addr: system.Loopback(ports[0]), lifeline: lifeline}, nil
})

// missingParts says what Apache Kafka needs and is not there.
func missingParts() string {
	if _, err := exec.LookPath("java"); err != nil {
		return "Apache Kafka is not tested: java is missing"
	}
	home := os.Getenv("NTEGRAL_KAFKA_HOME")
	if home == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "Apache Kafka is not tested: no cache folder"
		}
		home = filepath.Join(cache, "ntegral", "kafka", version)
	}
	if jars, _ := filepath.Glob(filepath.Join(home, "kafka_2.13-*.jar")); len(jars) == 0 {
		return "Apache Kafka is not tested: no jars in " + home + ", fetch them with deploy/scripts/kafka.sh fetch"
	}
	return ""
}

// version is the same as in deploy/scripts/kafka.sh.
const version = "4.2.0"

// script is deploy/scripts/kafka.sh of this source tree.
func script() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../../../deploy/scripts/kafka.sh")
}
