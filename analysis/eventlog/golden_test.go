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
// or more logs, in "want" the columns that are not missing, and some a "profile".
// Blank lines
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
	for _, f := range ar.Files {
		if f.Name != "want" && f.Name != "profile" {
			fsys[f.Name] = &fstest.MapFile{Data: uncomment(f.Data)}
		}
	}
	results := map[string]func(*testing.T, fstest.MapFS) string{"want": readAll, "profile": readProfiles}
	for i := range ar.Files {
		f := &ar.Files[i]
		read, ok := results[f.Name]
		if !ok {
			continue
		}
		got := read(t, fsys)
		if *update {
			f.Data = []byte(got)
		}
		if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s: -want +got\n%s", f.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// readProfiles prints profiles, where an archive has a file of that name.
func readProfiles(t *testing.T, fsys fstest.MapFS) string {
	t.Helper()
	logs, _, err := Find(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, l := range logs {
		_, profiles, err := ReadProfiles(fsys, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range profiles {
			for _, s := range p.Stages {
				fmt.Fprintf(&b, "stage %d.%d of job %d, sql %d: after %d, %d..%d ms, %d tasks, run %d ms, median %g, max %d, histogram %v\n",
					s.ID, s.Attempt, s.Job, s.SQL, s.Parents, s.Submitted, s.Completed, s.Tasks, s.RunMs, s.RunMedianMs, s.RunMaxMs, s.RunHist)
			}
			fmt.Fprintf(&b, "executors %+v\ngaps %+v and %d ms\n\n", p.Executors, p.Gaps, p.OtherGapMs)
		}
	}
	return b.String()
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
