package contract_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const modulePrefix = "github.com/ntegral/ntegral/"

// mayImport is the dependency direction: schemas <- pipelines <- services;
// grafana-plugin -> schemas; loadtest -> schemas, a black box outside.
var mayImport = map[string][]string{
	"schemas":        {},
	"pipelines":      {"schemas"},
	"services":       {"schemas", "pipelines"},
	"grafana-plugin": {"schemas"},
	"loadtest":       {"schemas"},
}

func goCommand(t *testing.T, module string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join("..", "..", module)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: go %s: %v\n%s", module, strings.Join(args, " "), err, stderr.String())
	}
	return out
}

func TestModulesDependInOneDirection(t *testing.T) {
	for module, allowed := range mayImport {
		t.Run(module, func(t *testing.T) {
			deps := goCommand(t, module, "list", "-deps", "-test", "-e", "-f", "{{.ImportPath}}", "./...")
			for path := range strings.Lines(string(deps)) {
				rest, ok := strings.CutPrefix(strings.TrimSpace(path), modulePrefix)
				if !ok {
					continue
				}
				other, _, _ := strings.Cut(strings.Fields(rest)[0], "/")
				other = strings.TrimSuffix(strings.TrimSuffix(other, ".test"), "_test")
				if other != module && !slices.Contains(allowed, other) {
					t.Errorf("%s depends on %s", module, strings.TrimSpace(path))
				}
			}
		})
	}
}

// goMod is what `go mod edit -json` tells of a module.
type goMod struct {
	Go      string
	Require []struct {
		Path     string
		Indirect bool
	}
	Replace []struct{ Old, New struct{ Path string } }
}

func readGoMod(t *testing.T, module string) (m goMod) {
	t.Helper()
	if err := json.Unmarshal(goCommand(t, module, "mod", "edit", "-json"), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEveryDependencyHasAPurpose: docs/dependencies.md names every module that
// one of ours requires directly, says why, and names none that nobody requires.
func TestEveryDependencyHasAPurpose(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|[^|]+\\| (.+) \\|$").FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = true
		if len(strings.TrimSpace(m[2])) < 10 {
			t.Errorf("docs/dependencies.md does not say what %s is for", m[1])
		}
	}
	required := map[string]bool{}
	for module := range mayImport {
		for _, r := range readGoMod(t, module).Require {
			required[r.Path] = true
			if !strings.HasPrefix(r.Path, modulePrefix) && !r.Indirect && !documented[r.Path] {
				t.Errorf("%s requires %s, which docs/dependencies.md does not name", module, r.Path)
			}
		}
	}
	for path := range documented {
		if !required[path] {
			t.Errorf("docs/dependencies.md names %s, which no module requires", path)
		}
	}
}

// TestSiblingsAreReplaced keeps GOWORK=off builds honest.
func TestSiblingsAreReplaced(t *testing.T) {
	for module := range mayImport {
		m := readGoMod(t, module)
		for _, r := range m.Require {
			sibling, ok := strings.CutPrefix(r.Path, modulePrefix)
			if !ok {
				continue
			}
			if !slices.ContainsFunc(m.Replace, func(x struct{ Old, New struct{ Path string } }) bool {
				return x.Old.Path == r.Path && x.New.Path == "../"+sibling
			}) {
				t.Errorf("%s requires %s without replacing it by ../%s", module, r.Path, sibling)
			}
		}
	}
}
