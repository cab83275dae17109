package cli

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kelseyhightower/envconfig"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/ntegral/ntegral/services/internal/chserver"
	"github.com/ntegral/ntegral/services/internal/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// root of the source tree.
const root = "../../.."

// TestGeneratedDocs holds the checked-in documents against the code, without
// the script that CI runs.
func TestGeneratedDocs(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"config.md":  writeConfig,
		"metrics.md": func(w io.Writer) error { return writeMetrics(t.Context(), w) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := os.ReadFile(root + "/docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("docs/%s is not what the code says, run make generate (-want +got):\n%s", name, diff)
		}
	}
}

// TestEveryVariableIsDescribed holds desc tags to be there.
func TestEveryVariableIsDescribed(t *testing.T) {
	var text strings.Builder
	if err := envconfig.Usagef(prefix, &Config{}, &text, "{{range .}}{{usage_key .}}\t{{usage_description .}}\n{{end}}"); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if name, meaning, _ := strings.Cut(strings.TrimSpace(line), "\t"); meaning == "" {
			t.Errorf("%s has no description", name)
		}
	}
}

// TestExampleListsEveryVariable holds .env.example against the code: every
// variable is in it, none that there is not, and defaults are the real ones.
func TestExampleListsEveryVariable(t *testing.T) {
	var text strings.Builder
	if err := envconfig.Usagef(prefix, &Config{}, &text, "{{range .}}{{usage_key .}}={{usage_default .}}\n{{end}}"); err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{}
	for line := range strings.Lines(text.String()) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		defaults[name] = value
	}
	example, err := os.ReadFile(root + "/.env.example")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^#?(NTEGRAL_[A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(string(example), -1) {
		listed[m[1]] = m[2]
	}
	for name, value := range listed {
		is, known := defaults[name]
		switch {
		case !known && name != "NTEGRAL_CHDB_CACHE" && name != "NTEGRAL_KAFKA_HOME":
			t.Errorf(".env.example has %s, which nothing reads", name)
		case known && is != "" && value != is:
			t.Errorf(".env.example: %s=%s, the default is %s", name, value, is)
		}
	}
	for name := range defaults {
		if _, ok := listed[name]; !ok {
			t.Errorf(".env.example lacks %s", name)
		}
	}
}

// collected takes what is registered.
type collected []prometheus.Collector

func (c *collected) Register(m prometheus.Collector) error   { *c = append(*c, m); return nil }
func (c *collected) MustRegister(ms ...prometheus.Collector) { *c = append(*c, ms...) }
func (c *collected) Unregister(prometheus.Collector) bool    { return false }

func TestKindsFollowFromNames(t *testing.T) {
	var all collected
	sink.Describe(&all)
	chserver.Describe(&all)
	for _, c := range all {
		var kind string
		switch c.(type) {
		case *prometheus.GaugeVec, prometheus.Gauge: // a Gauge can do what a Counter can
			kind = "gauge"
		case *prometheus.CounterVec, prometheus.Counter:
			kind = "counter"
		case *prometheus.HistogramVec, prometheus.Histogram:
			kind = "histogram"
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(c)
		found, err := declared(registry)
		if err != nil {
			t.Fatal(err)
		}
		if got := found[0].kind; got != kind {
			t.Errorf("%s is a %s, by its name it is a %s", found[0].name, kind, got)
		}
	}
}
