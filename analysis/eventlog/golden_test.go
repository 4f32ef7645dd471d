package eventlog

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sparktune/sparktune/analysis"
)

var update = flag.Bool("update", false, "rewrite the wanted results in testdata")

// Each archive in testdata tells why it is there, then holds the files of one
// or more logs, and in "want" the columns that are not missing. Blank lines
// and lines that start with # are left out of the logs, so that they can be
// read.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { testGolden(t, name) })
	}
}

func testGolden(t *testing.T, name string) {
	ar, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(ar.Comment) == 0 {
		t.Error("no word on why this case is there")
	}
	fsys := fstest.MapFS{}
	var want *txtar.File
	for i := range ar.Files {
		if f := &ar.Files[i]; f.Name == "want" {
			want = f
		} else {
			fsys[f.Name] = &fstest.MapFile{Data: uncomment(f.Data)}
		}
	}
	got := readAll(t, fsys)
	if *update {
		if want == nil {
			ar.Files = append(ar.Files, txtar.File{Name: "want"})
			want = &ar.Files[len(ar.Files)-1]
		}
		want.Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want == nil {
		t.Fatal(`no file "want": run with -update`)
	}
	if diff := cmp.Diff(string(want.Data), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// uncomment leaves a last line that starts with ~ open: a cut log.
func uncomment(data []byte) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if cut, ok := strings.CutPrefix(line, "~"); ok {
			b.WriteString(strings.TrimSuffix(cut, "\n"))
		} else if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return []byte(b.String())
}

func readAll(t *testing.T, fsys fstest.MapFS) string {
	t.Helper()
	logs, skipped, err := Find(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range skipped {
		fmt.Fprintf(&b, "skipped %s: %s\n\n", s.Path, s.Reason)
	}
	for _, l := range logs {
		runs, err := Read(fsys, l)
		if err != nil {
			fmt.Fprintf(&b, "error: %v\n\n", err)
		}
		for i := range runs {
			b.WriteString(columns(&runs[i]) + "\n")
		}
	}
	return b.String()
}

// columns lists what a run measured. Zeros of counters that every run has say
// nothing here and are left out.
func columns(r *analysis.Run) string {
	var b strings.Builder
	for _, c := range analysis.Columns {
		v, err := json.Marshal(c.Field(r))
		if err != nil {
			v = []byte(err.Error())
		}
		switch s := string(v); s {
		case "null", `""`, "0", "false", "{}", `"0001-01-01T00:00:00Z"`:
		default:
			fmt.Fprintf(&b, "%s = %s\n", c.Name, s)
		}
	}
	fmt.Fprintf(&b, "complete = %t\n", r.Complete())
	return b.String()
}
