package lake

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated part of docs/lake.md")

// TestDocs holds the dictionary of run_profiles in docs/lake.md against the
// columns.
func TestDocs(t *testing.T) {
	const (
		path  = "../../docs/lake.md"
		begin = "<!-- generated: columns of run_profiles -->\n"
		end   = "<!-- end -->\n"
	)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), begin)
	got, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no generated part", path)
	}
	want := "\n" + dictionary("run_profiles", profileFields) + dictionary("stages", stageFields) +
		dictionary("executors", stepFields) + dictionary("gaps", spanFields)
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not current: run go test ./analysis/lake -run TestDocs -update (-want +got):\n%s", path, diff)
	}
}

func dictionary[R any](title string, fs []field[R]) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| `%s` | formula [unit; Spark event] |\n| --- | --- |\n", title)
	for _, f := range fs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.name, strings.ReplaceAll(f.doc, "|", `\|`))
	}
	return b.String() + "\n"
}
