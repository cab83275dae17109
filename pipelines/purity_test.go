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
	"net", "net/", "os", "os/", "syscall", "log", "log/", "math/rand", "math/rand/", "crypto/rand", "unsafe", "io/ioutil", "plugin",
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

// TestSourceIsPure reads the source: no forbidden import, no clock, no
// printing, no goroutine, no init.
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
			if spec.Name != nil {
				t.Errorf("%s renames an import: this test goes by names", set.Position(spec.Pos()))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if why := impurity(n); why != "" {
				t.Errorf("%s: %s", set.Position(n.Pos()), why)
			}
			return true
		})
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("read the module's source: %d files, %v", files, err)
	}
}

// impurity says what about a node of the source is not pure, "" for nothing.
func impurity(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a goroutine: the core is not concurrent"
	case *ast.FuncDecl:
		if n.Name.Name == "init" && n.Recv == nil {
			return "init: the core has no state of its own"
		}
	case *ast.SelectorExpr:
		x, ok := n.X.(*ast.Ident)
		switch {
		case !ok:
		case x.Name == "time" && slices.Contains(clocks, n.Sel.Name):
			return "time." + n.Sel.Name + ": the core's time comes from data"
		case x.Name == "time" && n.Sel.Name == "Local":
			return "time.Local: the core's time is UTC"
		case x.Name == "fmt" && strings.HasPrefix(n.Sel.Name, "Print"):
			return "fmt." + n.Sel.Name + ": the core does no I/O"
		}
	}
	return ""
}

var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}
