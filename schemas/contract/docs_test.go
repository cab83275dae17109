package contract_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
)

var update = flag.Bool("update", false, "rewrite the generated parts of docs/ (refused where CI is set)")

// The generated part of a document stands between these lines.
func begin(name string) string {
	return "<!-- generated: " + name + "; make generate rewrites this part -->"
}

func end(name string) string { return "<!-- end of generated: " + name + " -->" }

// holdGenerated compares the part called name of a document with want, or
// rewrites it. A document that is not there yet is begun with the part alone.
func holdGenerated(t *testing.T, document, name, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", filepath.FromSlash(document))
	b, err := os.ReadFile(path)
	if err != nil && (!*update || !os.IsNotExist(err)) {
		t.Fatalf("read docs/%s: %v; run make generate", document, err)
	}
	before, rest, ok := strings.Cut(string(b), begin(name)+"\n")
	got, after, ok2 := strings.Cut(rest, end(name)+"\n")
	if *update {
		if os.Getenv("CI") != "" {
			t.Fatal("-update is refused where CI is set")
		}
		if !ok || !ok2 {
			before, after = string(b)+"\n", ""
		}
		text := before + begin(name) + "\n" + want + end(name) + "\n" + after
		if err := os.WriteFile(path, []byte(strings.TrimPrefix(text, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !ok || !ok2 {
		t.Fatalf("docs/%s has no part %q; run make generate", document, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/%s, part %q is not what the code says; run make generate (-code +docs):\n%s", document, name, diff)
	}
}

func TestGeneratedColumnTable(t *testing.T) {
	facts := map[string]string{}
	for _, c := range readDDL(t).tables["facts"] {
		facts[c.Name] = c.Type
	}
	var b strings.Builder
	b.WriteString("| column | unit | `facts` | rollups, `ledger` | meaning |\n|---|---|---|---|---|\n")
	for i, c := range fact.Columns {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | `%s` | %s |\n", c.Name, c.Unit, facts[c.Name], wide()[i].Type, c.Doc)
	}
	holdGenerated(t, "formats/tables.md", "columns", b.String())
}

func TestGeneratedTopicTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| topic | partitions | kept for | bytes a partition |\n|---|---|---|---|\n")
	for _, topic := range record.Topics() {
		partitions, kept, size := "one a task", "ever", "unbounded"
		if topic.Single {
			partitions = "1"
		}
		if h := topic.RetentionHours; h > 0 {
			kept = fmt.Sprintf("%d days", h/24)
		}
		if n := topic.RetentionBytes; n > 0 {
			size = fmt.Sprintf("%d GiB", n>>30)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", topic.Name, partitions, kept, size)
	}
	holdGenerated(t, "formats/topics.md", "topics", b.String())
}
