// Package pipelines_test holds what is true of the whole module: it is pure.
package pipelines_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// forbidden is what no package of the module may import itself. An entry that
// ends in a slash forbids what lies below it, too.
var forbidden = []string{
	"net", "net/", "os", "os/", "syscall", "log", "log/", "math/rand", "math/rand/", "unsafe",
	"github.com/twmb/franz-go/", "github.com/ClickHouse/", "github.com/prometheus/", "github.com/apache/arrow/",
}

// forbiddenDeps is what may not even be linked through another package. (The
// standard library's own net and os are below fmt and Arrow; these are not.)
var forbiddenDeps = []string{
	"net/http", "log/slog", "github.com/twmb/franz-go/", "github.com/ClickHouse/", "github.com/prometheus/",
	"github.com/ntegral/ntegral/services/", "github.com/ntegral/ntegral/loadtest/", "github.com/ntegral/ntegral/grafana-plugin/",
}

func matches(path string, list []string) bool {
	return slices.ContainsFunc(list, func(f string) bool {
		return path == f || strings.HasSuffix(f, "/") && strings.HasPrefix(path, f)
	})
}

func TestNoImpurePackageIsLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if matches(path, forbiddenDeps) {
			t.Errorf("pipelines depends on %s; see CONTRIBUTING.md, dependency direction", path)
		}
	}
}

// TestSourceIsPure reads the source: no forbidden import, no clock.
func TestSourceIsPure(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			if name, _ := strconv.Unquote(spec.Path.Value); matches(name, forbidden) {
				t.Errorf("%s imports %s: the core is pure", set.Position(spec.Pos()), name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && isClock(call) {
				t.Errorf("%s: time.%s: the core's time comes from data", set.Position(n.Pos()), call.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("read the module's source: %d files, %v", files, err)
	}
}

func isClock(s *ast.SelectorExpr) bool {
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "time" &&
		slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}, s.Sel.Name)
}
